"""Users, for administrators: list, make, change, give another password, delete; the rules are the accounts'."""

from typing import Any

from flask import Blueprint, Response

from scheduler import gate
from scheduler.accounts import users
from scheduler.accounts.models import User
from scheduler.api import asking, bodies, described
from scheduler.api.answers import done, page
from scheduler.api.bodies import Body
from scheduler.api.v1 import answer_models, questions, shapes
from scheduler.api.v1.versions import matched, tagged
from scheduler.errors import N_, Invalid, Problem

calls = Blueprint("v1_users", __name__, url_prefix="/v1/scheduler/users")
SPELLED = {"active": "is_active"}  # ours: the document's


class Changes(Body):
    """What may be changed of a user; `grants` are roles by the number of the group."""

    role: str | None = None
    email: str | None = None
    is_active: bool | None = None
    limited_to_groups: bool | None = None
    grants: dict[str, str] | None = None
    version: int | None = None


class NewUser(Body):
    """A new user; without a password one for one use is made up and answered once."""

    username: str
    role: str
    password: str | None = None
    must_change: bool = True
    email: str | None = None
    is_active: bool | None = None
    limited_to_groups: bool | None = None
    grants: dict[str, str] | None = None


class Password(Body):
    """Another password; without one, one for one use is made up and answered once."""

    password: str | None = None
    must_change: bool = True


class UserShape(answer_models.User):
    """A user, as administrators see them."""

    grants: dict[str, str]
    must_change_password: bool
    version: int


class MadeUser(UserShape):
    """A user just made; `one_time_password` is null when one was given."""

    one_time_password: str | None


class OneTime(described.Shape):
    """The password that was made up, or null when one was given."""

    one_time_password: str | None


@calls.get("")
@described.call(asks=questions.Pages, answers=UserShape, form="page")
@gate.allowed("user.manage")
def listed() -> Response:
    """Every user, by name."""
    paging = asking.paging()
    found = users.listed(gate.current_actor())
    return page([_shape(one) for one in found[paging.first : paging.first + paging.size]], len(found), paging)


@calls.post("")
@described.call(takes=NewUser, answers=MadeUser, refuses=(409,))
@gate.allowed("user.manage")
def create() -> Response:
    """A new user."""
    values = {name: value for name, value in bodies.read(NewUser).model_dump(exclude_unset=True).items() if value is not None}
    try:
        user, password = users.create(gate.current_actor(), _ours(values))
    except Invalid as error:
        raise _spelled(error) from error
    response = done(_shape(user) | {"one_time_password": password or None}, N_("The user is made."))
    response.headers["Cache-Control"] = "no-store"
    return response


@calls.get("/<user_id>")
@described.call(answers=UserShape, refuses=(404,), sends=("ETag",))
@gate.allowed("user.manage")
def one(user_id: str) -> Response:
    """One user, by number or name; their version is the ETag."""
    user = _found(user_id)
    return tagged(done(_shape(user)), user.version)


@calls.put("/<user_id>")
@described.call(takes=Changes, answers=UserShape, refuses=(404, 409), headers=("If-Match",), sends=("ETag",))
@gate.allowed("user.manage")
def update(user_id: str) -> Response:
    """Change what the body names. Another role or no activity ends every sign-in; no activity every API key too."""
    user = _found(user_id)
    values = bodies.read(Changes).model_dump(exclude_unset=True)
    version = values.pop("version", None)
    try:
        user = users.edit(gate.current_actor(), user.id, _ours(values), version if version is not None else matched())
    except Invalid as error:
        raise _spelled(error) from error
    return tagged(done(_shape(user), N_("The user is changed.")), user.version)


@calls.delete("/<user_id>")
@described.call(refuses=(404, 409))
@gate.allowed("user.manage")
def delete(user_id: str) -> Response:
    """Delete a user; what they made stays."""
    bodies.nothing()
    users.remove(gate.current_actor(), _found(user_id).id)
    return done(None, N_("The user is deleted."))


@calls.post("/<user_id>/password")
@described.call(takes=Password, answers=OneTime, refuses=(404,))
@gate.allowed("user.manage")
def password(user_id: str) -> Response:
    """Give a user another password; they are signed out everywhere."""
    actor, user = gate.current_actor(), _found(user_id)
    given = bodies.read(Password)
    made = None
    if given.password is None:
        made = users.reset_password(actor, user.id)
    else:
        users.set_password(actor, user.id, given.password, given.must_change)
    response = done({"one_time_password": made}, N_("The password is changed."))
    response.headers["Cache-Control"] = "no-store"
    return response


def _found(reference: str) -> User:
    number = reference.isascii() and reference.isdecimal() and len(reference) < 11
    return users.found(gate.current_actor(), int(reference) if number else reference)


def _ours(values: dict[str, Any]) -> dict[str, Any]:
    """The document's words as the accounts know them."""
    theirs = {spelled: name for name, spelled in SPELLED.items()}
    found = {theirs.get(name, name): value for name, value in values.items()}
    if found.get("grants") is not None:
        found["grants"] = {int(key) if key.isascii() and key.isdecimal() else key: role for key, role in found["grants"].items()}
    return found


def _spelled(error: Invalid) -> Invalid:
    return Invalid([Problem(SPELLED.get(one.field, one.field), one.text, one.params) for one in error.problems])


def _shape(user: User) -> dict[str, Any]:
    return shapes.user(user) | {
        "grants": {str(grant.group_id): grant.role for grant in user.grants},
        "must_change_password": user.one_time_password,
        "version": user.version,
    }
