"""The audit log: one entry in the transaction of each change, secrets masked, and finding entries again; never changes one."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, and_, func, insert, select, true

from scheduler import clock
from scheduler.accounts import chain
from scheduler.accounts.models import AuditEntry
from scheduler.accounts.permissions import Actor
from scheduler.database import db, once_committed, table
from scheduler.prepared import Prepared
from scheduler.vault import MASK

REFUSED = ("denied", "sign_in.failed")

_ENTRY = Prepared(insert(table(AuditEntry)))
_log = logging.getLogger("Audit")

Thing = tuple[str, object, str]  # type, id, name

_SECRET = re.compile(
    r"passw|passphrase|secret|token|credential|authorization|cookie|api[-_]?key|private[-_]?key|pwd", re.IGNORECASE
)


@dataclass(frozen=True)
class Wanted:
    """Which entries; what is None or empty says nothing."""

    actor_id: int | None = None
    actor_name: str = ""
    action: str = ""
    object_type: str = ""
    object_id: str = ""
    since: datetime | None = None
    until: datetime | None = None


def record(
    actor: Actor, action: str, thing: Thing, before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None
) -> None:
    """Say in the transaction around this call who did what to which thing; of a change only what differs is kept."""
    if before is not None and after is not None:
        before, after = _difference(before, after), _difference(after, before)
    kind, id, name = thing
    what = f" changed={','.join(sorted(after))}" if before is not None and after else ""
    level = logging.WARNING if action in REFUSED else logging.INFO
    said = (action, _word(actor.name), actor.address or "-", kind, id, name, what)
    once_committed(partial(_log.log, level, "event=%s by=%s from=%s %s=%s name=%r%s", *said))
    entry = {
        "at": clock.now(),
        "actor_id": actor.id,
        "actor_name": _text(actor.name)[:64],
        "address": actor.address[:64],
        "via": actor.via[:16],
        "action": action[:40],
        "object_type": kind[:20],
        "object_id": "" if id is None else _text(str(id))[:64],
        "object_name": _text(name),
        "before": None if before is None else masked(before),
        "after": None if after is None else masked(after),
    }
    connection = db.session.connection()
    _ENTRY.execute(connection, [entry | {"seal": chain.seal(connection, entry)}])


def entries(actor: Actor, wanted: Wanted = Wanted(), before: int | None = None, most: int = 50) -> Sequence[AuditEntry]:
    """The newest entries first, below the id `before`; administrators see all, everybody else their own acts."""
    query = select(AuditEntry).where(_condition(actor, wanted)).order_by(AuditEntry.id.desc()).limit(most)
    return db.session.scalars(query if before is None else query.where(AuditEntry.id < before)).all()


def numbered(actor: Actor, wanted: Wanted, first: int, most: int) -> tuple[Sequence[AuditEntry], int]:
    """At most `most` of the same entries from the `first`-th newest on, and how many there are."""
    condition = _condition(actor, wanted)
    query = select(AuditEntry).where(condition).order_by(AuditEntry.id.desc()).offset(first).limit(most)
    return db.session.scalars(query).all(), db.session.scalar(select(func.count()).where(condition)) or 0


def _word(name: str) -> str:
    """The name as one word of a log's line; quoted where it would be more than one, or none."""
    return name if name and name.isprintable() and not set(name) & set(" =") else repr(name)


def _condition(actor: Actor, wanted: Wanted) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = []
    if actor.role != "administrator":
        parts.append(AuditEntry.actor_id == actor.id)
    for column, value in (
        (AuditEntry.actor_id, wanted.actor_id),
        (AuditEntry.actor_name, wanted.actor_name),
        (AuditEntry.action, wanted.action),
        (AuditEntry.object_type, wanted.object_type),
        (AuditEntry.object_id, wanted.object_id),
    ):
        if value not in (None, ""):
            parts.append(column == value)
    if wanted.since:
        parts.append(AuditEntry.at >= wanted.since)
    if wanted.until:
        parts.append(AuditEntry.at < wanted.until)
    return and_(true(), *parts)


def trail(object_type: str, object_id: str, actions: Sequence[str], most: int = 2000) -> list[AuditEntry]:
    """What was done to one thing, newest first, by anybody: for verbs that explain a thing to whoever may see it."""
    query = select(AuditEntry).where(AuditEntry.object_type == object_type, AuditEntry.object_id == object_id)
    return list(db.session.scalars(query.where(AuditEntry.action.in_(actions)).order_by(AuditEntry.id.desc()).limit(most)))


def masked(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` as JSON can hold them, with everything masked that goes by the name of a secret."""
    return {str(name): _shown(str(name), value) for name, value in values.items()}


def is_secret(name: str) -> bool:
    """Whether what goes by this name is a secret and is shown to nobody."""
    return _SECRET.search(name) is not None


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, bool | None):
        return value
    if is_secret(name):
        return MASK if value else value
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return masked(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value if isinstance(value, int | float | None) else _text(str(value))


def _difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name not in other or other[name] != value}


def _text(text: str) -> str:
    """`text` as every database can hold it."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
