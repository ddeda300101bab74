"""Executions of a task in 001's words, and its log: the latest execution's, or another one's of the same task."""

from flask import Blueprint, Response

from scheduler import gate
from scheduler.accounts.permissions import Actor, require
from scheduler.api import asking, described, lines, listing
from scheduler.api.answers import answer
from scheduler.api.engine import answer_models, shapes, task_model
from scheduler.api.service import questions
from scheduler.errors import N_, NotFound
from scheduler.runs import history
from scheduler.runs.history import Entry, Wanted
from scheduler.tasks import queries
from scheduler.tasks.models import Task

calls = Blueprint("engine_executions", __name__, url_prefix="/tasks/<task_id>")


@calls.get("/executions")
@described.call(asks=questions.Executions, answers=answer_models.Executions, form="bare", refuses=(404,))
@gate.allowed("task.see")
def of_task(task_id: str) -> Response:
    """The executions of a task, newest first."""
    entries, total, _ = listing.of_task(gate.current_actor(), task_id)
    return answer({"total": total, "executions": shapes.executions(entries)})


@calls.get("/executions/<execution_id>")
@described.call(answers=answer_models.Execution, form="bare", refuses=(404,))
@gate.allowed("task.see")
def one(task_id: str, execution_id: str) -> Response:
    """One execution of this task."""
    actor = gate.current_actor()
    return answer(shapes.execution(_own(actor, queries.find(actor, task_id), execution_id)))


@calls.get("/logs")
@described.call(asks=task_model.Lines, answers=answer_models.Lines, form="bare", refuses=(404,))
@gate.allowed("log.read")
def logs(task_id: str) -> Response:
    """Lines a task printed; none before its first execution."""
    actor = gate.current_actor()
    task = queries.find(actor, task_id)
    entry = _meant(actor, task)
    return answer({"task_id": task.key, "logs": lines.lines(actor, entry) if entry else []})


@calls.get("/logs/download")
@described.call(asks=task_model.Meant, form="text", refuses=(404, 409), sends=("Content-Disposition",))
@gate.allowed("log.read")
def download(task_id: str) -> Response:
    """What a task printed, as a file."""
    actor = gate.current_actor()
    entry = _meant(actor, queries.find(actor, task_id))
    if entry is None:
        raise NotFound.because(N_("This task has not run yet."))
    return lines.download(actor, entry)


def _meant(actor: Actor, task: Task) -> Entry | None:
    """The execution `execution_id` names, else the latest; None when there is none."""
    require(actor, "log.read", task)
    given = asking.text("execution_id")
    if given:
        return _own(actor, task, given)
    return next(iter(history.page(actor, Wanted(task_id=task.id), 1).entries), None)


def _own(actor: Actor, task: Task, execution_id: str) -> Entry:
    """The execution of that id, if it is one of this task's."""
    entry = history.find(actor, execution_id)
    if entry.task.id != task.id:
        raise NotFound.because(N_("There is no such run."))
    return entry
