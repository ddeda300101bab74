"""How runs went: within a span of time, day by day, of a task or of all; totals are on the tasks' own rows."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, func, select

from scheduler import clock
from scheduler.accounts.permissions import Actor, visible
from scheduler.database import db
from scheduler.runs.models import Run
from scheduler.runs.status import FAILED, RAN, Status
from scheduler.tasks.models import Task
from scheduler.tasks.queries import scoped
from scheduler.tasks.totals import Totals


@dataclass(frozen=True)
class Day:
    """One day in UTC, and how many runs due on it succeeded and failed."""

    date: date
    success: int
    failed: int


def within(task: Task, since: datetime | None, until: datetime | None) -> Totals:
    """The task's runs due from `since` on and before `until`; without either all there ever were, those cleaned up as well."""
    if since is None and until is None:
        return Totals(1, int(task.enabled), task.total_count, task.success_count, task.failure_count, task.total_duration)
    succeeded, failed = func.count().filter(Run.status == Status.SUCCESS), func.count().filter(Run.status.in_(FAILED))
    query = select(func.count(), succeeded, failed, func.sum(Run.duration))
    query = query.where(Run.task_id == task.id, Run.status.in_(RAN))
    if since is not None:
        query = query.where(Run.scheduled_at >= since)
    if until is not None:
        query = query.where(Run.scheduled_at < until)
    total, success, failure, duration = db.session.execute(query).one()
    return Totals(1, int(task.enabled), total, success, failure, float(duration or 0))


def daily(task: Task, days: int) -> list[Day]:
    """The last `days` days on which the task ran, the newest first."""
    return _days(Run.task_id == task.id, Run.scheduled_at >= _since(days))


def daily_of_all(actor: Actor, days: int) -> list[Day]:
    """The same of every task this actor may see."""
    scope = visible(actor)
    recent = Run.scheduled_at >= _since(days)
    return _days(recent) if scope.everything else _days(recent, Run.task_id.in_(select(Task.id).where(scoped(scope))))


def _since(days: int) -> datetime:
    return datetime.combine(clock.now().date() - timedelta(days=days - 1), time(), UTC)


def _days(*conditions: ColumnElement[bool]) -> list[Day]:
    day = _day_of_run()  # one object: PostgreSQL must see that what is selected is what is grouped by
    succeeded = func.count().filter(Run.status == Status.SUCCESS)
    failed = func.count().filter(Run.status.in_(FAILED))
    query = select(day, succeeded, failed).where(Run.status.in_(RAN), *conditions)
    rows = db.session.execute(query.group_by(day).order_by(day.desc()))
    return [Day(date.fromisoformat(str(found)), *counts) for found, *counts in rows]


def _day_of_run() -> ColumnElement[str]:
    if db.engine.dialect.name == "sqlite":
        return func.date(Run.scheduled_at)
    return func.date(func.timezone("UTC", Run.scheduled_at))
