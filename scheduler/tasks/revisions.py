"""The earlier versions of a task: listed, looked at, compared, brought back; they are written where the edits are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from scheduler.accounts.permissions import Actor, can, require
from scheduler.database import db
from scheduler.errors import N_, NotFound
from scheduler.kinds import kinds
from scheduler.tasks import contents, definitions, queries
from scheduler.tasks.dependencies import HIDDEN
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


def steps(actor: Actor, task: Task, revisions: Sequence[TaskRevision]) -> list[tuple[TaskRevision, list[Difference]]]:
    """Each of these versions, newest first as `listed` has them, with what it changed; of the last of them nothing is told."""
    values = _shown(actor, task, revisions)
    pairs = [_differences(revisions[at + 1], revisions[at], values[at + 1], values[at]) for at in range(len(revisions) - 1)]
    return list(zip(revisions, [*pairs, []], strict=True)) if revisions else []


def shown(actor: Actor, task: Task, revision: TaskRevision) -> dict[str, Any]:
    """The values of a version as the actor may see them: no secret, and nobody else's tasks and groups."""
    return _shown(actor, task, [revision])[0]


def compared(actor: Actor, task: Task, one: TaskRevision, other: TaskRevision) -> list[Difference]:
    """What differs, from `one` to `other`; a secret that was changed shows its mask on both sides."""
    return _differences(one, other, *_shown(actor, task, [one, other]))


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


def _shown(actor: Actor, task: Task, revisions: Sequence[TaskRevision]) -> list[dict[str, Any]]:
    numbers = {int(number) for revision in revisions for number in revision.values["depends_on"]}
    query = select(Task).where(Task.id.in_(numbers), Task.deleted_at.is_(None))
    known = {one.id: one.key for one in db.session.scalars(query).unique() if can(actor, "task.see", one)} if numbers else {}
    groups = {group.key for group in queries.groups(actor)}
    found = []
    for revision in revisions:
        values = dict(revision.values)
        if values["type"]:
            values = contents.masked(kinds.get(values["type"]), values)
        if not can(actor, "env.see", task):
            values["env"] = dict.fromkeys(values["env"], MASK)
        values["depends_on"] = [known.get(int(number), number) for number in values["depends_on"]]
        values["group"] = values["group"] if values["group"] in groups else HIDDEN
        found.append(values)
    return found


def _differences(one: TaskRevision, other: TaskRevision, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    return [
        Difference(name, before.get(name), after.get(name))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name) or _secret_changed(one.values, other.values, name, before.get(name))
    ]


def _secret_changed(one: Mapping[str, Any], other: Mapping[str, Any], name: str, shown: Any) -> bool:
    """Whether what lies under a mask is another: sealed twice it never looks alike, so it is opened to be compared."""
    if one["type"] != other["type"] or not one["type"] or name not in CONTENT_FIELDS or MASK not in str(shown):
        return False
    kind = kinds.get(one["type"])
    clear = [contents.opened(kind, {name: values[name]} if name in values else {}) for values in (one, other)]
    return clear[0] != clear[1]
