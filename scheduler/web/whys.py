"""The answer to “why did it run, or not?” for one task and one instant; the cause is found in runs."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from scheduler import clock
from scheduler.errors import N_
from scheduler.runs import why
from scheduler.runs.why import Because
from scheduler.tasks import queries
from scheduler.web import access, moments, rendering

pages = Blueprint("whys", __name__)

# How each answer looks: its words and the status whose icon and colour it borrows.
LOOKS = {
    Because.RUN: (N_("It ran"), ""),
    Because.RUNNING: (N_("It is running"), "running"),
    Because.WILL_RUN: (N_("It will run"), "success"),
    Because.WAITING_SLOT: (N_("It waits"), "pending"),
    Because.WAITING_RETRY: (N_("It waits"), "retrying"),
    Because.WAITING_PAUSED: (N_("It waits"), "disabled"),
    Because.WAITING_SCHEDULER: (N_("It waits"), "pending"),
    Because.WAITING_WORKER: (N_("It waits"), "pending"),
}
FUTURE = (N_("It will not run"), "skipped")
PAST = (N_("It did not run"), "missed")


@pages.get("/tasks/<reference>/why")
@access.signed_in
def show(reference: str) -> ResponseReturnValue:
    """Why the task ran or not at the time `at`; without one the question alone."""
    actor, given = access.current_actor(), request.args.get("at", "").strip()
    task = queries.find(actor, reference)
    instant = moments.read(given)
    error = gettext("“%(value)s” is not a date and time.", value=given[:60]) if given and instant is None else ""
    found = why.explain(actor, task, instant) if instant else None
    shown = {"task": task, "found": found, "error": error, "typed": moments.typed(instant) or given[:60]}
    response = rendering.render("tasks/why.html", "tasks/_why.html", look=_look(found), **shown)
    return (response, 422) if error else response


def _look(found: why.Explanation | None) -> tuple[str, str]:
    """What the answer amounts to in a few words, and the status it looks like."""
    if found is None:
        return "", ""
    unlike = FUTURE if found.run is None and found.asked > clock.now() else PAST
    words, status = LOOKS.get(found.because, unlike)
    return str(gettext(words)), (found.run.status if found.run else "") or status
