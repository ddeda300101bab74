"""Executions in 000's words, 003's name for them, 004's log of them; and the lines of one."""

from flask import Blueprint, Response

from scheduler import gate
from scheduler.api import described, lines, listing, pages
from scheduler.api.answers import answer
from scheduler.api.service import answer_models, execution_shapes, questions, shapes_004
from scheduler.runs import history
from scheduler.runs.history import Wanted
from scheduler.tasks import queries

calls = Blueprint("service_executions", __name__, url_prefix="/scheduler")
MOST_LOGS = 100


@calls.get("/tasks/<task_id>/executions")
@calls.get("/tasks/<task_id>/history", endpoint="history")
@described.call(asks=questions.Executions, answers=answer_models.ExecutionPage, form="bare", refuses=(404,))
@gate.allowed("task.see")
def of_task(task_id: str) -> Response:
    """The executions of a task, newest first, in the first form whoever asks."""
    entries, total, paging = listing.of_task(gate.current_actor(), task_id)
    found = [execution_shapes.execution(entry) for entry in entries]
    return answer({"total": total, "page": paging.page, "limit": paging.size, "executions": found})


@calls.get("/tasks/<task_id>/logs")
@described.call(asks=questions.Log, answers=answer_models.LogPage, form="bare", refuses=(404,))
@gate.allowed("task.see")
def logs(task_id: str) -> Response:
    """A task's executions, newest first, in the second form."""
    actor = gate.current_actor()
    task, part = queries.find(actor, task_id), pages.part(MOST_LOGS)
    entries, total = history.numbered(actor, Wanted(task_id=task.id), part.offset, part.limit)
    return answer({"logs": shapes_004.logs(entries), "total": total, "limit": part.limit, "offset": part.offset})


@calls.get("/executions/<execution_id>")
@described.call(answers=answer_models.ExecutionDetail, form="bare", refuses=(404,))
@gate.allowed("task.see")
def one(execution_id: str) -> Response:
    """One execution, with the end of what it printed."""
    actor = gate.current_actor()
    return answer(execution_shapes.detail(actor, history.find(actor, execution_id)))


@calls.get("/executions/<execution_id>/logs")
@described.call(asks=questions.Lines, answers=answer_models.Lines, form="bare", refuses=(404,))
@gate.allowed("log.read")
def printed(execution_id: str) -> Response:
    """Lines an execution printed."""
    actor = gate.current_actor()
    return answer({"logs": lines.lines(actor, history.find(actor, execution_id))})
