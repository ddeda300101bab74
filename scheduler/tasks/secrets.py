"""The verbs on secrets: put one, remove one, list them; which of them a task may name; only a run is given values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Text, and_, cast, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.accounts import audit
from scheduler.accounts.permissions import Actor, can, require
from scheduler.database import db, transaction
from scheduler.errors import N_, Conflict, Invalid, NotFound, Problem
from scheduler.kinds import kinds, references
from scheduler.tasks import contents, drafts
from scheduler.tasks.models import DEFAULT_GROUP, Group, Secret, SecretGroup, Task
from scheduler.tasks.queries import matching
from scheduler.validation import problems
from scheduler.vault import MASK, SHORTEST, vault

LONGEST = 32 * 1024  # bytes: a program's environment has room for a few of them
MOST = 1000  # of one installation
CONTENT = "default_content"
MISSING = N_("There is no secret “%(name)s” that tasks of the group “%(group)s” may name.")
TOO_LONG = N_("The secrets it names are too long together: %(size)s KB, at most %(limit)s.")
UNKNOWN = N_("There is no secret “%(name)s”: make it on the page of secrets.")
NOT_SHARED = N_("The secret “%(name)s” is not shared with the group “%(group)s”: share it on the page of secrets.")


class Unusable(Invalid):
    """A run names a secret that is gone or not for its group: trying again would change nothing."""


class Changes(BaseModel):
    """What may be said of a secret: its value, and the groups by number or key."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    value: str | None = None
    groups: list[int | str] | None = None


class Use(NamedTuple):
    """A task or a group that names a secret."""

    id: int
    key: str
    name: str


@dataclass(frozen=True)
class Uses:
    """Where a secret is named: the tasks, and the groups whose own content names it."""

    tasks: list[Use] = field(default_factory=list)
    groups: list[Use] = field(default_factory=list)


def listed(actor: Actor) -> list[Secret]:
    """The secrets this actor may name somewhere, by name; all of them for those who manage secrets."""
    require(actor, "secret.use")
    found = db.session.scalars(select(Secret).order_by(func.lower(Secret.name), Secret.name)).all()
    return [secret for secret in found if _known(actor, secret)]


def found(actor: Actor, reference: str) -> Secret:
    """One of `listed` by its number or name; `NotFound` alike for one that is not there and one of other people's groups."""
    secret = db.session.scalars(select(Secret).where(matching(Secret.id, Secret.name, reference))).one_or_none()
    if secret is None or not _known(actor, secret):
        raise NotFound.because(N_("There is no such secret."))
    return secret


def put(actor: Actor, name: str, values: Mapping[str, Any], fresh: bool | None = None) -> Secret:
    """Make the secret `name`, or replace of it what `values` name. A new one that names no groups is for group 1.

    With `fresh` there must be none of that name yet (`Conflict`), with False there must be one (`NotFound`).
    """
    require(actor, "secret.manage")
    given = _read(name, values)
    with transaction() as session:
        secret = session.scalars(select(Secret).where(Secret.name == name).with_for_update()).one_or_none()
        if secret is None:
            if fresh is False:
                raise NotFound.because(N_("There is no such secret."))
            return _made(session, actor, name, given)
        if fresh:
            raise Conflict.because(N_("There is a secret “%(name)s” already."), field="name", name=name)
        before = shown(secret)
        if given.value is not None:
            secret.sealed = vault().seal(given.value)
        if given.groups is not None:
            secret.groups = _groups(session, given.groups)
        secret.updated_at, secret.updated_by = clock.now(), actor.name[:64]
        session.flush()
        replaced = {"value": f"{MASK} (replaced)"} if given.value is not None else {}
        audit.record(actor, "secret.edit", _thing(secret), before=before, after=shown(secret) | replaced)
    return secret


def remove(actor: Actor, name: str) -> None:
    """Forget a secret; the tasks that name it go on naming it, and fail until there is one of that name again."""
    require(actor, "secret.manage")
    with transaction() as session:
        secret = found(actor, name)
        audit.record(actor, "secret.delete", _thing(secret), before=shown(secret))
        session.delete(secret)


def uses(actor: Actor) -> dict[str, Uses]:
    """By the name of each secret, where it is named; for those who manage secrets, and so see all tasks."""
    require(actor, "secret.manage")
    naming = and_(Task.deleted_at.is_(None), cast(Task.secrets, Text) != "[]")
    rows = db.session.execute(select(Task.id, Task.key, Task.name, Task.secrets).where(naming).order_by(Task.name)).all()
    found: dict[str, Uses] = {}
    for row in rows:
        for name in row.secrets:
            found.setdefault(name, Uses()).tasks.append(Use(row.id, row.key, row.name))
    for group in db.session.scalars(select(Group).where(Group.default_content.is_not(None)).order_by(Group.name)):
        for name in named(of_content(group.default_content)):
            found.setdefault(name, Uses()).groups.append(Use(group.id, group.key, group.name))
    return found


def of_content(default_content: Mapping[str, Any] | None) -> dict[str, frozenset[str]]:
    """The names of the secrets that a group's own content, as it is stored, names, by place."""
    stored = dict(default_content or {})
    kind = kinds.get(stored.pop("type")) if stored else None
    return drafts.secrets_in({CONTENT: contents.opened(kind, stored)}) if kind is not None else {}


def named(places: Mapping[str, frozenset[str]]) -> list[str]:
    """The names of all secrets that are named in these places, in order."""
    return sorted({name for names in places.values() for name in names})


