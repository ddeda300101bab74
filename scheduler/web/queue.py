"""The page of the queue: what waits, in which order, and why; what may start is decided in runs."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from scheduler.accounts.permissions import can
from scheduler.runs import queue
from scheduler.runs.queue import Place
from scheduler.web import access, live, rendering, runs

PAGE = 100
FARTHEST = 100  # pages

pages = Blueprint("queue", __name__)


@pages.get("/queue")
@access.signed_in
def index() -> ResponseReturnValue:
    """What waits to be started; for htmx the list alone, or 204 when it has not changed."""
    actor = access.current_actor()
    number = min(max(request.args.get("page", 1, type=int), 1), FARTHEST)
    places, total = queue.entries(actor, (number - 1) * PAGE, PAGE)
    seen = live.digest(total, number, [_facts(place) for place in places])
    if live.unchanged(seen):
        return "", 204
    return rendering.render(
        "queue/index.html",
        "queue/_list.html",
        places=places,
        total=total,
        seen=seen,
        page=number,
        before_url=url_for("queue.index", page=number - 1) if number > 1 else "",
        after_url=url_for("queue.index", page=number + 1) if total > number * PAGE else "",
        may=lambda action, place: can(actor, action, place.task),
    )


def _facts(place: Place) -> tuple[object, ...]:
    return (*runs.facts(place.run), place.position, place.hold, place.ahead, place.limit, place.task.name)
