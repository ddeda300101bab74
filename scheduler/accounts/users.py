"""The verbs on users: create, edit, profile, passwords, the first administrator; each checks, saves and audits at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.accounts import audit, first_password, keys, passwords, sessions, throttle
from scheduler.accounts.models import Grant, User
from scheduler.accounts.permissions import SYSTEM, Actor, actor_of, require
from scheduler.accounts.user_drafts import Changes, NewUser, Profile, read
from scheduler.database import db, transaction
from scheduler.errors import N_, Conflict, Forbidden, Invalid, NotFound, Unauthenticated

FIRST = "admin"


def listed(actor: Actor) -> Sequence[User]:
    """Every user, by name."""
    require(actor, "user.manage")
    return db.session.scalars(select(User).order_by(func.lower(User.username), User.id)).all()


def found(actor: Actor, reference: int | str) -> User:
    """The user of that number or name; everybody may look themself up."""
    if reference not in (actor.id, actor.name):
        require(actor, "user.manage")
    if isinstance(reference, str):
        reference = db.session.scalar(select(User.id).where(User.username == reference)) or 0
    return _get(db.session(), reference, locked=False)


def names(ids: Iterable[int | None]) -> dict[int, str]:
    """What these users are called, by number: for showing whose something is."""
    wanted = {id for id in ids if id is not None}
    found = db.session.execute(select(User.id, User.username).where(User.id.in_(wanted))) if wanted else ()
    return {id: name for id, name in found}


def create(actor: Actor, values: Mapping[str, Any]) -> tuple[User, str]:
    """Make a user. Without a `password` one is made up, answered beside the user, and must be changed at sign-in."""
    require(actor, "user.manage")
    draft = read(NewUser, values)
    password = draft.password or passwords.fresh()
    if draft.password is not None:
        passwords.check(password, draft.username)
    hashed = passwords.hashed(password)
    with transaction() as session:
        if session.scalar(select(User.id).where(func.lower(User.username) == draft.username.lower())):
            raise _taken(draft.username)
        user = User(created_at=clock.now(), password_hash=hashed, username=draft.username)
        user.one_time_password = draft.password is None or draft.must_change
        _apply(user, draft.model_dump(exclude={"username", "password", "must_change"}))
        session.add(user)
        _flush(session, user)
        audit.record(actor, "user.create", _thing(user), after=shown(user))
    return user, "" if draft.password else password


def edit(actor: Actor, user_id: int, values: Mapping[str, Any], version: int | None = None) -> User:
    """Change role, e-mail, activity, limits and grants; what `values` leaves out stays. Another role or no activity signs out."""
    require(actor, "user.manage")
    changes = read(Changes, values).model_dump(exclude_unset=True)
    with transaction() as session:
        user = _get(session, user_id)
        if version is not None and version != user.version:
            raise Conflict.because(N_("Somebody else has changed this user meanwhile: look at it again."))
        before = shown(user)
        _apply(user, changes)
        _refuse_senseless(session, user)
        user.version += 1
        _flush(session, user)
        if (user.role, user.active) != (before["role"], before["active"]):
            sessions.sign_out_everywhere(user)
        if not user.active:
            keys.end_all(user)
        audit.record(actor, "user.edit", _thing(user), before=before, after=shown(user))
    return user


def remove(actor: Actor, user_id: int) -> None:
    """Delete a user with their sign-ins, keys and grants. What they made stays, nobody's; the audit log keeps their name."""
    require(actor, "user.manage")
    if user_id == actor.id:
        raise Conflict.because(N_("Nobody deletes themself: let another administrator do it."))
    with transaction() as session:
        user = _get(session, user_id)
        before = shown(user)
        user.active = False
        _refuse_senseless(session, user)
        session.delete(user)
        session.flush()
        audit.record(actor, "user.delete", ("user", user_id, before["username"]), before=before)


def edit_profile(actor: Actor, values: Mapping[str, Any]) -> User:
    """Change the actor's own language, time zone and theme."""
    require(actor, "self.edit")
    changes = read(Profile, values).model_dump(exclude_unset=True)
    with transaction() as session:
        user = _get(session, actor.id)
        before = {name: getattr(user, name) for name in changes}
        for name, value in changes.items():
            setattr(user, name, value)
        audit.record(actor, "user.profile", _thing(user), before=before, after=changes)
    return user


def set_password(actor: Actor, reference: int | str, password: str, must_change: bool = True) -> None:
    """Give a user another password and sign them out everywhere; to be changed at the next sign-in unless said otherwise."""
    require(actor, "user.manage")
    user = found(actor, reference)
    passwords.check(password, user.username)
    hashed = passwords.hashed(password)
    with transaction():
        _change(actor, user.id, hashed, must_change)
        throttle.forgive(user.username)


