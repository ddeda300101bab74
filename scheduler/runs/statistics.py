"""How runs went: within a span of time, day by day, of a task or of all; totals are on the tasks' own rows."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, bindparam, func, not_, or_, select

from scheduler import clock
from scheduler.accounts.permissions import Actor, visible
from scheduler.database import db
from scheduler.runs.models import Run
from scheduler.runs.status import FAILED, RAN, Status
from scheduler.tasks.models import Task
from scheduler.tasks.queries import scoped
from scheduler.tasks.totals import Totals

_SUCCESS, _FAILURE = Run.status == Status.SUCCESS, or_(*(Run.status == status for status in sorted(FAILED)))
# Most succeed: what has is not held against the four ways to fail as well.
_COUNTS = (func.count().filter(_SUCCESS), func.count().filter(not_(_SUCCESS), _FAILURE))
_OF_SPAN = select(*_COUNTS).where(Run.scheduled_at >= bindparam("begin"), Run.scheduled_at < bindparam("end"))


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
    since = _midnight() - timedelta(days=days - 1)
    day = _day_of_run()  # one object: PostgreSQL must see that what is selected is what is grouped by
    query = select(day, *_COUNTS).where(Run.task_id == task.id, Run.scheduled_at >= since, Run.status.in_(RAN))
    rows = db.session.execute(query.group_by(day).order_by(day.desc()))
    return [Day(date.fromisoformat(str(found)), success, failed) for found, success, failed in rows]


def daily_of_all(actor: Actor, days: int) -> list[Day]:
    """The same of every task this actor may see: a span of the due instants for each day, with nothing computed of each run."""
    scope = visible(actor)
    query = _OF_SPAN
    if not scope.everything:
        query = query.join(Task, Task.id == Run.task_id).where(scoped(scope))
    begins = [_midnight() - timedelta(days=day) for day in range(days)]
    connection = db.session.connection()
    found = [connection.execute(query, {"begin": begin, "end": begin + timedelta(days=1)}).one() for begin in begins]
    return [Day(begin.date(), *counts) for begin, counts in zip(begins, found, strict=True) if any(counts)]


def _midnight() -> datetime:
    return datetime.combine(clock.now().date(), time(), UTC)


def _day_of_run() -> ColumnElement[str]:
    if db.engine.dialect.name == "sqlite":
        return func.date(Run.scheduled_at)
    return func.date(func.timezone("UTC", Run.scheduled_at))
