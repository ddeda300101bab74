"""Notification channels, for administrators: list, make, change, delete, and send a test; rules name them."""

from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel

from scheduler import gate
from scheduler.api import asking, bodies, described
from scheduler.api.answers import done, page
from scheduler.api.bodies import Body
from scheduler.api.described import Shape
from scheduler.api.times import shown
from scheduler.api.v1 import questions
from scheduler.api.v1.versions import matched, tagged
from scheduler.errors import N_, Invalid
from scheduler.notify import channel_verbs, trying
from scheduler.notify.channels import ways
from scheduler.notify.models import Channel

calls = Blueprint("v1_channels", __name__, url_prefix="/v1/scheduler/notification-channels")


class NewChannel(BaseModel):
    """A way to reach people; instead of `config` what belongs into it may stand beside `type`, as in document 003."""

    model_config = {"extra": "allow"}

    name: str
    type: str
    config: dict[str, Any] | None = None
    enabled: bool = True


class ChannelChanges(Body):
    """What is to be changed of a channel; a secret sent back masked stays."""

    name: str | None = None
    type: str | None = None
    config: dict[str, Any] | None = None
    enabled: bool | None = None
    version: int | None = None


class ChannelShape(Shape):
    """A channel; its `config`, secrets masked, is shown to administrators only."""

    id: int
    name: str
    type: str
    config: dict[str, Any]
    enabled: bool
    version: int
    created_at: str


class Tried(Shape):
    """What one receiver's side answered to a test; `code` is SMTP's or HTTP's."""

    receiver: str
    ok: bool
    code: int | None
    answer: str
    milliseconds: int


@calls.get("")
@described.call(asks=questions.Pages, answers=ChannelShape, form="page")
@gate.allowed("task.edit")
def listed() -> Response:
    """The channels, by name."""
    paging = asking.paging()
    found = channel_verbs.listed(gate.current_actor())
    return page([_shape(one) for one in found[paging.first : paging.first + paging.size]], len(found), paging)


@calls.post("")
@described.call(takes=NewChannel, answers=ChannelShape, refuses=(409,), sends=("ETag",))
@gate.allowed("channel.manage")
def create() -> Response:
    """A new channel."""
    return _answer(channel_verbs.create(gate.current_actor(), _flat(bodies.values())), N_("The channel is made."))


@calls.get("/<int:channel_id>")
@described.call(answers=ChannelShape, refuses=(404,), sends=("ETag",))
@gate.allowed("task.edit")
def one(channel_id: int) -> Response:
    """One channel; its version is its ETag."""
    return _answer(channel_verbs.found(gate.current_actor(), channel_id))


@calls.put("/<int:channel_id>")
@described.call(takes=ChannelChanges, answers=ChannelShape, refuses=(404, 409), headers=("If-Match",), sends=("ETag",))
@gate.allowed("channel.manage")
def update(channel_id: int) -> Response:
    """Change what the body names and leave the rest."""
    given = bodies.read(ChannelChanges).model_dump(exclude_unset=True, exclude_none=True)
    version = given.pop("version", None)
    channel = channel_verbs.edit(gate.current_actor(), channel_id, given, version if version is not None else matched())
    return _answer(channel, N_("The channel is changed."))


@calls.delete("/<int:channel_id>")
@described.call(refuses=(404,))
@gate.allowed("channel.manage")
def delete(channel_id: int) -> Response:
    """Delete it; rules that name it reach nobody by it any more."""
    bodies.nothing()
    channel_verbs.remove(gate.current_actor(), channel_id)
    return done(None, N_("The channel is deleted."))


@calls.post("/<int:channel_id>/test")
@described.call(answers=list[Tried], refuses=(404, 409))
@gate.allowed("channel.manage")
def test(channel_id: int) -> Response:
    """Send a test at once, and answer what the other side says."""
    bodies.nothing()
    actor = gate.current_actor()
    found = trying.send_test(actor, channel_verbs.found(actor, channel_id))
    tried = [
        {"receiver": to, "ok": one.ok, "code": one.code, "answer": one.text, "milliseconds": one.milliseconds}
        for to, one in found
    ]
    return done(tried, N_("The test is sent."))


def _flat(given: dict[str, Any]) -> dict[str, Any]:
    """003's flat form into ours."""
    own = {name: value for name, value in given.items() if name in ("name", "type", "config", "enabled")}
    rest = {name: value for name, value in given.items() if name not in own}
    type = given.get("type")
    known = ways.get(type).model.model_fields if isinstance(type, str) and type in ways else {}
    if rest and ("config" in own or not rest.keys() <= known.keys()):
        strange = next((name for name in rest if name not in known), next(iter(rest)))
        raise Invalid.because(N_("There is no such field."), field=strange[:60])
    return own | ({"config": rest} if rest else {})


def _answer(channel: Channel, text: str = N_("Found.")) -> Response:
    return tagged(done(_shape(channel), text), channel.version)


def _shape(channel: Channel) -> dict[str, Any]:
    known = channel_verbs.shown(gate.current_actor(), channel)
    return {"id": channel.id, **known, "version": channel.version, "created_at": shown(channel.created_at)}
