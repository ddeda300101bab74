"""API keys: made for some of what their owner may do, shown once, recognized, revoked; how one travels is the edges' business."""

import hmac
import logging
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from sqlalchemy import delete, func, select, update

from scheduler import clock
from scheduler.accounts import audit, standing
from scheduler.accounts.models import ApiKey, User
from scheduler.accounts.permissions import SCOPE_NEEDS, SCOPES, Actor, can, require
from scheduler.accounts.standing import KnownKey
from scheduler.accounts.user_drafts import Draft, read
from scheduler.database import LARGEST, db, transaction
from scheduler.errors import N_, Conflict, Invalid, NotFound, Unauthenticated, Unavailable
from scheduler.validation import Refusal

MARK = "sch_"  # what every key begins with, so that leaked ones can be searched for
PREFIX = 12  # characters of it that are kept
LONGEST = 100
MOST = 50  # of one user
USE_NOTED = timedelta(minutes=5)  # a last use is written no more often
REST = 60.0  # seconds in which no use is noted after it could not be: whoever reads is not to wait for that
SHORTEST_SECRET = 32

_secret: bytes | None = None
_resting = float("-inf")
_log = logging.getLogger("Keys")


def _name(name: str) -> str:
    if not name.isprintable() or name != name.strip() or not name:
        raise Refusal(N_("A name is made of visible characters, without spaces at its ends."))
    return name


class NewKey(Draft):
    """What a key is made from."""

    name: Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_name)]
    scopes: Annotated[list[Literal["read", "run", "write", "admin"]], Field(min_length=1, max_length=4)]
    expires_at: datetime | None = None


def use(secret: bytes) -> None:
    """Recognize keys from now on by a secret derived from `secret`, which has at least 256 bits."""
    global _secret
    if len(secret) < SHORTEST_SECRET:
        raise ValueError("the secret to derive the keys' secret from is too short")
    _secret = hmac.digest(secret, b"scheduler: keys of the API", "sha256")


def listed(actor: Actor) -> Sequence[ApiKey]:
    """The actor's own keys, newest first; expired ones too, until they are revoked."""
    return db.session.scalars(select(ApiKey).where(ApiKey.user_id == actor.id).order_by(ApiKey.id.desc())).all()


def found(actor: Actor, key_id: int) -> ApiKey:
    """One of the actor's own keys."""
    key = db.session.get(ApiKey, key_id) if 0 < key_id <= LARGEST else None
    if key is None or key.user_id != actor.id:
        raise NotFound.because(N_("There is no such key."))
    return key


def offered(actor: Actor) -> list[str]:
    """The scopes the actor may give a key: none beyond what they may do themself."""
    return [scope for scope in SCOPES if can(actor, SCOPE_NEEDS[scope])]


def create(actor: Actor, values: Mapping[str, Any]) -> tuple[ApiKey, str]:
    """Make a key; answers it beside its text, which nobody can learn again."""
    require(actor, "self.edit")
    draft = read(NewKey, values)
    beyond = [scope for scope in draft.scopes if scope not in offered(actor)]
    if beyond:
        raise Invalid.because(N_("Your role does not allow the scope “%(scope)s”."), field="scopes", scope=beyond[0])
    if draft.expires_at is not None and draft.expires_at <= clock.now():
        raise Invalid.because(N_("It must be later than now."), field="expires_at")
    text = MARK + secrets.token_urlsafe(32)
    with transaction() as session:
        if (session.scalar(select(func.count()).where(ApiKey.user_id == actor.id)) or 0) >= MOST:
            raise Conflict.because(N_("You have %(count)s keys already: revoke one first."), count=MOST)
        user = session.get_one(User, actor.id)
        scopes = [scope for scope in SCOPES if scope in draft.scopes]
        key = ApiKey(user=user, name=draft.name, prefix=text[:PREFIX], digest=_digest(text), scopes=scopes)
        key.created_at, key.expires_at = clock.now(), draft.expires_at
        session.add(key)
        session.flush()
        audit.record(actor, "key.create", _thing(key), after=shown(key))
    return key, text


def revoke(actor: Actor, key_id: int) -> None:
    """End one of the actor's own keys at once."""
    require(actor, "self.edit")
    with transaction() as session:
        key = found(actor, key_id)
        audit.record(actor, "key.revoke", _thing(key), before=shown(key))
        session.delete(key)


def end_all(user: User) -> None:
    """Every key dies with the right of its owner to be here; part of the transaction that takes it."""
    with transaction() as session:
        session.execute(delete(ApiKey).where(ApiKey.user_id == user.id))


def is_key(text: str) -> bool:
    """Whether `text` is written like one of our keys, good or not."""
    return text.startswith(MARK)


def recognized(text: str) -> KnownKey:
    """The good key that `text` is: known, not expired, its owner active; `Unauthenticated` alike whatever is wrong."""
    key = standing.of_key(_digest(text)) if _fits(text) else None
    if key is None or expired(key):
        raise Unauthenticated.because(N_("The key is not valid, or no longer."))
    _note_use(key)
    return key


def expired(key: ApiKey | KnownKey) -> bool:
    """Whether its time is over."""
    return key.expires_at is not None and key.expires_at <= clock.now()


def shown(key: ApiKey) -> dict[str, Any]:
    """The key as the audit log shows it."""
    return {"name": key.name, "prefix": key.prefix, "scopes": key.scopes, "expires_at": key.expires_at}


def _note_use(key: KnownKey) -> None:
    """Keep roughly when it was last used; a database that cannot be written now keeps nobody from reading."""
    global _resting
    now = clock.now()
    if (key.last_used_at is not None and abs(now - key.last_used_at) < USE_NOTED) or clock.monotonic() < _resting:
        return
    try:
        with transaction() as session:
            session.execute(update(ApiKey).where(ApiKey.id == key.id).values(last_used_at=now))
    except Unavailable as error:
        _resting = clock.monotonic() + REST
        _log.warning("event=key_use_not_noted key=%s reason=%s", key.prefix, type(error).__name__)


def _fits(text: str) -> bool:
    return len(text) <= LONGEST and text.isascii()


def _digest(text: str) -> str:
    if _secret is None:
        raise RuntimeError("no secret for keys is in use")
    return hmac.digest(_secret, text.encode(), "sha256").hex()


def _thing(key: ApiKey) -> audit.Thing:
    return "api_key", key.id, key.name
