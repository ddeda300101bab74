"""Sign-ins by browser and API: begun with a password, listed, ended; how the id travels is the edges' business."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.accounts import audit, passwords, throttle
from scheduler.accounts.models import SignIn, User
from scheduler.accounts.permissions import Actor, actor_of
from scheduler.config import settings
from scheduler.database import db, transaction
from scheduler.errors import N_, Forbidden, NotFound, Unauthenticated

Origin = Literal["browser", "api"]


def authenticate(username: str, password: str, address: str) -> User:
    """The active user of that name and password; `Unauthenticated` alike whatever is wrong, `Throttled` after too many tries."""
    throttle.begin(username, address)
    user = _named(username)
    if not passwords.verified(user.password_hash if user else None, password) or user is None or not user.active:
        with transaction():
            who = Actor(user.id if user else None, username[:64], "", address=address)
            audit.record(who, "sign_in.failed", ("user", user.id if user else None, username[:64]))
        raise Unauthenticated.because(N_("The user name or the password is not right."), field="password")
    again = passwords.hashed(password) if passwords.outdated(user.password_hash) else None
    with transaction() as session:
        throttle.forgive(username, address)
        if again:
            session.get_one(User, user.id).password_hash = again
    return user


def sign_in(username: str, password: str, address: str, agent: str = "", origin: Origin = "browser") -> SignIn:
    """Begin a sign-in. With a one-time password the API is refused (`Forbidden`); a browser may, but only to change it."""
    user = authenticate(username, password, address)
    if user.one_time_password and origin == "api":
        raise must_change()
    now = clock.now()
    with transaction() as session:
        forget_expired()
        user = session.get_one(User, user.id)
        user.last_sign_in_at = now
        begun = SignIn(
            id=secrets.token_urlsafe(32),
            user=user,
            origin=origin,
            address=address[:64],
            agent=agent[:200],
            created_at=now,
            expires_at=now + lifetime(),
        )
        session.add(begun)
        audit.record(actor_of(user, address), "sign_in", ("user", user.id, user.username), after={"origin": origin})
    return begun


def must_change() -> Forbidden:
    """The error for whoever has a one-time password and tries anything but changing it."""
    return Forbidden.because(N_("This password was for one use: change it first."), field="password")


def lifetime() -> timedelta:
    """How long a sign-in lasts."""
    return timedelta(hours=settings().security.session_hours)


def forget_expired() -> int:
    """Drop the sign-ins that are over, and with them every token that names one; answers how many."""
    with transaction() as session:
        expired = delete(SignIn).where(SignIn.expires_at <= clock.now()).returning(SignIn.id)
        return len(session.connection().execute(expired).all())


def listed(actor: Actor) -> Sequence[SignIn]:
    """The actor's own living sign-ins, newest first."""
    query = select(SignIn).where(SignIn.user_id == actor.id, SignIn.expires_at > clock.now())
    return db.session.scalars(query.order_by(SignIn.created_at.desc(), SignIn.id)).all()


def sign_out(actor: Actor, sign_in_id: str) -> None:
    """End one of the actor's own sign-ins, with every token that names it; `NotFound` when it is not one."""
    with transaction() as session:
        found = session.get(SignIn, sign_in_id)
        if found is None or found.user_id != actor.id:
            raise NotFound.because(N_("There is no such sign-in."))
        session.delete(found)
        audit.record(actor, "sign_out", ("user", actor.id, actor.name), after={"origin": found.origin})


def end_others(actor: Actor, keep: str) -> int:
    """End every sign-in of the actor but the one they act with."""
    with transaction() as session:
        ended = sign_out_everywhere(session.get_one(User, actor.id), keep)
        audit.record(actor, "sign_out.others", ("user", actor.id, actor.name), after={"ended": ended})
    return ended


def sign_out_everywhere(user: User, keep: str | None = None) -> int:
    """End every sign-in of `user` but `keep`; answers how many. Whoever calls it writes the audit entry of the reason."""
    with transaction() as session:
        ids = session.scalars(select(SignIn.id).where(SignIn.user_id == user.id, SignIn.id != (keep or ""))).all()
        return _end(session, ids)


def _end(session: Session, ids: Sequence[str]) -> int:
    for sign_in_id in ids:
        session.delete(session.get_one(SignIn, sign_in_id))
    session.flush()
    return len(ids)


def _named(username: str) -> User | None:
    if not username.isprintable() or len(username) > 64:
        return None
    return db.session.scalars(select(User).where(User.username == username)).one_or_none()
