"""How a task's runs went day by day; totals are on the task's own row."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, func, select

from scheduler import clock
from scheduler.database import db
from scheduler.runs.models import Run
from scheduler.runs.status import FAILED, RAN, Status
from scheduler.tasks.models import Task


@dataclass(frozen=True)
class Day:
    """One day in UTC, and how many runs due on it succeeded and failed."""

    date: date
    success: int
    failed: int


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
