"""Deleting tasks and bringing them back: a deleted task keeps its history and waits in the trash."""

from collections.abc import Sequence

from sqlalchemy import select

from scheduler import clock, signals
from scheduler.accounts import audit
from scheduler.accounts.permissions import Actor, can, require, visible
from scheduler.database import after_commit, db, transaction
from scheduler.errors import N_, Conflict, NotFound
from scheduler.tasks import due, versions, wording
from scheduler.tasks.definitions import found, written
from scheduler.tasks.models import Task
from scheduler.tasks.queries import matching, scoped


def remove(actor: Actor, task_id: int) -> Task:
    """Move a task to the trash; its runs are stopped by those who hear `task_removed`."""
    with transaction() as session:
        task = found(session, actor, task_id)
        require(actor, "task.delete", task)
        due.settled(session, task)
        before = written(task)
        task.deleted_at = task.updated_at = clock.now()
        task.enabled, task.next_run_at = False, None
        audit.record(actor, "task.delete", ("task", task.id, task.name), before=before)
        after_commit(signals.task_removed, task_id=task.id)
    return task


def restore(actor: Actor, task_id: int) -> Task:
    """Bring a task back, disabled; where its name or key was taken meanwhile it gets one like it."""
    with transaction() as session:
        task = session.get(Task, task_id)
        if task is None or task.deleted_at is None or task.trial or not can(actor, "task.see", task):
            raise NotFound.because(N_("There is no such task in the trash."))
        require(actor, "task.delete", task)
        task.name = _free(task.name, "name", " ({})")
        task.key = _free(task.key, "key", "-{}")
        task.deleted_at, task.updated_at = None, clock.now()
        task.version += 1
        after = written(task)
        versions.keep(session, actor, task, "task.restore", after)
        audit.record(actor, "task.restore", ("task", task.id, task.name), after=after)
        after_commit(signals.task_changed, task_id=task.id)
    return task


def find(actor: Actor, reference: int | str) -> Task:
    """The task in the trash whose number or key is `reference`, the last deleted of several; `Conflict` for one that lives."""
    match = matching(Task.id, Task.key, reference)
    tasks = db.session.scalars(select(Task).where(match).order_by(Task.deleted_at.desc(), Task.id.desc())).unique().all()
    tasks = [task for task in tasks if can(actor, "task.see", task) and not task.trial]
    if not tasks:
        raise NotFound.because(N_("There is no such task in the trash."))
    dead = [task for task in tasks if task.deleted_at is not None]
    if not dead:
        raise Conflict.because(N_("This task is not in the trash."))
    return dead[0]


def deleted(actor: Actor) -> Sequence[Task]:
    """What this actor could bring back, last deleted first."""
    query = select(Task).where(Task.deleted_at.is_not(None), Task.trial.is_(False), scoped(visible(actor)))
    return [
        task
        for task in db.session.scalars(query.order_by(Task.deleted_at.desc()).limit(500)).unique()
        if can(actor, "task.delete", task)
    ]


def _free(wanted: str, column: str, suffix: str) -> str:
    """`wanted`, or with a number behind it when a living task has that already; never longer than a name or a key may be."""
    field = getattr(Task, column)
    start = wanted[: wording.NAME_LENGTH - 8]
    taken = set(db.session.scalars(select(field).where(Task.deleted_at.is_(None), field.startswith(start, autoescape=True))))
    endings = (suffix.format(number) for number in range(2, len(taken) + 3))
    numbered = (wanted[: wording.NAME_LENGTH - len(ending)] + ending for ending in endings)
    return wanted if wanted not in taken else next(name for name in numbered if name not in taken)
