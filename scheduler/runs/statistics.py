"""How runs went: a task's day by day or within a span of time, and those of all tasks; totals are on the tasks' own rows."""

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


@dataclass(frozen=True)
class Day:
    """One day in UTC, and how many runs due on it succeeded and failed."""

    date: date
    success: int
    failed: int


@dataclass(frozen=True)
class Totals:
    """How many runs ran, how they ended, and how long they took together, in seconds."""

    total: int
    success: int
    failed: int
    duration: float

    @property
    def rate(self) -> float:
        """The share that succeeded, 0 to 1; 0 when none ran."""
        return self.success / self.total if self.total else 0.0

    @property
    def average(self) -> float:
        """Seconds a run took; 0 when none ran."""
        return self.duration / self.total if self.total else 0.0


def within(task: Task, since: datetime | None, until: datetime | None) -> Totals:
    """The task's runs due from `since` on and before `until`; without either all there ever were, those cleaned up as well."""
    if since is None and until is None:
        return Totals(task.total_count, task.success_count, task.failure_count, task.total_duration)
    succeeded, failed = func.count().filter(Run.status == Status.SUCCESS), func.count().filter(Run.status.in_(FAILED))
    query = select(func.count(), succeeded, failed, func.coalesce(func.sum(Run.duration), 0.0))
    query = query.where(Run.task_id == task.id, Run.status.in_(RAN))
    if since is not None:
        query = query.where(Run.scheduled_at >= since)
    if until is not None:
        query = query.where(Run.scheduled_at < until)
    total, success, failure, duration = db.session.execute(query).one()
    return Totals(int(total), int(success), int(failure), float(duration))


def of_all(actor: Actor) -> Totals:
    """The runs of every task the actor may see, read from the tasks' own rows."""
    sums = (Task.total_count, Task.success_count, Task.failure_count, Task.total_duration)
    query = select(*(func.coalesce(func.sum(column), 0) for column in sums))
    total, success, failure, duration = db.session.execute(query.where(Task.deleted_at.is_(None), scoped(visible(actor)))).one()
    return Totals(int(total), int(success), int(failure), float(duration))


def daily(task: Task, days: int) -> list[Day]:
    """The last `days` days on which the task ran, the newest first."""
    since = datetime.combine(clock.now().date() - timedelta(days=days - 1), time(), UTC)
    day = _day_of_run()
    succeeded = func.count().filter(Run.status == Status.SUCCESS)
    failed = func.count().filter(Run.status.in_(FAILED))
    query = select(day, succeeded, failed).where(Run.task_id == task.id, Run.scheduled_at >= since, Run.status.in_(RAN))
    rows = db.session.execute(query.group_by(day).order_by(day.desc()))
    return [Day(date.fromisoformat(str(found)), *counts) for found, *counts in rows]


def _day_of_run() -> ColumnElement[str]:
    if db.engine.dialect.name == "sqlite":
        return func.date(Run.scheduled_at)
    return func.date(func.timezone("UTC", Run.scheduled_at))
