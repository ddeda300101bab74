"""The verbs that change a task: create, edit, clone, enable, disable; each is one audited transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler import clock, signals
from scheduler.accounts import audit
from scheduler.accounts.permissions import Actor, can, require
from scheduler.database import after_commit, transaction
from scheduler.errors import N_, Conflict, Forbidden, Invalid, NotFound
from scheduler.kinds import kinds
from scheduler.schedules import spellings
from scheduler.tasks import contents, dependencies, drafts, due, identity, secrets, versions, wording
from scheduler.tasks.drafts import Draft
from scheduler.tasks.models import DEFAULT_GROUP, Group, Tag, Task
from scheduler.tasks.queries import is_taken, matching

TIMING = frozenset({"schedule_type", "schedule_config", "timezone", "start_at", "end_at", "max_runs"})


def create(actor: Actor, values: Mapping[str, Any]) -> Task:
    """Save a new task and answer it.

    Raises `Invalid` naming every wrong field, `Conflict` for a name or key that is taken, `Forbidden`.
    """
    return _created(actor, values)


def edit(actor: Actor, task_id: int, changes: Mapping[str, Any], version: int | None = None, whole: bool = False) -> Task:
    """Save `changes` over what the task has; everything not named stays, or with `whole` is as in a new task.

    `version` is the one the change was made against: when the task has moved on meanwhile nothing is saved (`Conflict`).
    """
    with transaction() as session:
        task = found(session, actor, task_id)
        require(actor, "task.edit", task)
        if version is not None and version != task.version:
            text = N_("Somebody else changed it meanwhile: it is at version %(now)s, yours was %(yours)s. Nothing was saved.")
            raise Conflict.because(text, field="version", now=task.version, yours=version)
        due.settled(session, task)
        before = written(task)
        group = named_group(session, actor, changes["group"]) if changes.get("group") is not None else task.group
        if group.id != task.group_id:
            require(actor, "task.create", group_place(group))
        draft = drafts.read(changes if whole else merged(task, changes), seed=str(changes.get("key") or task.key))
        permitted(actor, task, draft)
        runnable(draft, group)
        secrets.refuse(actor, group, draft.secrets)
        was_enabled, due_before = task.enabled, timing(task)
        apply(task, draft, group)
        if changes.get("schedule_type"):
            task.schedule_word = draft.particulars.schedule_type.strip().lower()
        if timing(task) != due_before or (task.enabled and not was_enabled):
            drafts.refuse_never(draft)
        if timing(task) != due_before or task.enabled != was_enabled:
            restart(task, draft)
        _flush(session, task)
        if task.depends_mode != before["depends_mode"]:
            dependencies.forget(session, task)
        if "depends_on" in changes:
            dependencies.save(session, actor, task, draft.particulars.depends_on)
        _saved(session, actor, task, "task.edit", before)
    return task


def enable(actor: Actor, task_id: int) -> Task:
    """Let the schedule fire again, from now on; an interval goes on from its last run."""
    return _switch(actor, task_id, True)


def disable(actor: Actor, task_id: int) -> Task:
    """Let the schedule rest; what runs goes on, of what waits only what somebody asked for."""
    return _switch(actor, task_id, False)


def clone(actor: Actor, task_id: int, name: str) -> Task:
    """A new, disabled task called `name` with everything of this one but its history; secrets come along."""
    with transaction() as session:
        task = found(session, actor, task_id)
        require(actor, "task.edit", task)
        word = task.schedule_word or task.schedule_kind
        upstreams = dependencies.references([task.id], actor)[task.id]
        values = written(task, upstreams) | {"name": name, "key": "", "is_active": False, "schedule_type": word}
        if task.kind is not None:
            kind = kinds.get(task.kind)
            values = contents.unmasked(kind, values, task.content)
        return _created(actor, values, like=task)


def written(task: Task, depends_on: Sequence[str] | None = None) -> dict[str, Any]:
    """The task as a draft's values: what forms, exports and the audit log show; secrets masked.

    `depends_on` spares a question for each task to those who show many, or show them to somebody who may not see all.
    """
    content = contents.masked(kinds.get(task.kind), task.content) if task.kind else {}
    return {
        "name": task.name,
        "key": task.key,
        "description": task.description,
        "group": task.group.key,
        "tags": [tag.name for tag in task.tags],
        "private": task.private,
        "type": task.kind,
        **content,
        "params": dict(task.params),
        "env": dict(task.env),
        "working_directory": task.working_directory,
        "schedule_type": task.schedule_kind,
        "schedule_config": dict(task.schedule_config),
        "timezone": task.timezone,
        "start_at": task.start_at.isoformat() if task.start_at else None,
        "end_at": task.end_at.isoformat() if task.end_at else None,
        "max_runs": task.max_runs,
        "is_active": task.enabled,
        "depends_on": list(dependencies.references([task.id])[task.id] if depends_on is None else depends_on),
        "depends_mode": task.depends_mode,
        **task.policy,
        "metadata": dict(task.notes),
    }


def group_place(group: Group) -> Task:
    """Something in `group` for the permission function to judge by, before the task itself exists."""
    return Task(group_id=group.id, private=False)


def found(session: Session, actor: Actor, task_id: int) -> Task:
    task = session.get(Task, task_id)
    if task is None or task.deleted_at is not None:
        raise NotFound.because(N_("There is no such task."))
    require(actor, "task.see", task)
    return task


def _created(actor: Actor, values: Mapping[str, Any], like: Task | None = None) -> Task:
    with transaction() as session:
        group = named_group(session, actor, values.get("group"))
        require(actor, "task.create", group_place(group))
        key = _free_key(session, values)
        draft = drafts.read({**values, "key": key}, seed=key)
        drafts.refuse_never(draft)
        permitted(actor, None, draft)
        runnable(draft, group)
        secrets.refuse(actor, group, draft.secrets)
        now = clock.now()
        task = Task(key=key, created_at=now, updated_at=now, owner_id=actor.id)
        apply(task, draft, group)
        task.schedule_word = draft.particulars.schedule_type.strip().lower()
        if task.enabled:
            task.next_run_at = draft.plan.next_after(now)
        session.add(task)
        _flush(session, task)
        after = _begun(session, actor, task, draft.particulars.depends_on, like)
        audit.record(actor, "task.create", ("task", task.id, task.name), after=after)
        after_commit(signals.task_changed, task_id=task.id)
    return task


def _begun(session: Session, actor: Actor, task: Task, depends_on: Sequence[int | str], like: Task | None) -> dict[str, Any]:
    """Keep a new task's first version, and answer its values; one that waits for nothing is not asked what it waits for."""
    if depends_on:
        dependencies.save(session, actor, task, depends_on, like)
        versions.keep(session, actor, task, "task.create", after := written(task))
    else:
        session.add(versions.kept(actor, task, "task.create", after := written(task, ()), ()))
    return after


