"""Whether the scheduler is alive, for the corner of every page and for whoever watches from outside; measures nothing itself."""

from dataclasses import dataclass
from functools import cached_property

from flask import Blueprint, Response, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from scheduler import nodes, trouble
from scheduler.config import settings
from scheduler.database import db
from scheduler.errors import N_, Unavailable
from scheduler.runs import history
from scheduler.runs.status import Status
from scheduler.web import access

pages = Blueprint("heartbeat", __name__)

STORAGE = {"full": N_("The disk is full"), "read-only": N_("The disk is read-only"), "missing": N_("The folder is gone")}


@dataclass(frozen=True)
class Heartbeat:
    """What the corner shows; looked up only when a template asks."""

    @cached_property
    def healthy(self) -> bool:
        """Whether a daemon made a pass just now."""
        return nodes.ticking()

    @cached_property
    def storage(self) -> str:
        """What is wrong with the disk, in a few words; while that lasts nothing new starts. Empty when it is sound."""
        state = trouble.condition(settings().instance)
        return str(gettext(STORAGE[state])) if state else ""

    @cached_property
    def running(self) -> int:
        """How many runs the viewer may see are running."""
        return history.count(Status.RUNNING, access.current_actor())

    @property
    def url(self) -> str:
        """Where the corner refreshes itself."""
        return url_for("heartbeat.corner")

    @property
    def runs_url(self) -> str:
        """The runs that the count is of."""
        return url_for("runs.index", status=Status.RUNNING.value)


@pages.app_context_processor
def in_every_page() -> dict[str, Heartbeat]:
    """Give the frame of every page its heartbeat."""
    return {"heartbeat": Heartbeat()}


@pages.get("/p/heartbeat")
@access.signed_in
def corner() -> Response:
    """The corner, and with it whether everything is paused."""
    return Response(render_template("_heartbeat.html") + render_template("_pause.html", out_of_band=True))


@pages.get("/readyz")
@access.public
def ready() -> ResponseReturnValue:
    """200 when the database answers, the disk takes writes and the daemon ticks; else 503 and the name of what does not."""
    failing = _failing()
    words = {"Content-Type": "text/plain; charset=utf-8"}
    return (f"{failing}\n", 503, words) if failing else ("ok\n", 200, words)


def _failing() -> str:
    try:
        db.session.execute(text("SELECT 1"))
        ticking, age = nodes.ticking(), nodes.tick_age()
    except (SQLAlchemyError, Unavailable):
        return "database"
    state = trouble.condition(settings().instance)
    if state:
        return f"storage: {state}"
    if ticking:
        return ""
    return "scheduler: no tick yet" if age is None else f"scheduler: the last tick was {age:.0f} s ago"