def reset_password(actor: Actor, reference: int | str) -> str:
    """Give a user a made-up password for one use, which is answered and kept nowhere."""
    password = passwords.fresh()
    set_password(actor, reference, password)
    return password


def change_own_password(actor: Actor, user: User, old: str, new: str, keep: str | None = None) -> None:
    """Change the actor's own password; every sign-in but `keep` ends. A wrong old one counts as a failed try to sign in."""
    if actor.id != user.id:
        raise Forbidden.because(N_("Only the user may do this."))
    _check_new(user, old, new)
    try:
        sessions.authenticate(user.username, old, actor.address)
    except Unauthenticated as error:
        raise Invalid.because(N_("This is not your present password."), field="old_password") from error
    _change(actor, user.id, passwords.hashed(new), must_change=False, keep=keep)


def replace_password(username: str, old: str, new: str, address: str) -> None:
    """Change a password, also one for one use, for somebody who is not signed in but knows it."""
    user = sessions.authenticate(username, old, address)
    _check_new(user, old, new)
    _change(actor_of(user, address), user.id, passwords.hashed(new), must_change=False)


def ensure_administrator(password: str | None = None) -> str | None:
    """Make `admin` when there are no users yet; answers the one-time password to print when none was given.

    The one-time password is also kept in a file until it is changed. Two processes starting at once make one administrator.
    """
    if db.session.scalar(select(func.count(User.id))):
        return None
    made_up = None if password else passwords.fresh()  # one that was given is its giver's own choice, whatever it is
    hashed = passwords.hashed(password or made_up or "")
    try:
        with transaction() as session:
            if session.scalar(select(func.count(User.id))):
                return None
            user = User(username=FIRST, role="administrator", password_hash=hashed, created_at=clock.now())
            user.one_time_password = made_up is not None
            session.add(user)
            session.flush()
            audit.record(SYSTEM, "user.create", _thing(user), after=shown(user))
            if made_up:
                first_password.keep(made_up)
    except IntegrityError:
        return None  # another process was first: its administrator is the one
    return made_up


def shown(user: User) -> dict[str, Any]:
    """The user as the audit log shows it."""
    return {
        "username": user.username,
        "email": user.email,
        "role": user.role,
        "active": user.active,
        "limited_to_groups": user.limited_to_groups,
        "grants": {str(grant.group_id): grant.role for grant in user.grants},
    }


def _check_new(user: User, old: str, new: str) -> None:
    passwords.check(new, user.username, "new_password")
    if old == new:
        raise Invalid.because(N_("The new password must be another one."), field="new_password")


def _change(actor: Actor, user_id: int, password_hash: str, must_change: bool, keep: str | None = None) -> None:
    with transaction() as session:
        user = _get(session, user_id)
        was_first = user.one_time_password and user.username == FIRST
        user.password_hash, user.one_time_password = password_hash, must_change
        user.version += 1
        sessions.sign_out_everywhere(user, keep)
        audit.record(actor, "user.password", _thing(user))
    if was_first:
        first_password.forget()


def _apply(user: User, values: dict[str, Any]) -> None:
    grants = values.pop("grants", None)
    for name, value in values.items():
        setattr(user, name, value)
    if grants is not None:
        kept = {grant.group_id: grant for grant in user.grants}
        user.grants = [kept.get(group_id) or Grant(group_id=group_id) for group_id in grants]
        for grant in user.grants:
            grant.role = grants[grant.group_id]


def _refuse_senseless(session: Session, user: User) -> None:
    """The last active administrator stays one, and an administrator is one in every group."""
    if user.role == "administrator" and user.limited_to_groups:
        raise Invalid.because(N_("An administrator cannot be limited to groups."), field="limited_to_groups")
    with session.no_autoflush:  # locked, so that two of them cannot demote each other at once
        able = session.scalars(select(User.id).where(User.role == "administrator", User.active).with_for_update()).all()
        if not (user.role == "administrator" and user.active) and not set(able) - {user.id}:
            raise Conflict.because(N_("This is the last active administrator: make another one first."))


def _flush(session: Session, user: User) -> None:
    """Write, so that the database judges names and groups: two requests at once may both have found the name free."""
    name, grants = user.username, len(user.grants)
    try:
        session.flush()
    except IntegrityError as error:
        if grants and "grant" in str(error.orig).lower() + str(error.statement).lower():
            raise Invalid.because(N_("One of these groups does not exist."), field="grants") from error
        raise _taken(name) from error


def _taken(username: str) -> Conflict:
    return Conflict.because(N_("There is already a user “%(name)s”."), field="username", name=username)


def _get(session: Session, user_id: int | None, locked: bool = True) -> User:
    user = session.get(User, user_id, with_for_update=locked) if user_id and 0 < user_id < 2**31 else None
    if user is None:
        raise NotFound.because(N_("There is no such user."))
    return user


def _thing(user: User) -> audit.Thing:
    return "user", user.id, user.username
