"""How each task has gone lately, kept on its own row: counters and the last twenty results; lists read it instead of runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.orm import Session

from scheduler.database import chunks, table
from scheduler.prepared import Prepared
from scheduler.runs.models import Ending
from scheduler.runs.status import FAILED, RAN, Status
from scheduler.tasks.models import Task

RECENT = 20
_task = table(Task).c
COLUMNS = (
    _task.recent, _task.last_status, _task.last_run_id, _task.last_started_at, _task.last_duration, _task.last_success_at,
    _task.last_failure_at, _task.total_count, _task.success_count, _task.failure_count, _task.total_duration,
)  # fmt: skip
_NAMES = tuple(column.name for column in COLUMNS)
_READ = select(_task.id.label("task_id"), *COLUMNS).where(_task.id.in_(bindparam("tasks", expanding=True)))
_WRITE = Prepared(update(table(Task)).where(_task.id == bindparam("task")))
_TELL = Prepared(insert(table(Ending)))


@dataclass(frozen=True)
class Ended:
    """A run that reached an end state."""

    run_id: int
    task_id: int
    status: Status
    at: datetime
    started_at: datetime | None = None
    duration: float | None = None
    count: int = 1  # due instants it stands for


def add(session: Session, ended: Sequence[Ended], known: Iterable[Row[Any]] = ()) -> None:
    """Count these runs on their tasks' rows, and note for the notifier that they ended.

    Call it in the transaction that ends them, once for each. Rows `known` with a `task_id` and `COLUMNS` are not read again.
    """
    digests = {row.task_id: _digest(row) for row in known}
    for ids in chunks(sorted({run.task_id for run in ended} - set(digests))):
        digests |= {row.task_id: _digest(row) for row in session.connection().execute(_READ, {"tasks": ids})}
    for run in sorted(ended, key=lambda run: run.run_id):
        _count(digests[run.task_id], run)
    connection = session.connection()
    _WRITE.execute(connection, [{"task": task_id, **digests[task_id]} for task_id in {run.task_id: None for run in ended}])
    _TELL.execute(connection, [_told(run) for run in ended if run.status != Status.CANCELLED])  # somebody wanted that, and knows


def _digest(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _NAMES}


def _told(run: Ended) -> dict[str, Any]:
    return {"run_id": run.run_id, "task_id": run.task_id, "status": run.status, "count": run.count, "at": run.at}


def _count(digest: dict[str, Any], run: Ended) -> None:
    digest["recent"] = [*digest["recent"], [run.status, round(run.duration or 0, 3)]][-RECENT:]
    digest["last_status"], digest["last_run_id"] = run.status, run.run_id
    if run.started_at is not None:
        digest["last_started_at"], digest["last_duration"] = run.started_at, run.duration
    if run.status not in RAN:
        return
    digest["total_count"] += 1
    digest["total_duration"] += run.duration or 0
    if run.status == Status.SUCCESS:
        digest["success_count"] += 1
        digest["last_success_at"] = run.at
    if run.status in FAILED:
        digest["failure_count"] += 1
        digest["last_failure_at"] = run.at
