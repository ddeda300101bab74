"""The page of the clean-up, for administrators: what is kept for how long, when it was done, what it freed, and by hand."""

from collections.abc import Mapping, Sequence

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from scheduler import clock
from scheduler.config import settings
from scheduler.errors import N_, Invalid
from scheduler.runs import upkeep as verbs
from scheduler.runs import workspaces
from scheduler.runs.models import Upkeep
from scheduler.web import access, failures, formats, live
from scheduler.web.rendering import go, render, toast

pages = Blueprint("upkeep", __name__, url_prefix="/settings/upkeep")

MOST_HOURS = 876_000
FREED: Mapping[str, str] = {  # in the order they are shown
    "runs": N_("runs"),
    "tasks": N_("tasks in the trash"),
    "workspaces": N_("workspaces"),
    "orphans": N_("folders without a run"),
    "sign_ins": N_("sign-ins that were over"),
    "tries": N_("failed sign-ins"),
    "failed": N_("could not be removed"),
    "vanished": N_("runs whose log is gone"),
}


@pages.get("")
@access.allowed("settings.manage")
def index() -> ResponseReturnValue:
    """The page; for htmx what was done lately alone, or 204 when that has not changed."""
    records = verbs.records(access.current_actor())
    return ("", 204) if live.unchanged(_seen(records)) else _page()


@pages.post("/run")
@access.allowed("settings.manage")
def start() -> ResponseReturnValue:
    """Have everything cleaned now."""
    verbs.request(access.current_actor())
    toast(_("The clean-up begins."), "info")
    return go(url_for("upkeep.index"))


@pages.post("/workspaces")
@access.allowed("settings.manage")
def clean_workspaces() -> ResponseReturnValue:
    """Remove the workspaces older than so many hours, while the visitor waits."""
    typed = request.form.get("hours", "").strip()
    try:
        hours = _hours(typed)
    except Invalid as error:
        return _page(typed=typed, errors=failures.sentences(error)), 422
    removed = workspaces.remove(access.current_actor(), hours)
    size = formats.size(removed.bytes)
    toast(
        ngettext("One workspace was removed, %(size)s.", "%(num)s workspaces were removed, %(size)s.", removed.count, size=size)
    )
    if removed.failed:
        text = ngettext("One could not be removed; the log of the engine says why.",
                        "%(num)s could not be removed; the log of the engine says why.", removed.failed)  # fmt: skip
        toast(text, "warning")
    return go(url_for("upkeep.index"))


def _page(**shown: object) -> Response:
    records = verbs.records(access.current_actor())
    keeps = settings().history
    context = {
        "records": records,
        "seen": _seen(records),
        "typed": str(keeps.workspace_hours),
        "errors": {},
        "next_due": verbs.next_due(clock.now()),
        "keeps": keeps,
        "freed": _freed,
        "most_hours": MOST_HOURS,
    }
    return render("upkeep/index.html", "upkeep/_records.html", **(context | shown))


def _seen(records: Sequence[Upkeep]) -> str:
    return live.digest([(record.id, record.status) for record in records])


def _freed(record: Upkeep) -> list[str]:
    """What one clean-up freed, part by part."""
    found = record.freed or {}
    parts = [f"{formats.number(found[name])} {_(word)}" for name, word in FREED.items() if found.get(name)]
    return [*parts, formats.size(found["bytes"])] if found.get("bytes") else parts


def _hours(typed: str) -> int:
    if not typed.isascii() or not typed.isdecimal() or len(typed) > 9 or int(typed) > MOST_HOURS:
        text = N_("“%(value)s” is not a number of hours between 0 and %(most)s.")
        raise Invalid.because(text, field="hours", value=typed[:60], most=MOST_HOURS)
    return int(typed)
