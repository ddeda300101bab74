"""One run: its page with the live log, stopping it, running its task again; the log itself is run_log's."""

from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from scheduler.accounts.permissions import can
from scheduler.runs import history, ledger, lifecycle, queue
from scheduler.runs.status import Status
from scheduler.tasks import queries
from scheduler.web import access, rendering, run_head, run_log, run_timeline, task_rows
from scheduler.web.run_head import Head

pages = Blueprint("run_page", __name__)


@pages.get("/runs/<public_id>")
@access.signed_in
def show(public_id: str) -> ResponseReturnValue:
    """The run with this id or number: how it stands, and its log."""
    actor = access.current_actor()
    entry = history.find(actor, public_id)
    head = run_head.of(entry, request.args.get("attempt", type=int))
    readable = can(actor, "log.read", entry.task)
    if request.args.get("find") == "error" and readable:
        return _to_first_error(head)
    body = run_log.body(head, request.args) if readable else None
    before, after = history.neighbours(entry.run)
    more: dict[str, Any] = {"part": "all", "before": before, "after": after, "timeline": run_timeline.events(head)}
    return rendering.render("runs/show.html", body=body, **run_head.context(head), **more)


@pages.post("/runs/<public_id>/stop")
@access.allowed("task.stop")
def stop(public_id: str) -> ResponseReturnValue:
    """Ask the run to stop; asked again, kill it."""
    actor = access.current_actor()
    entry = history.find(actor, public_id)
    again = entry.run.cancel_count > 0 and entry.run.status == Status.RUNNING
    lifecycle.cancel(actor, entry.run)
    rendering.toast(gettext("It is being killed.") if again else gettext("It is being stopped."))
    if entry.task.trial and rendering.partial():  # seen from a form, which must not be left
        return rendering.waiting_toasts()
    return rendering.go(task_rows.back(url_for("run_page.show", public_id=entry.run.public_id)))


@pages.post("/runs/<public_id>/hasten")
@access.allowed("task.run")
def hasten(public_id: str) -> Response:
    """Let the next attempt of a waiting retry start at once."""
    actor = access.current_actor()
    run = history.find(actor, public_id).run
    queue.hasten(actor, run)
    rendering.toast(gettext("Its next attempt starts now."), "info")
    return rendering.go(task_rows.back(url_for("run_page.show", public_id=run.public_id)))


@pages.post("/runs/<public_id>/again")
@access.allowed("task.run")
def again(public_id: str) -> Response:
    """Run its task once more, now, and go to the new run."""
    actor = access.current_actor()
    entry = history.find(actor, public_id)
    run = ledger.request(actor, queries.find(actor, entry.task.id))
    return rendering.go(url_for("run_page.show", public_id=run.public_id))


def _to_first_error(head: Head) -> ResponseReturnValue:
    number = run_log.first_error(head)
    attempt = head.number if head.pinned else None
    anchor = f"L{number}" if number else None
    return redirect(url_for("run_page.show", public_id=head.run.public_id, attempt=attempt, around=number, _anchor=anchor))
