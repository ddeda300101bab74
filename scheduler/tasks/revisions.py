"""The earlier versions of a task: listed, looked at, compared, brought back; they are written where the edits are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from scheduler.accounts.permissions import Actor, can, require
from scheduler.database import db
from scheduler.errors import N_, NotFound
from scheduler.kinds import kinds
from scheduler.tasks import contents, definitions
from scheduler.tasks.drafts import CONTENT_FIELDS
from scheduler.tasks.models import Task, TaskRevision
from scheduler.vault import MASK


@dataclass(frozen=True)
class Difference:
    """One value that is another in two versions; None: there is none in that one."""

    field: str
    before: Any
    after: Any


def listed(task: Task, first: int, most: int) -> tuple[Sequence[TaskRevision], int]:
    """At most `most` versions from the `first`-th newest on, and how many there are."""
    mine = TaskRevision.task_id == task.id
    query = select(TaskRevision).where(mine).order_by(TaskRevision.version.desc()).offset(first).limit(most)
    return db.session.scalars(query).all(), db.session.scalar(select(func.count()).where(mine)) or 0


def found(task: Task, version: int) -> TaskRevision:
    """One version of the task."""
    revision = db.session.get(TaskRevision, (task.id, version)) if 0 < version < 2**31 else None
    if revision is None:
        raise NotFound.because(N_("There is no such version of this task."))
    return revision


def before(task: Task, version: int) -> TaskRevision | None:
    """The version that was the task before that one came; None when it is the first that is kept."""
    mine = (TaskRevision.task_id == task.id, TaskRevision.version < version)
    return db.session.scalars(select(TaskRevision).where(*mine).order_by(TaskRevision.version.desc()).limit(1)).one_or_none()


def shown(actor: Actor, task: Task, revision: TaskRevision) -> dict[str, Any]:
    """The values of a version as the actor may see them: no secret, and nobody else's tasks."""
    values = dict(revision.values)
    if values["type"]:
        values = contents.masked(kinds.get(values["type"]), values)
    if not can(actor, "env.see", task):
        values["env"] = dict.fromkeys(values["env"], MASK)
    numbers = [int(one) for one in values["depends_on"]]
    known = {one.id: one for one in db.session.scalars(select(Task).where(Task.id.in_(numbers))).unique()} if numbers else {}
    values["depends_on"] = [_reference(actor, known.get(number), number) for number in numbers]
    return values


def compared(actor: Actor, task: Task, one: TaskRevision, other: TaskRevision) -> list[Difference]:
    """What differs, from `one` to `other`; a secret that was changed shows its mask on both sides."""
    before, after = shown(actor, task, one), shown(actor, task, other)
    names = dict.fromkeys([*before, *after])
    return [
        Difference(name, before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name) or _secret_changed(one.values, other.values, name, before.get(name))
    ]


def restore(actor: Actor, task: Task, version: int, seen: int | None = None) -> Task:
    """Make the task again what it was at that version, as a new edit; whether it is enabled stays as it is.

    `seen` is the version the wish was made against: `Conflict` when the task has moved on meanwhile.
    """
    require(actor, "task.edit", task)
    values = dict(found(task, version).values)
    if values["type"]:
        kind = kinds.get(values["type"])
        own = {name: values.pop(name) for name in CONTENT_FIELDS & values.keys()}
        values |= contents.opened(kind, own)
    return definitions.edit(actor, task.id, values | {"is_active": task.enabled}, seen, whole=True)


def _reference(actor: Actor, task: Task | None, number: int) -> str:
    visible = task is not None and task.deleted_at is None and can(actor, "task.see", task)
    return task.key if task is not None and visible else str(number)


def _secret_changed(one: Mapping[str, Any], other: Mapping[str, Any], name: str, shown: Any) -> bool:
    """Whether what lies under a mask is another: sealed twice it never looks alike, so it is opened to be compared."""
    if one["type"] != other["type"] or not one["type"] or name not in CONTENT_FIELDS or MASK not in str(shown):
        return False
    kind = kinds.get(one["type"])
    clear = [contents.opened(kind, {name: values[name]} if name in values else {}) for values in (one, other)]
    return clear[0] != clear[1]
