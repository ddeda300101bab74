"""The verbs on groups: make, edit, delete, who has which role in one; and that group 1 is always there."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.accounts import audit
from scheduler.accounts.models import Grant, User
from scheduler.accounts.permissions import GRANTABLE, Actor, can, require
from scheduler.database import db, transaction
from scheduler.errors import N_, Conflict, Invalid, NotFound, Problem
from scheduler.kinds import kinds
from scheduler.tasks import contents, drafts, secrets, wording
from scheduler.tasks.definitions import group_place
from scheduler.tasks.models import DEFAULT_GROUP, Group, OwnRecipe, Task
from scheduler.tasks.queries import matching
from scheduler.validation import problems

CONTENT = "default_content"


class Changes(BaseModel):
    """What may be said of a group; unknown fields are refused by name, and nothing is taken for what it is not."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    name: str = ""
    key: str = ""
    description: Annotated[str, Field(max_length=2000)] = ""
    max_concurrent: Annotated[int, Field(ge=1, le=10_000)] | None = None
    default_content: dict[str, Any] | None = None


def find(actor: Actor, reference: int | str) -> Group:
    """The group whose number or key that is; `NotFound` alike for one that is not there and one not for this actor."""
    group = db.session.scalars(select(Group).where(matching(Group.id, Group.key, reference))).one_or_none()
    if group is None or not can(actor, "task.see", group_place(group)):
        raise NotFound.because(N_("There is no such group."))
    return group


def create(actor: Actor, values: Mapping[str, Any]) -> Group:
    """Make a group; its key is made from its name when none is given."""
    require(actor, "group.manage")
    given = _read(values)
    with transaction() as session:
        group = Group(created_at=clock.now(), default_content=None)
        _apply(session, group, {"name": "", "key": ""} | given)
        session.add(group)
        _flush(session, group)
        secrets.refuse(actor, group, secrets.of_content(group.default_content))
        audit.record(actor, "group.create", _thing(group), after=shown(group))
    return group


def edit(actor: Actor, group_id: int, values: Mapping[str, Any], version: int | None = None) -> Group:
    """Change what `values` names. `Conflict` when somebody else was faster than the one who saw `version`."""
    require(actor, "group.manage")
    given = _read(values)
    with transaction() as session:
        group = _get(session, group_id)
        if version is not None and version != group.version:
            text = N_("Somebody else changed it meanwhile: it is at version %(now)s, yours was %(yours)s. Nothing was saved.")
            raise Conflict.because(text, field="version", now=group.version, yours=version)
        before = shown(group)
        _apply(session, group, given)
        if before[CONTENT] and not group.default_content:
            _refuse_bare(session, group)
        group.version += 1
        _flush(session, group)
        if given.get(CONTENT):
            secrets.refuse(actor, group, secrets.of_content(group.default_content))
        audit.record(actor, "group.edit", _thing(group), before=before, after=shown(group))
    return group


def remove(actor: Actor, group_id: int) -> None:
    """Delete a group nothing lies in any more; its grants go with it."""
    require(actor, "group.manage")
    with transaction() as session:
        group = _get(session, group_id)
        if group.id == DEFAULT_GROUP:
            raise Conflict.because(N_("This group holds the tasks that name none: it cannot be deleted."))
        session.execute(update(Task).where(Task.group_id == group.id, Task.trial.is_(True)).values(group_id=DEFAULT_GROUP))
        alive, dead = (
            session.scalar(select(func.count()).where(Task.group_id == group.id, condition)) or 0
            for condition in (Task.deleted_at.is_(None), Task.deleted_at.is_not(None))
        )
        if alive or dead:
            text = N_("%(alive)s tasks are in this group and %(dead)s of it in the trash: move them to another one first.")
            raise Conflict.because(text, alive=alive, dead=dead)
        if shared := session.scalar(select(func.count()).where(OwnRecipe.group_id == group.id)):
            raise Conflict.because(N_("%(count)s templates are shared in this group: move or delete them first."), count=shared)
        audit.record(actor, "group.delete", _thing(group), before=shown(group))
        session.delete(group)


def members(actor: Actor, group: Group) -> Sequence[tuple[User, str]]:
    """Who has a role of their own in this group, by name."""
    require(actor, "group.manage")
    query = select(User, Grant.role).join(Grant, Grant.user_id == User.id).where(Grant.group_id == group.id)
    return [(row.User, row.role) for row in db.session.execute(query.order_by(func.lower(User.username))).unique()]


