"""One's own API keys: make one, list them, revoke one; what a key may do is the accounts' business."""

from typing import Any

from flask import Blueprint, Response

from scheduler import gate
from scheduler.accounts import keys
from scheduler.accounts.models import ApiKey
from scheduler.api import asking, bodies, described, times
from scheduler.api.answers import done, page
from scheduler.api.bodies import Body
from scheduler.api.described import Shape
from scheduler.api.times import shown
from scheduler.api.v1 import questions
from scheduler.config import settings
from scheduler.errors import N_
from scheduler.schedules import zone

calls = Blueprint("v1_api_keys", __name__, url_prefix="/v1/scheduler/api-keys")


class Wish(Body):
    """What a key is to be for, and until when."""

    name: str
    scopes: list[str]
    expires_at: str | None = None


class Key(Shape):
    """A key as it can be seen later: its beginning only."""

    id: int
    name: str
    prefix: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    is_expired: bool


class NewKey(Key):
    """A key as it is seen once, when it is made."""

    key: str


@calls.post("")
@described.call(takes=Wish, answers=NewKey, refuses=(409,))
@gate.allowed("self.edit")
def create() -> Response:
    """A new key. Its text is in this answer and nowhere else."""
    wish = bodies.read(Wish)
    until = times.read(wish.expires_at, "expires_at", zone(settings().engine.timezone)) if wish.expires_at else None
    key, text = keys.create(gate.current_actor(), {"name": wish.name, "scopes": wish.scopes, "expires_at": until})
    response = done(_shape(key) | {"key": text}, N_("The key is made. It is shown only now."))
    response.headers["Cache-Control"] = "no-store"
    return response


@calls.get("")
@described.call(asks=questions.Pages, answers=Key, form="page")
@gate.allowed("self.edit")
def listed() -> Response:
    """One's own keys, newest first."""
    paging = asking.paging()
    found = keys.listed(gate.current_actor())
    return page([_shape(key) for key in found[paging.first : paging.first + paging.size]], len(found), paging)


@calls.get("/<int:key_id>")
@described.call(answers=Key, refuses=(404,))
@gate.allowed("self.edit")
def one(key_id: int) -> Response:
    """One of them."""
    return done(_shape(keys.found(gate.current_actor(), key_id)))


@calls.delete("/<int:key_id>")
@described.call(refuses=(404,))
@gate.allowed("self.edit")
def revoke(key_id: int) -> Response:
    """End it at once."""
    bodies.nothing()
    keys.revoke(gate.current_actor(), key_id)
    return done(None, N_("The key is revoked."))


def _shape(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": list(key.scopes),
        "created_at": shown(key.created_at),
        "expires_at": shown(key.expires_at),
        "last_used_at": shown(key.last_used_at),
        "is_expired": keys.expired(key),
    }
