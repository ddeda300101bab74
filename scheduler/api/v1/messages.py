"""One's own messages: list them, how many are unread, read one, mark them read."""

from typing import Any

from flask import Blueprint, Response

from scheduler import gate
from scheduler.api import asking, bodies, described
from scheduler.api.answers import done, page
from scheduler.api.described import Shape
from scheduler.api.times import shown
from scheduler.api.v1 import questions
from scheduler.errors import N_
from scheduler.notify import messages
from scheduler.notify.models import Message

calls = Blueprint("v1_messages", __name__, url_prefix="/v1/scheduler/messages")


class MessageShape(Shape):
    """What somebody finds in their inbox."""

    id: int
    subject: str
    body: str
    event: str
    execution_id: str | None
    is_read: bool
    created_at: str
    read_at: str | None


class Unread(Shape):
    """How many one has not read."""

    unread: int


class Messages(questions.Pages):
    """Which messages."""

    unread: bool | None = None


@calls.get("")
@described.call(asks=Messages, answers=MessageShape, form="page")
@gate.allowed("message.see")
def listed() -> Response:
    """One's own messages, newest first."""
    paging = asking.paging()
    found, total = messages.listed(gate.current_actor(), paging.first, paging.size, bool(asking.flag("unread")))
    return page([_shape(one) for one in found], total, paging)


@calls.get("/unread")
@described.call(answers=Unread)
@gate.allowed("message.see")
def unread() -> Response:
    """How many one has not read."""
    return done({"unread": messages.unread(gate.current_actor())})


@calls.get("/<int:message_id>")
@described.call(answers=MessageShape, refuses=(404,))
@gate.allowed("message.see")
def one(message_id: int) -> Response:
    """One of them; looking at it does not mark it."""
    return done(_shape(messages.found(gate.current_actor(), message_id)))


@calls.post("/<int:message_id>/read")
@described.call(answers=Unread, refuses=(404,))
@gate.allowed("message.mark")
def read(message_id: int) -> Response:
    """Mark one as read."""
    bodies.nothing()
    actor = gate.current_actor()
    messages.mark(actor, message_id)
    return done({"unread": messages.unread(actor)}, N_("Marked as read."))


@calls.post("/read")
@described.call(answers=Unread)
@gate.allowed("message.mark")
def read_all() -> Response:
    """Mark all of them as read."""
    bodies.nothing()
    actor = gate.current_actor()
    messages.mark(actor)
    return done({"unread": messages.unread(actor)}, N_("Marked as read."))


def _shape(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "subject": message.subject,
        "body": message.body,
        "event": message.event,
        "execution_id": message.run or None,
        "is_read": message.read_at is not None,
        "created_at": shown(message.at),
        "read_at": shown(message.read_at),
    }
