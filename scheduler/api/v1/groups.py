"""Groups: what is in them, how it goes, making and changing them, and who has which role there."""

from typing import Any

from flask import Blueprint, Response

from scheduler import gate
from scheduler.accounts.models import User
from scheduler.api import asking, bodies, described
from scheduler.api.answers import done, page
from scheduler.api.bodies import Body
from scheduler.api.described import Shape
from scheduler.api.times import shown
from scheduler.api.v1 import questions
from scheduler.api.v1.answer_models import Number
from scheduler.api.v1.shapes import averages
from scheduler.api.v1.versions import matched, tagged
from scheduler.errors import N_
from scheduler.tasks import groups, queries, totals
from scheduler.tasks.models import Group
from scheduler.tasks.totals import Totals

calls = Blueprint("v1_groups", __name__, url_prefix="/v1/scheduler/groups")


class Changes(Body):
    """What a group is made of; of a new one only the name is required."""

    name: str | None = None
    key: str | None = None
    description: str | None = None
    max_concurrent: int | None = None
    default_content: dict[str, Any] | None = None
    version: int | None = None


class Role(Body):
    """The role a member is to have there."""

    role: str


class GroupShape(Shape):
    """A group, with how its tasks go as far as one may see them."""

    id: int
    key: str
    name: str
    description: str | None
    max_concurrent: int | None
    default_content: dict[str, Any] | None
    version: int
    created_at: str
    task_count: int
    enabled_count: int
    total_executions: int
    success_count: int
    failed_count: int
    success_rate: Number
    average_duration: Number


class Member(Shape):
    """Somebody with a role of their own in a group."""

    user_id: int
    username: str
    role: str


@calls.get("")
@described.call(asks=questions.Pages, answers=GroupShape, form="page")
@gate.allowed("task.see")
def listed() -> Response:
    """The groups one may see something in, by name."""
    actor = gate.current_actor()
    paging = asking.paging()
    found, counted = queries.groups(actor), totals.by_group(actor)
    return page([_shape(one, counted) for one in found[paging.first : paging.first + paging.size]], len(found), paging)


@calls.post("")
@described.call(takes=Changes, answers=GroupShape, refuses=(409,), sends=("ETag",))
@gate.allowed("group.manage")
def create() -> Response:
    """A new group."""
    values, _ = _given()
    return _answer(groups.create(gate.current_actor(), {"name": ""} | values), N_("The group is made."))


@calls.get("/<group_id>")
@described.call(answers=GroupShape, refuses=(404,), sends=("ETag",))
@gate.allowed("task.see")
def one(group_id: str) -> Response:
    """One group; its version is its ETag."""
    return _answer(groups.find(gate.current_actor(), group_id))


@calls.put("/<group_id>")
@described.call(takes=Changes, answers=GroupShape, refuses=(404, 409), headers=("If-Match",), sends=("ETag",))
@gate.allowed("group.manage")
def update(group_id: str) -> Response:
    """Change what the body names and leave the rest."""
    actor = gate.current_actor()
    group = groups.find(actor, group_id)
    values, version = _given()
    return _answer(groups.edit(actor, group.id, values, version), N_("The group is changed."))


@calls.delete("/<group_id>")
@described.call(refuses=(404, 409))
@gate.allowed("group.manage")
def delete(group_id: str) -> Response:
    """Delete a group nothing lies in."""
    bodies.nothing()
    actor = gate.current_actor()
    groups.remove(actor, groups.find(actor, group_id).id)
    return done(None, N_("The group is deleted."))


@calls.get("/<group_id>/members")
@described.call(answers=list[Member], refuses=(404,))
@gate.allowed("group.manage")
def members(group_id: str) -> Response:
    """Who has a role of their own there."""
    actor = gate.current_actor()
    return done([_member(user, role) for user, role in groups.members(actor, groups.find(actor, group_id))])


@calls.put("/<group_id>/members/<int:user_id>")
@described.call(takes=Role, answers=Member, refuses=(404,))
@gate.allowed("group.manage")
def join(group_id: str, user_id: int) -> Response:
    """Give somebody a role there."""
    actor = gate.current_actor()
    group = groups.find(actor, group_id)
    role = bodies.read(Role).role
    groups.grant(actor, group, user_id, role)
    found = next(user for user, _ in groups.members(actor, group) if user.id == user_id)
    return done(_member(found, role), N_("The role is given."))


@calls.delete("/<group_id>/members/<int:user_id>")
@described.call(refuses=(404,))
@gate.allowed("group.manage")
def leave(group_id: str, user_id: int) -> Response:
    """Take the role there away; the one everywhere stays."""
    bodies.nothing()
    actor = gate.current_actor()
    groups.grant(actor, groups.find(actor, group_id), user_id, None)
    return done(None, N_("The role is taken away."))


def _given() -> tuple[dict[str, Any], int | None]:
    """What the body names, and the version it was made against; a null empties a text."""
    values = bodies.read(Changes).model_dump(exclude_unset=True)
    version = values.pop("version", None)
    texts = {name: "" for name in ("name", "key", "description") if name in values and values[name] is None}
    return values | texts, version if version is not None else matched()


def _answer(group: Group, text: str = N_("Found.")) -> Response:
    return tagged(done(_shape(group, totals.by_group(gate.current_actor())), text), group.version)


def _shape(group: Group, counted: dict[int, Totals]) -> dict[str, Any]:
    found = counted.get(group.id, Totals())
    known = groups.shown(group)
    return {
        "id": group.id,
        **known,
        "description": group.description or None,
        "version": group.version,
        "created_at": shown(group.created_at),
        "task_count": found.tasks,
        "enabled_count": found.enabled,
        **averages(found),
    }


def _member(user: User, role: str) -> dict[str, Any]:
    return {"user_id": user.id, "username": user.username, "role": role}
