"""How each task has gone lately, kept on its own row: counters and the last twenty results; lists read it instead of runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from scheduler.database import chunks, table
from scheduler.runs.models import Ending
from scheduler.runs.status import FAILED, RAN, Status
from scheduler.tasks.models import Task

RECENT = 20
_task = table(Task).c
_READ = select(
    _task.id, _task.recent, _task.last_status, _task.last_run_id, _task.last_started_at, _task.last_duration,
    _task.last_success_at, _task.last_failure_at, _task.total_count, _task.success_count, _task.failure_count,
    _task.total_duration,
).where(_task.id.in_(bindparam("tasks", expanding=True)))  # fmt: skip
_WRITE = update(table(Task)).where(_task.id == bindparam("task"))
_TELL = insert(table(Ending))


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


def add(session: Session, ended: Sequence[Ended]) -> None:
    """Count these runs on their tasks' rows, and note for the notifier that they ended.

    Call it in the transaction that ends them, once for each.
    """
    digests: dict[int, dict[str, Any]] = {}
    for ids in chunks(sorted({run.task_id for run in ended})):
        for row in session.connection().execute(_READ, {"tasks": ids}):
            digests[row.id] = dict(row._mapping) | {"recent": list(row.recent)}
    for run in sorted(ended, key=lambda run: run.run_id):
        _count(digests[run.task_id], run)
    if digests:
        session.connection().execute(_WRITE, [{"task": digest.pop("id"), **digest} for digest in digests.values()])
    if told := [_told(run) for run in ended if run.status != Status.CANCELLED]:  # somebody wanted that, and knows
        session.connection().execute(_TELL, told)


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
