"""Running a task now and stopping what runs of it; how runs are queued and ended is the ledger's and lifecycle's business."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from scheduler.accounts.permissions import require
from scheduler.errors import N_, Conflict
from scheduler.runs import history, ledger, lifecycle
from scheduler.tasks import queries
from scheduler.web import access, rendering, task_rows
from scheduler.web.rendering import Link, toast

pages = Blueprint("running", __name__, url_prefix="/tasks/<int:task_id>")


@pages.post("/run")
@access.allowed("task.run")
def run(task_id: int) -> ResponseReturnValue:
    """Run it now, and say where the log is; with `then=log` go there."""
    actor = access.current_actor()
    task = queries.find(actor, task_id)
    started = ledger.request(actor, task)
    log = f"{request.script_root}/runs/{started.id}"
    if request.form.get("then") == "log":
        return rendering.go(log)
    toast(_("“%(name)s” begins to run.", name=task.name), "info", Link(_("View log"), log))
    return task_rows.answer(task)


@pages.post("/stop")
@access.allowed("task.stop")
def stop(task_id: int) -> ResponseReturnValue:
    """Ask everything that waits or runs of it to stop; asked again, it is killed."""
    actor = access.current_actor()
    task = queries.find(actor, task_id)
    require(actor, "task.stop", task)
    runs = history.alive([task.id]).get(task.id, [])
    if not runs:
        raise Conflict.because(N_("Nothing of this task is running."))
    for one in runs:
        lifecycle.cancel(actor, one)
    toast(ngettext("One run was told to stop.", "%(num)s runs were told to stop.", len(runs)), "info")
    return task_rows.answer(task)
