"""Who a sign-in or an API key stands for, as far as one request needs it: read in one statement; begins and ends nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, bindparam, select

from scheduler import clock
from scheduler.accounts.models import ApiKey, Grant, SignIn, User
from scheduler.database import db, table

_user, _grant, _sign_in, _key = table(User).c, table(Grant).c, table(SignIn).c, table(ApiKey).c


class Granted(NamedTuple):
    """A role in one group."""

    group_id: int
    role: str


@dataclass(frozen=True)
class Person:
    """A user as they were when the request began."""

    id: int
    username: str
    email: str
    role: str
    limited_to_groups: bool
    active: bool
    one_time_password: bool
    language: str
    timezone: str
    theme: str
    grants: tuple[Granted, ...]


@dataclass(frozen=True)
class SignedIn:
    """A living sign-in."""

    id: str
    origin: str
    user: Person


@dataclass(frozen=True)
class KnownKey:
    """An API key of an active user."""

    id: int
    name: str
    prefix: str
    scopes: list[str]
    expires_at: datetime | None
    last_used_at: datetime | None
    user: Person


_FIELDS = tuple(name for name in Person.__dataclass_fields__ if name != "grants")
_PERSON = (*(_user[name] for name in _FIELDS), _grant.group_id, _grant.role.label("granted"))


def _asking(*columns: Any) -> Select[Any]:
    """The active user behind a row, once for each grant, with what else is asked of that row."""
    owner = columns[0].table.c.user_id
    named = [column.label(f"its_{column.name}") for column in columns]
    query = select(*_PERSON, *named).join_from(columns[0].table, table(User), _user.id == owner)
    return query.outerjoin(table(Grant), _grant.user_id == _user.id).where(_user.active.is_(True))


_OF_SIGN_IN = _asking(_sign_in.id, _sign_in.origin, _sign_in.expires_at).where(_sign_in.id == bindparam("sign_in"))
_OF_KEY = _asking(_key.id, _key.name, _key.prefix, _key.scopes, _key.expires_at, _key.last_used_at)
_OF_KEY = _OF_KEY.where(_key.digest == bindparam("digest"))


def of_sign_in(sign_in_id: str) -> SignedIn | None:
    """Who that sign-in stands for, when it has neither ended nor expired and its user is active."""
    rows = db.session.connection().execute(_OF_SIGN_IN, {"sign_in": sign_in_id}).all()
    if not rows or rows[0].its_expires_at <= clock.now():
        return None
    return SignedIn(rows[0].its_id, rows[0].its_origin, _person(rows))


def of_key(digest: str) -> KnownKey | None:
    """The key of that digest, expired or not, when its owner is active."""
    rows = db.session.connection().execute(_OF_KEY, {"digest": digest}).all()
    if not rows:
        return None
    one = rows[0]
    times = one.its_expires_at, one.its_last_used_at
    return KnownKey(one.its_id, one.its_name, one.its_prefix, one.its_scopes, *times, _person(rows))


def _person(rows: Sequence[Row[Any]]) -> Person:
    grants = tuple(Granted(row.group_id, row.granted) for row in rows if row.group_id is not None)
    known: dict[str, Any] = dict(zip(_FIELDS, rows[0], strict=False))  # what follows is not the user's
    return Person(**known, grants=grants)
