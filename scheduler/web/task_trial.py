"""Trying out what stands in the form of a task: its run and the live log in a dialog on top of the form; nothing is saved."""

from collections.abc import Iterable

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from scheduler.database import transaction
from scheduler.errors import Conflict, Forbidden, Invalid, Problem, Unavailable
from scheduler.gate import status_of
from scheduler.runs import history, ledger
from scheduler.runs.models import Run
from scheduler.tasks import trials
from scheduler.tasks.models import Task
from scheduler.web import access, rendering, run_head, run_log, run_timeline, task_editing, task_filling, task_forms
from scheduler.web.controls import Typed

pages = Blueprint("task_trial", __name__)


@pages.post("/tasks/try")
@access.allowed("task.create")
def begin() -> ResponseReturnValue:
    """Run it once; for htmx the dialog with its log, or the form with what is wrong in it."""
    form = request.form.copy()
    task = task_editing.edited()
    problems = task_forms.settled(form)
    if problems:
        return _refused(form, task, problems, 422)
    try:
        run = _begun(form, task)
    except (Invalid, Conflict, Forbidden, Unavailable) as error:
        if isinstance(error, Forbidden) and not error.problems[0].field:
            raise
        return _refused(form, task, error.problems, 422 if isinstance(error, Invalid) else status_of(error))
    if not rendering.partial():
        return rendering.go(url_for("run_page.show", public_id=run.public_id))
    return _watched(run)


def _begun(form: Typed, task: Task | None) -> Run:
    """The run of a trial made from the form, whose schedule may still be half written."""
    actor = access.current_actor()
    bare = form.copy()
    bare["schedule_type"] = bare["schedule_was"] = "manual"
    bare["name"] = form.get("name", "").strip() or _("Test run")
    values = task_forms.values(bare) if task is None else task_forms.changes(bare, task_filling.stored(actor, task))
    with transaction():
        return ledger.request(actor, trials.create(actor, values, task))


def _watched(run: Run) -> Response:
    head = run_head.of(history.find(access.current_actor(), run.public_id), None)
    body = run_log.body(head, MultiDict())
    return rendering.render(
        "runs/show.html",
        "tasks/_trial.html",
        body=body,
        part="all",
        timeline=run_timeline.events(head),
        **run_head.context(head),
    )


def _refused(form: Typed, task: Task | None, problems: Iterable[Problem], status: int) -> ResponseReturnValue:
    """The form again, in place of the one that was sent."""
    response = task_editing.shown(form, task, [*problems, *task_forms.forget_secrets(form)])
    for name, value in (("Retarget", "#task-form"), ("Reselect", "#task-form"), ("Reswap", "outerMorph")):
        response.headers[f"HX-{name}"] = value
    return response, status