def grant(actor: Actor, group: Group, user_id: int, role: str | None) -> None:
    """Give a user a role in a group, or with None take it away; a role everywhere stays what it is."""
    require(actor, "group.manage")
    if role is not None and role not in GRANTABLE:
        choices = ", ".join(GRANTABLE)
        raise Invalid.because(N_("“%(value)s” is not one of: %(choices)s."), field="role", value=role[:60], choices=choices)
    with transaction() as session:
        user = session.get(User, user_id, with_for_update=True)
        if user is None:
            raise NotFound.because(N_("There is no such user."))
        held = next((one for one in user.grants if one.group_id == group.id), None)
        if held is None and role is None:
            raise NotFound.because(N_("This user has no role in this group."))
        before = {"grant": held.role if held else None}
        if role is None:
            user.grants = [one for one in user.grants if one.group_id != group.id]
        elif held is None:
            user.grants = [*user.grants, Grant(group_id=group.id, role=role)]
        else:
            held.role = role
        user.version += 1
        where = {"group": group.key}
        after = {"grant": role}
        audit.record(actor, "user.grant", ("user", user.id, user.username), before=before, after=after | where)


def shown(group: Group) -> dict[str, Any]:
    """The group as people and the audit log may see it; secrets masked."""
    content = group.default_content
    if content:
        kind = kinds.get(content["type"])
        content = {"type": kind.name} | contents.masked(kind, {name: content[name] for name in content if name != "type"})
    return {
        "name": group.name,
        "key": group.key,
        "description": group.description,
        "max_concurrent": group.max_concurrent,
        CONTENT: content or None,
    }


def ensure_default() -> None:
    """Make group 1 (`default`) unless it exists; two processes starting at once make one."""
    with transaction() as session:
        dialect = {"sqlite": sqlite, "postgresql": postgresql}[db.engine.dialect.name]
        values = {"id": DEFAULT_GROUP, "key": "default", "name": "default", "description": "", "created_at": clock.now()}
        session.execute(dialect.insert(Group).values(values).on_conflict_do_nothing())
        if db.engine.dialect.name == "postgresql":  # its counter knows nothing of a number that was given
            counter = func.pg_get_serial_sequence('"group"', "id")
            session.execute(select(func.setval(counter, select(func.max(Group.id)).scalar_subquery())))


def _get(session: Session, group_id: int) -> Group:
    group = session.get(Group, group_id, with_for_update=True)
    if group is None:  # somebody else was faster
        raise NotFound.because(N_("There is no such group."))
    return group


def _read(values: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return Changes.model_validate(dict(values)).model_dump(exclude_unset=True)
    except ValidationError as error:
        raise Invalid(problems(error)) from error


def _apply(session: Session, group: Group, given: dict[str, Any]) -> None:
    if "name" in given:
        group.name = wording.name(given["name"])
    if "key" in given:
        group.key = wording.key(given["key"]) if given["key"] else group.key or _free_key(session, group.name)
    if "description" in given:
        found = wording.plain(given["description"], "description")
        if found:
            raise Invalid(found)
        group.description = given["description"]
    if "max_concurrent" in given:
        group.max_concurrent = given["max_concurrent"]
    if CONTENT in given:
        group.default_content = _content(group, given[CONTENT])


def _content(group: Group, given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The content as the database keeps it; a secret sent back as its mask means the one that is stored."""
    if not given:
        return None
    stored = group.default_content or {}
    values = dict(given)
    if stored and str(values.get("type", "")).lower() == stored["type"]:
        old = {name: value for name, value in stored.items() if name != "type"}
        values = contents.unmasked(kinds.get(stored["type"]), values, old)
    try:
        kind, content = drafts.content_alone(values)
    except Invalid as error:
        raise Invalid([Problem(f"{CONTENT}.{one.field}", one.text, one.params) for one in error.problems]) from error
    return {"type": kind.name} | contents.sealed(kind, content)


def _refuse_bare(session: Session, group: Group) -> None:
    """Tasks that run what their group says must not be left without anything to run."""
    bare = select(func.count()).where(Task.group_id == group.id, Task.kind.is_(None), Task.deleted_at.is_(None))
    if count := session.scalar(bare):
        raise Conflict.because(N_("%(count)s tasks run what this group says."), field=CONTENT, count=count)


def _free_key(session: Session, name: str) -> str:
    wanted = wording.key_from(name)
    with session.no_autoflush:
        taken = set(session.scalars(select(Group.key).where(Group.key.startswith(wanted, autoescape=True))))
    return next(key for key in (wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 3))) if key not in taken)


def _flush(session: Session, group: Group) -> None:
    """Send the change; what is taken already is said with its field."""
    with session.no_autoflush:
        for field, column in (("name", Group.name), ("key", Group.key)):
            value = getattr(group, field)
            if session.scalar(select(Group.id).where(column == value, Group.id != (group.id or 0))):
                raise Conflict.because(N_("“%(value)s” is taken by another group."), field=field, value=value)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict.because(N_("“%(value)s” is taken by another group."), field="name", value=group.name) from error


def _thing(group: Group) -> audit.Thing:
    return "group", group.id, group.name
