"""The first minute: loading the example task and running it, so that a newcomer lands on a log that moves."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from scheduler.errors import Conflict
from scheduler.runs import ledger
from scheduler.tasks import examples
from scheduler.web import access, failures, rendering
from scheduler.web.rendering import toast

pages = Blueprint("trying", __name__)


@pages.post("/tasks/examples")
@access.allowed("task.create")
def begin() -> ResponseReturnValue:
    """Load the example and run it at once; whoever has it already finds it in the list."""
    actor = access.current_actor()
    try:
        task = examples.load(actor, gettext)[0]
    except Conflict as error:
        toast(" ".join(failures.sentences(error).values()), "info")
        return rendering.go(url_for("tasks.index"))
    return rendering.go(f"{request.script_root}/runs/{ledger.request(actor, task).id}")
