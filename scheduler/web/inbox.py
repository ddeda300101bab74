"""One's own messages: the list with what is unread, one to be read, and the bell in the bar of every page."""

from functools import cached_property

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler.notify import messages
from scheduler.runs import history
from scheduler.web import access, notification_words
from scheduler.web.rendering import render, toast

pages = Blueprint("inbox", __name__, url_prefix="/inbox")
PAGE = 30
LAST = 100_000


class Bell:
    """How much is unread; looked up only when a template asks."""

    @cached_property
    def unread(self) -> int:
        """How many messages the visitor has not read."""
        return messages.unread(access.current_actor())

    @property
    def url(self) -> str:
        """Where they are."""
        return url_for("inbox.index")


@pages.app_context_processor
def in_every_page() -> dict[str, Bell]:
    """Give the frame of every page its bell."""
    return {"inbox_bell": Bell()}


@pages.get("")
@access.allowed("message.see")
def index() -> Response:
    """The messages, newest first."""
    actor = access.current_actor()
    page = min(max(request.args.get("page", 1, int), 1), LAST)
    only = request.args.get("unread") == "1"
    found, total = messages.listed(actor, (page - 1) * PAGE, PAGE, only)
    known = {entry.run.public_id for entry in history.named(actor, [one.run for one in found if one.run])}

    def turn(to: int) -> str:
        return url_for("inbox.index", page=to, unread="1" if only else None)

    return render(
        "notifications/inbox.html",
        messages=found,
        total=total,
        only=only,
        known=known,
        words=notification_words,
        newer_url=turn(page - 1) if page > 1 else "",
        older_url=turn(page + 1) if page * PAGE < total else "",
    )


@pages.post("/read")
@access.allowed("message.mark")
def read() -> ResponseReturnValue:
    """Mark one as read, or all of them."""
    wanted = request.form.get("id", "")
    count = messages.mark(access.current_actor(), int(wanted) if wanted.isdecimal() and len(wanted) < 10 else None)
    if not wanted:
        toast(_("%(n)s messages are marked as read.", n=count), "info")
    return redirect(url_for("inbox.index"), 303)
