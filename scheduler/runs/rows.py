"""Rows of history before they are in the table: made, judged by what is alive of their task, kept; causes nothing itself."""

import os
import secrets
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from scheduler import signals
from scheduler.database import after_commit, chunks, table
from scheduler.prepared import Prepared
from scheduler.runs import digest, policy
from scheduler.runs.digest import Ended
from scheduler.runs.models import Run
from scheduler.runs.policy import Overlap
from scheduler.runs.status import LIVE, Status

MARK, SUPPLY = 12, 256  # letters of one, and how many are fetched at once

_run = table(Run).c
_ALIVE = (
    select(_run.task_id, _run.id)
    .where(_run.status.in_(LIVE), _run.task_id.in_(bindparam("tasks", expanding=True)), _run.cancel_at.is_(None))
    .order_by(_run.id)
)
_INSERT = {
    name: Prepared(dialect.insert(table(Run)).on_conflict_do_nothing())
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}
_LAST = select(func.coalesce(func.max(_run.id), 0))
_WAITS = select(_run.id).where(_run.id > bindparam("last"), _run.status == Status.PENDING).order_by(_run.id)
_OVER = (
    select(_run.id, _run.status, _run.task_id, _run.queued_at, _run.missed_count)
    .where(_run.id > bindparam("last"), _run.status != Status.PENDING)
    .order_by(_run.id)
)

_marks: deque[str] = deque()
os.register_at_fork(after_in_child=_marks.clear)  # or both would use the same


def new_row(task: Any, instant: datetime, now: datetime, status: Status) -> dict[str, Any]:
    """A row for `task` (or what has its columns) due at `instant`; its cause is the caller's."""
    return {
        "public_id": f"exec-{day_of(instant)}-{_mark()}",
        "task_id": task.id,
        "task_version": task.version,
        "late": False,
        "triggered_by": "",
        "upstream": None,
        "status": status,
        "reason": None,
        "priority": task.policy["priority"],
        "weight": policy.weight(task.policy["priority"], now),
        "group_id": task.group_id,
        "scheduled_at": instant,
        "queued_at": now,
        "finished_at": None if status in LIVE else now,
        "missed_count": 0,
        "missed_until": None,
    }


def _mark() -> str:
    """Twelve random letters. The kernel is asked for many at once: to ask it costs more than all else of a row."""
    while True:
        try:
            return _marks.pop()
        except IndexError:
            letters = secrets.token_hex(SUPPLY * MARK // 2)
            _marks.extend(letters[at : at + MARK] for at in range(0, len(letters), MARK))


@lru_cache(maxsize=256)
def day_of(instant: datetime) -> str:
    """Its day as the public ids have it; remembered, because many tasks are due at one instant."""
    return f"{instant:%Y%m%d}"


def join(rows: list[dict[str, Any]], row: dict[str, Any], rules: Mapping[str, Any], alive: list[int]) -> None:
    """Put a row that is to run behind the others of its task, as the overlap policy says.

    `alive` are the task's runs that wait or run already, 0 for one that gets its row here. What it replaces stands in
    the row's `replaces` until it is kept.
    """
    now = row["queued_at"]
    choice = policy.overlap(len(alive), rules)
    if choice is Overlap.SKIP:
        blocker = {"run_id": alive[0]} if alive[0] else {}
        row |= {"status": Status.SKIPPED, "reason": {"code": "overlap", **blocker}, "finished_at": now}
    else:
        if choice is Overlap.REPLACE:
            # Of rows that come together only the newest is left to run; the others never began.
            for other in rows:
                if other["status"] == Status.PENDING:
                    other |= {"status": Status.CANCELLED, "reason": {"code": "replaced"}, "finished_at": now}
            row["replaces"] = [run for run in alive if run]
            alive.clear()
        alive.append(0)
    rows.append(row)


def alive_of(session: Session, task_ids: Sequence[int]) -> dict[int, list[int]]:
    """The runs of these tasks that wait or run, oldest first."""
    found: dict[int, list[int]] = {}
    for part in chunks(task_ids):
        for task_id, run_id in session.connection().execute(_ALIVE, {"tasks": part}):
            found.setdefault(task_id, []).append(run_id)
    return found


def keep(session: Session, rows: list[dict[str, Any]]) -> list[int]:
    """Insert `rows`, count those that ended at once, tell of those that wait after the commit; the runs they replace."""
    replaced = [run for row in rows for run in row.pop("replaces", ())]
    queued, ended = _insert(session, rows)
    digest.add(session, ended)
    if queued:
        after_commit(signals.run_queued, run_ids=queued)
    return replaced


def _insert(session: Session, rows: list[dict[str, Any]]) -> tuple[list[int], list[Ended]]:
    """Insert `rows`, passing over those an instant has already: the ids of those that wait, and those that ended at once."""
    if not rows:
        return [], []
    connection = session.connection()
    last = {
        "last": connection.execute(_LAST).scalar()
    }  # nobody else writes meanwhile: what is numbered higher afterwards is ours
    _INSERT[connection.dialect.name].execute(connection, rows)
    over = connection.execute(_OVER, last).all() if any(row["status"] != Status.PENDING for row in rows) else []
    ended = [Ended(row.id, row.task_id, Status(row.status), row.queued_at, count=max(row.missed_count, 1)) for row in over]
    return list(connection.execute(_WAITS, last).scalars()), ended