def named_group(session: Session, actor: Actor, wanted: object) -> Group:
    """The group `wanted` names by number or key; group 1 when it names none. One the actor may not see is not there."""
    if wanted in (None, ""):
        wanted = DEFAULT_GROUP
    match = matching(Group.id, Group.key, wanted if isinstance(wanted, int) else str(wanted))
    group = session.scalars(select(Group).where(match)).one_or_none()
    if group is None or not can(actor, "task.see", group_place(group)):
        raise Invalid.because(N_("There is no group “%(group)s”."), field="group", group=str(wanted)[:60])
    return group


def permitted(actor: Actor, task: Task | None, draft: Draft) -> None:
    """A task that runs as another user is for administrators alone: who edits what it runs acts as that user.

    `Forbidden` for anybody else, before the draft is put into `task` (None: a new one); `Invalid` for a user who cannot be had.
    """
    before, after = str(task.policy.get(identity.FIELD) or "") if task else "", draft.policy.run_as
    if (before or after) and not can(actor, "run_as.choose"):
        text = N_("It runs as another user of the machine: only administrators may choose that user, or change such a task.")
        raise Forbidden.because(text, field=identity.FIELD)
    if after and after != before:
        identity.of(after)


def runnable(draft: Draft, group: Group) -> None:
    """`Invalid` where nothing is to be run: a task that brings no content of its own needs a group that has one."""
    if draft.kind is None and not group.default_content:
        raise Invalid.because(N_("Say what the task runs."), field="command")


