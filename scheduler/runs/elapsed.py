"""Schedules of elapsed time when the wall's clock goes back: they go on firing, at instants that have no row yet."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from scheduler.database import table, transaction
from scheduler.runs.models import Run
from scheduler.runs.status import Cause
from scheduler.schedules import schedules
from scheduler.tasks.models import Task
from scheduler.tasks.queries import plan_of

_run = table(Run).c
_KNOWN = select(_run.task_id, _run.cause_key).where(
    _run.task_id.in_(bindparam("tasks", expanding=True)),
    _run.cause == Cause.SCHEDULE,
    _run.cause_key.in_(bindparam("keys", expanding=True)),
)
KINDS = [kind.name for kind in schedules if kind.elapsed]
CHUNK = 500


def key_of(instant: datetime) -> str:
    """The cause key of a due instant; only those of elapsed time, after the clock was set back, lie between two seconds."""
    fraction = f".{instant.microsecond:06}" if instant.microsecond else ""
    return f"{instant:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def set_back(now: datetime, by: timedelta) -> int:
    """The wall's clock was set back `by`: what counts elapsed time is due that much earlier, and within one period of now.

    With zero it mends only what lies further away than a period: a clock set back while nobody looked. Answers how many changed.
    """
    task = table(Task).c
    ahead = (task.enabled.is_(True), task.deleted_at.is_(None), task.schedule_kind.in_(KINDS), task.next_run_at > now)
    changed = 0
    with transaction() as session:
        for row in session.execute(select(table(Task)).where(*ahead)).all():
            within = plan_of(row).next_after(now)
            due = min(row.next_run_at - by, within or row.next_run_at).replace(microsecond=0)
            if due < row.next_run_at and (row.start_at is None or row.start_at <= now):
                session.connection().execute(table(Task).update().where(task.id == row.id).values(next_run_at=due))
                changed += 1
    return changed


def again(session: Session, due: Sequence[Any]) -> set[int]:
    """Those of these due tasks that count elapsed time and whose next instant has its row: the wall's clock shows it again."""
    counting = {task.id: key_of(task.next_run_at) for task in due if task.schedule_kind in KINDS}
    ids, found = list(counting), set()
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        keys = {counting[task_id] for task_id in part}
        rows = session.connection().execute(_KNOWN, {"tasks": part, "keys": list(keys)})
        found |= {row.task_id for row in rows if counting[row.task_id] == row.cause_key}
    return found
