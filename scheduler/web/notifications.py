"""The page of notifications: rules as sentences, channels with a test, deliveries with what became of them."""

from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler.accounts.permissions import can
from scheduler.errors import N_
from scheduler.notify import channel_verbs, outbox, rule_verbs
from scheduler.notify.channels import ways
from scheduler.tasks import queries
from scheduler.web import access, notification_words
from scheduler.web.rendering import render, toast

pages = Blueprint("notifications", __name__, url_prefix="/notifications")

TABS = {"rules": N_("Rules"), "channels": N_("Channels"), "deliveries": N_("Deliveries")}
PAGE = 50
LAST = 100_000


@pages.get("")
@access.allowed("task.see")
def index() -> Response:
    """One of the tabs."""
    actor = access.current_actor()
    tab = request.args.get("tab", "rules")
    tab = tab if tab in TABS and (tab != "channels" or can(actor, "task.edit")) else "rules"
    contents = {"rules": _rules, "channels": _channels, "deliveries": _deliveries}[tab]()
    may_edit, may_manage = can(actor, "task.edit"), can(actor, "channel.manage")
    common: dict[str, Any] = {
        "tab": tab,
        "tabs": TABS,
        "words": notification_words,
        "may_edit": may_edit,
        "may_manage": may_manage,
    }
    return render("notifications/index.html", **common, **contents)


@pages.post("/deliveries/<int:delivery_id>/again")
@access.allowed("task.edit")
def again(delivery_id: int) -> ResponseReturnValue:
    """Try one that was given up once more."""
    outbox.again(access.current_actor(), delivery_id)
    toast(_("It is tried again."), "info")
    return redirect(url_for("notifications.index", tab="deliveries"), 303)


def _rules() -> dict[str, Any]:
    actor = access.current_actor()
    found = rule_verbs.listed(actor)
    return {"rules": [(one, one.terms, rule_verbs.may_edit(actor, one)) for one in found if one.terms is not None]}


def _channels() -> dict[str, Any]:
    actor = access.current_actor()
    found = channel_verbs.listed(actor)
    return {"channels": [(one, ways.get(one.type), channel_verbs.shown(actor, one)) for one in found], "ways": list(ways)}


def _deliveries() -> dict[str, Any]:
    actor = access.current_actor()
    page = min(max(request.args.get("page", 1, int), 1), LAST)
    status = request.args.get("status", "")
    status = status if status in outbox.STATUSES else ""
    reference = request.args.get("task", "")
    task = queries.find(actor, reference) if reference else None
    entries, total = outbox.listed(actor, (page - 1) * PAGE, PAGE, status, task)

    def turn(to: int) -> str:
        return url_for("notifications.index", tab="deliveries", status=status or None, task=reference or None, page=to)

    return {
        "entries": entries,
        "total": total,
        "status": status,
        "task": task,
        "statuses": outbox.STATUSES,
        "newer_url": turn(page - 1) if page > 1 else "",
        "older_url": turn(page + 1) if page * PAGE < total else "",
    }
