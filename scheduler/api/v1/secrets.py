"""Secrets: which there are, for whom and where they are named; put and removed. Their values go in and never come out."""

from typing import Any

from flask import Blueprint, Response

from scheduler import gate
from scheduler.accounts.permissions import can
from scheduler.api import asking, bodies, described
from scheduler.api.answers import done, page
from scheduler.api.bodies import Body
from scheduler.api.described import Shape
from scheduler.api.times import shown
from scheduler.api.v1 import questions
from scheduler.errors import N_
from scheduler.tasks import secrets
from scheduler.tasks.models import Secret
from scheduler.tasks.secrets import Uses

calls = Blueprint("v1_secrets", __name__, url_prefix="/v1/scheduler/secrets")


class Value(Body):
    """A secret's value, and the groups whose tasks may name it, by number or key; what is left out stays."""

    value: str | None = None
    groups: list[int | str] | None = None


class SecretShape(Shape):
    """A secret without its value; where it is named is told to those who manage secrets."""

    name: str
    groups: list[str]
    created_at: str
    updated_at: str
    updated_by: str
    last_used_at: str | None
    used_by_tasks: list[str] | None
    used_by_groups: list[str] | None


@calls.get("")
@described.call(asks=questions.Pages, answers=SecretShape, form="page")
@gate.allowed("secret.use")
def listed() -> Response:
    """The secrets one may name in some task, by name."""
    paging = asking.paging()
    found, uses = secrets.listed(gate.current_actor()), _uses()
    return page([_shape(one, uses) for one in found[paging.first : paging.first + paging.size]], len(found), paging)


@calls.get("/<name>")
@described.call(answers=SecretShape, refuses=(404,))
@gate.allowed("secret.use")
def one(name: str) -> Response:
    """One secret; its value is answered to nobody."""
    return done(_shape(secrets.found(gate.current_actor(), name), _uses()))


@calls.put("/<name>")
@described.call(takes=Value, answers=SecretShape, refuses=(409,))
@gate.allowed("secret.manage")
def put(name: str) -> Response:
    """Make a secret, or replace its value or its groups. A new one needs a value, and without groups is for group 1."""
    given = bodies.read(Value).model_dump(exclude_none=True)
    secret = secrets.put(gate.current_actor(), name, given)
    return done(_shape(secret, _uses()), N_("The secret is kept. Its value is not shown again."))


@calls.delete("/<name>")
@described.call(refuses=(404,))
@gate.allowed("secret.manage")
def delete(name: str) -> Response:
    """Remove a secret at once. Tasks that name it fail from then on."""
    bodies.nothing()
    secrets.remove(gate.current_actor(), name)
    return done(None, N_("The secret is removed."))


def _uses() -> dict[str, Uses] | None:
    actor = gate.current_actor()
    return secrets.uses(actor) if can(actor, "secret.manage") else None


def _shape(secret: Secret, uses: dict[str, Uses] | None) -> dict[str, Any]:
    named = uses.get(secret.name, Uses()) if uses is not None else None
    return {
        "name": secret.name,
        "groups": [group.key for group in secret.groups],
        "created_at": shown(secret.created_at),
        "updated_at": shown(secret.updated_at),
        "updated_by": secret.updated_by,
        "last_used_at": shown(secret.last_used_at),
        "used_by_tasks": [task.key for task in named.tasks] if named else None,
        "used_by_groups": [group.key for group in named.groups] if named else None,
    }
