"""What is due in a minute or a second of a task's life and what is nearest to it: arithmetic on plans, for `why`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from scheduler.database import db
from scheduler.runs.models import Run
from scheduler.runs.status import Cause
from scheduler.runs.ticks import JUST_BEFORE
from scheduler.schedules.plan import Plan
from scheduler.tasks.models import Task
from scheduler.tasks.queries import plan_of

MOST = 2000  # instants counted one by one


@dataclass(frozen=True)
class Span:
    """What somebody means by a time; its end is not part of it."""

    start: datetime
    end: datetime


def span(instant: datetime) -> Span:
    """The second of `instant`; of one given to the minute all of that minute."""
    start = instant.replace(microsecond=0)
    return Span(start, start + timedelta(seconds=1 if start.second else 60))


def due(plan: Plan | None, span: Span) -> datetime | None:
    """The first due instant within `span`; a schedule of elapsed time knows none, its rows and its next instant do."""
    if plan is None or plan.schedule.elapsed:
        return None
    found = plan.next_after(span.start - JUST_BEFORE)
    return found if found is not None and found < span.end else None


def coming(task: Task, span: Span, now: datetime) -> datetime | None:
    """The first instant within `span` the task will be due at, after now."""
    plan = plan_of(task)
    if not plan.schedule.elapsed:
        found = due(plan, span)
        return found if found is not None and found > now else None
    first = task.next_run_at
    following = plan.next_after(first) if first else None
    if first is None or span.end <= now:
        return None
    if following is not None and span.start > first:
        step = following - first
        first += step * -(-(span.start - first) // step)
    inside = span.start <= first < span.end and first > now
    return first if inside and (plan.end_at is None or first <= plan.end_at) else None


def nearest(task: Task, plan: Plan | None, span: Span, due: datetime | None) -> tuple[datetime | None, datetime | None]:
    """The due instants before and after the one found, else before and after all of `span`; none before the task was there."""
    span = Span(due, due + timedelta(seconds=1)) if due else span
    if plan is None or plan.schedule.elapsed:
        return _of_rows(task, span)
    after = plan.next_after(span.end - JUST_BEFORE)
    return _last(plan, task.created_at + JUST_BEFORE, span.start), after


def unattended(task: Task, span: Span) -> Run | None:
    """The row of an interval's instant that nobody had come to yet at `span`: it goes on only from when somebody does."""
    if not plan_of(task).schedule.elapsed:
        return None
    query = select(Run).where(Run.task_id == task.id, Run.cause == Cause.SCHEDULE, Run.scheduled_at < span.start)
    last = db.session.scalars(query.order_by(Run.scheduled_at.desc()).limit(1)).first()
    return last if last is not None and last.queued_at >= span.end else None


def beyond_limit(task: Task, plan: Plan, due: datetime) -> bool:
    """Whether the task will have used up its number of runs before it comes to `due`."""
    if task.max_runs is None:
        return False
    left = task.max_runs - task.ticks
    if left <= 0 or task.next_run_at is None:
        return True
    if plan.schedule.elapsed:
        following = plan.next_after(task.next_run_at)
        return following is not None and (due - task.next_run_at) // (following - task.next_run_at) >= left
    return left < MOST and len(plan.between(task.next_run_at - JUST_BEFORE, due, left + 1)) > left


def _last(plan: Plan, since: datetime, moment: datetime) -> datetime | None:
    """The last due instant from `since` on before `moment`: schedules know only the next, so the way back is by trial windows."""
    empty, window = timedelta(0), timedelta(minutes=1)
    while True:
        begin = max(moment - window, since)
        found = plan.between(begin - JUST_BEFORE, moment - JUST_BEFORE, MOST)
        if 0 < len(found) < MOST:
            return found[-1]
        if not found and begin == since:
            return None
        empty, window = (empty, (empty + window) / 2) if found else (window, window * 4)


def _of_rows(task: Task, span: Span) -> tuple[datetime | None, datetime | None]:
    rows = select(func.max(Run.scheduled_at).filter(Run.scheduled_at < span.start),
                  func.min(Run.scheduled_at).filter(Run.scheduled_at >= span.end))  # fmt: skip
    before, after = db.session.execute(rows.where(Run.task_id == task.id, Run.cause == Cause.SCHEDULE)).one()
    following = task.next_run_at
    return before, after or (following if following is not None and following >= span.end else None)
