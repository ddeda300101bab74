"""Keeps a task as each edit leaves it, in the transaction of the edit; looking at versions and going back is elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.accounts.permissions import Actor
from scheduler.tasks.models import Dependency, Task, TaskRevision

MOST = 200  # of one task; the oldest go


def keep(session: Session, actor: Actor, task: Task, action: str, written: Mapping[str, Any]) -> None:
    """Keep what the task is now as its present version; `written` are its values as a draft has them, secrets masked.

    Secrets are kept as they lie in the task, sealed; what it waits for by number, which no renaming changes.
    """
    upstreams = select(Dependency.upstream_id).where(Dependency.task_id == task.id).order_by(Dependency.upstream_id)
    session.add(kept(actor, task, action, written, session.scalars(upstreams).all()))
    if task.version > MOST:
        old = TaskRevision.version <= task.version - MOST
        session.execute(delete(TaskRevision).where(TaskRevision.task_id == task.id, old))


def kept(actor: Actor, task: Task, action: str, written: Mapping[str, Any], upstreams: Sequence[int]) -> TaskRevision:
    """The row `keep` adds, for those who write many and know what each waits for."""
    values = {
        **written,
        **task.content,
        "schedule_type": task.schedule_word or task.schedule_kind,
        "depends_on": [str(number) for number in upstreams],
    }
    row = TaskRevision(task_id=task.id, version=task.version, at=clock.now(), action=action, values=values)
    row.actor_id, row.actor_name = actor.id, actor.name[:64]
    return row