def refusals(actor: Actor, group: Group, places: Mapping[str, frozenset[str]]) -> list[Problem]:
    """What is wrong with naming these secrets in these places of a task of `group`.

    Who does not manage secrets is told the same of one that is not there and of one that is other people's.
    """
    wanted = named(places)
    if not wanted:
        return []
    usable = _shared_with(group.id, wanted)
    manages = can(actor, "secret.manage")
    there = set(db.session.scalars(select(Secret.name).where(Secret.name.in_(wanted)))) if manages else set()
    return [
        Problem(place, (NOT_SHARED if name in there else UNKNOWN) if manages else MISSING, {"name": name, "group": group.name})
        for place, names in places.items()
        for name in sorted(names - usable.keys())
    ]


def refuse(actor: Actor, group: Group, places: Mapping[str, frozenset[str]]) -> None:
    """`Invalid` naming each place where a secret is named that a task of `group` may not name."""
    wrong = refusals(actor, group, places)
    if wrong:
        raise Invalid(wrong)


def opened(group_id: int, group_name: str, names: Iterable[str]) -> dict[str, str]:
    """The values of these secrets, for a run of a task of that group that begins now; `Unusable` where one is not for it.

    Part of the transaction around it: that they were used is written down there.
    """
    wanted = set(names)
    usable = _shared_with(group_id, wanted)
    for name in sorted(wanted - usable.keys()):
        raise Unusable.because(MISSING, name=name, group=group_name)
    with transaction() as session:
        session.execute(update(Secret).where(Secret.name.in_(wanted)).values(last_used_at=clock.now()))
    return {name: vault().open(sealed) for name, sealed in usable.items()}


def shown(secret: Secret) -> dict[str, Any]:
    """The secret as people and the audit log may see it."""
    return {"name": secret.name, "value": MASK, "groups": sorted(group.key for group in secret.groups)}


def _read(name: str, values: Mapping[str, Any]) -> Changes:
    """What is said of the secret, looked at; no problem repeats a value."""
    wrong = []
    if not references.NAME.fullmatch(name):
        text = N_("A secret's name is 1–64 letters, digits, “_”, “-” or “.”, beginning with a letter or “_”.")
        wrong.append(Problem("name", text))
    try:
        given = Changes.model_validate(dict(values))
    except ValidationError as error:
        raise Invalid([*wrong, *problems(error)]) from None  # the error holds what was given
    wrong += [] if given.value is None else _unfit(given.value)
    if wrong:
        raise Invalid(wrong)
    return given


def _unfit(value: str) -> list[Problem]:
    if value == MASK:
        return [Problem("value", N_("This is the mask and not the value: write the value itself, or leave it out."))]
    if len(value.strip()) < SHORTEST:
        text = N_("It is too short to be hidden in logs: at least %(least)s characters.")
        return [Problem("value", text, {"least": SHORTEST})]
    if "\0" in value:
        return [Problem("value", N_("This must not contain NUL characters."))]
    size = len(value.encode("utf-8", "surrogatepass"))
    if size > LONGEST:
        sizes = {"size": -(-size // 1024), "limit": LONGEST // 1024}
        return [Problem("value", N_("This is too long: %(size)s KB, at most %(limit)s."), sizes)]
    return []


def _made(session: Session, actor: Actor, name: str, given: Changes) -> Secret:
    if given.value is None:
        raise Invalid.because(N_("This is required."), field="value")
    if (session.scalar(select(func.count()).select_from(Secret)) or 0) >= MOST:
        raise Conflict.because(N_("There are %(most)s secrets already: remove some that nothing names."), most=MOST)
    now = clock.now()
    secret = Secret(name=name, sealed=vault().seal(given.value), created_at=now, updated_at=now, updated_by=actor.name[:64])
    secret.groups = _groups(session, [DEFAULT_GROUP] if given.groups is None else given.groups)
    session.add(secret)
    try:
        session.flush()
    except IntegrityError as error:  # two at once, on a database that lets two write
        raise Conflict.because(N_("There is a secret “%(name)s” already."), field="name", name=name) from error
    audit.record(actor, "secret.create", _thing(secret), after=shown(secret))
    return secret


def _groups(session: Session, wanted_ones: Sequence[int | str]) -> list[Group]:
    """The groups that numbers and keys name, each once."""
    found: dict[int, Group] = {}
    for wanted in wanted_ones:
        group = session.scalars(select(Group).where(matching(Group.id, Group.key, wanted))).one_or_none()
        if group is None:
            raise Invalid.because(N_("There is no group “%(group)s”."), field="groups", group=str(wanted)[:60])
        found[group.id] = group
    return list(found.values())


def _thing(secret: Secret) -> audit.Thing:
    return "secret", secret.id, secret.name


def _known(actor: Actor, secret: Secret) -> bool:
    places = (Task(group_id=group.id, private=False) for group in secret.groups)
    return can(actor, "secret.manage") or any(can(actor, "secret.use", place) for place in places)


def _shared_with(group_id: int | None, names: Iterable[str]) -> dict[str, str]:
    """Those of these secrets that tasks of the group may name, sealed."""
    shared = select(Secret.name, Secret.sealed).join(SecretGroup, SecretGroup.secret_id == Secret.id)
    rows = db.session.execute(shared.where(SecretGroup.group_id == group_id, Secret.name.in_(set(names))))
    return {row.name: row.sealed for row in rows}