def _free_key(session: Session, values: Mapping[str, Any]) -> str:
    """The key asked for, or one made from the name that nobody has."""
    if values.get("key"):
        return str(values["key"])
    wanted = wording.key_from(str(values.get("name") or "task"))
    taken = set(session.scalars(select(Task.key).where(Task.key.startswith(wanted, autoescape=True), Task.deleted_at.is_(None))))
    candidates = (wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 2)))
    return next(key for key in candidates if key not in taken)


def merged(task: Task, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What the task has, with `changes` over it; another type drops the old one's content, another kind of schedule its own."""
    values = written(task)
    if "type" in changes and str(changes["type"] or "").lower() != (task.kind or ""):
        values = {name: value for name, value in values.items() if name not in drafts.CONTENT_FIELDS}
    if changes.get("schedule_type") and spellings.kind_of(changes["schedule_type"]) != task.schedule_kind:
        values["schedule_config"] = None
    values = values | dict(changes)
    values["key"] = values["key"] or task.key
    if task.kind is not None and str(values.get("type") or "").lower() == task.kind:
        values = contents.unmasked(kinds.get(task.kind), values, task.content)
    return values


def apply(task: Task, draft: Draft, group: Group) -> None:
    """Write into the task what the draft says; saves nothing."""
    given = draft.particulars
    task.name, task.key = given.name, given.key
    task.description, task.private, task.notes = given.description, given.private, given.metadata
    task.group, task.group_id = group, group.id
    task.params, task.env, task.working_directory = given.params, given.env, given.working_directory
    task.kind = draft.kind.name if draft.kind else None
    task.content = contents.sealed(draft.kind, draft.content) if draft.kind and draft.content else {}
    task.schedule_kind, task.schedule_config = draft.schedule.name, draft.schedule.config()
    task.timezone, task.max_runs = given.timezone, given.max_runs
    task.start_at, task.end_at = draft.plan.start_at, draft.plan.end_at
    task.enabled, task.depends_mode = given.is_active, given.depends_mode
    task.policy = draft.policy.model_dump()
    task.secrets = secrets.named(draft.secrets)
    kept = {tag.name: tag for tag in task.tags}
    task.tags = [kept.get(name) or Tag(name=name) for name in given.tags]


def timing(task: Task) -> tuple[object, ...]:
    """What decides when it is due."""
    return (task.schedule_kind, task.schedule_config, task.timezone, task.start_at, task.end_at, task.max_runs)


def restart(task: Task, draft: Draft) -> None:
    """Set the next due instant, as of now."""
    now = clock.now()
    over = task.max_runs is not None and task.ticks >= task.max_runs
    task.next_run_at = draft.plan.next_after(now) if task.enabled and not over else None
    if task.next_run_at and draft.schedule.elapsed and task.last_started_at:
        after_last = draft.plan.next_after(task.last_started_at)
        if after_last and now < after_last < task.next_run_at:
            task.next_run_at = after_last


def _switch(actor: Actor, task_id: int, enabled: bool) -> Task:
    with transaction() as session:
        task = found(session, actor, task_id)
        require(actor, "task.enable", task)
        if task.enabled == enabled:
            return task
        due.settled(session, task)
        before = written(task)
        task.enabled = enabled
        draft = drafts.read(merged(task, {"is_active": enabled}), seed=task.key)
        if enabled:
            drafts.refuse_never(draft)
        restart(task, draft)
        _saved(session, actor, task, "task.enable" if enabled else "task.disable", before)
    return task


def _saved(session: Session, actor: Actor, task: Task, action: str, before: dict[str, Any]) -> None:
    task.version += 1
    task.updated_at = clock.now()
    session.flush()
    after = written(task)
    versions.keep(session, actor, task, action, after)
    audit.record(actor, action, ("task", task.id, task.name), before=before, after=after)
    after_commit(signals.task_changed, task_id=task.id)


def _flush(session: Session, task: Task) -> None:
    """Send the change; a unique index that refuses says which name is taken."""
    for field, value in (("name", task.name), ("key", task.key)):
        if is_taken(field, value, task.id or 0):
            raise Conflict.because(N_("“%(value)s” is taken by another task."), field=field, value=value)
    try:
        session.flush()
    except IntegrityError as error:  # two at once, on a database that lets two write
        raise Conflict.because(N_("“%(value)s” is taken by another task."), field="name", value=task.name) from error
