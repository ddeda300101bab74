"""Pausing everything: the form, the way back, and the banner on every page while it lasts; what a pause means lives in runs."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler.accounts.permissions import can
from scheduler.errors import N_, Invalid
from scheduler.tasks import pausing as verbs
from scheduler.tasks.models import Pause
from scheduler.web import access, failures, moments, rendering, task_rows
from scheduler.web.rendering import Link, render, toast

pages = Blueprint("pausing", __name__, url_prefix="/scheduler")


@dataclass(frozen=True)
class Everything:
    """Whether everything is paused, for the frame of every page; looked up only when a template asks."""

    @cached_property
    def pause(self) -> Pause | None:
        """The pause in force."""
        return verbs.current()

    @cached_property
    def may(self) -> bool:
        """Whether the viewer may pause and resume."""
        return can(access.current_actor(), "pause.all")

    def covers(self, instant: datetime) -> bool:
        """Whether what is due at `instant` is going to be missed."""
        return self.pause is not None and verbs.Span(self.pause.since, self.pause.until).covers(instant)

    @property
    def here(self) -> str:
        """The page being looked at, to come back to."""
        if "HX-Current-URL" in request.headers:
            return task_rows.here()
        return request.full_path.rstrip("?") if request.method == "GET" else "/"


@pages.app_context_processor
def in_every_page() -> dict[str, Everything]:
    """Give the frame of every page its banner."""
    return {"everything": Everything()}


@pages.get("/pause")
@access.allowed("pause.all")
def ask() -> ResponseReturnValue:
    """Ask why and until when; of a pause that goes on, what shall change."""
    found = verbs.current()
    typed = {"reason": found.reason, "until": moments.typed(found.until)} if found else {}
    return _form(typed, {}, found)


@pages.post("/pause")
@access.allowed("pause.all")
def pause() -> ResponseReturnValue:
    """Let nothing begin by itself any more."""
    typed = {name: request.form.get(name, "") for name in ("reason", "until")}
    try:
        verbs.pause(access.current_actor(), typed["reason"], _until(typed["until"]))
    except Invalid as error:
        return _form(typed, failures.sentences(error), verbs.current()), 422
    again = Link(_("Resume"), url_for("pausing.resume", next=task_rows.here()), post=True)
    toast(_("Everything is paused."), "warning", again)
    return rendering.go(task_rows.back(url_for("tasks.index")))


@pages.post("/resume")
@access.allowed("pause.all")
def resume() -> ResponseReturnValue:
    """Let everything go on."""
    verbs.resume(access.current_actor())
    toast(_("Everything goes on."))
    return rendering.go(task_rows.back(url_for("tasks.index")))


def _form(typed: dict[str, str], errors: dict[str, str], found: Pause | None) -> Response:
    here = task_rows.here()
    shown = {"typed": typed, "errors": errors, "pause": found, "next": here, "in_dialog": rendering.partial()}
    return render("pausing/form.html", "pausing/_form.html", **shown)


def _until(text: str) -> datetime | None:
    if not text.strip():
        return None
    found = moments.read(text)
    if found is None:
        raise Invalid.because(N_("“%(value)s” is not a date and time."), field="until", value=text[:60])
    return found
