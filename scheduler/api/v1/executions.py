"""Executions: of one task, of all, one of them, stopping it, and those under way."""

from flask import Blueprint, Response

from scheduler import gate
from scheduler.api import asking, bodies, described
from scheduler.api.answers import done, page
from scheduler.api.v1 import execution_shapes, questions, ranges
from scheduler.api.v1.answer_models import Execution, Running
from scheduler.api.v1.statuses import ASKED
from scheduler.config import settings
from scheduler.errors import N_
from scheduler.runs import history, lifecycle, queue
from scheduler.runs.history import Wanted
from scheduler.runs.status import Cause, Status
from scheduler.schedules import zone
from scheduler.tasks import queries
from scheduler.tasks.models import Task

calls = Blueprint("v1_executions", __name__, url_prefix="/v1/scheduler")
MOST_RUNNING = 1000


@calls.get("/executions")
@described.call(asks=questions.AllExecutions, answers=Execution, form="page", refuses=(404,))
@gate.allowed("task.see")
def listed() -> Response:
    """The executions of every task one may see, newest first."""
    task = asking.text("task_id")
    return _page(queries.find(gate.current_actor(), task) if task else None)


@calls.get("/tasks/<task_id>/executions")
@described.call(asks=questions.Executions, answers=Execution, form="page", refuses=(404,))
@gate.allowed("task.see")
def of_task(task_id: str) -> Response:
    """The executions of one task, newest first."""
    return _page(queries.find(gate.current_actor(), task_id))


@calls.get("/executions/<execution_id>")
@described.call(answers=Execution, refuses=(404,))
@gate.allowed("task.see")
def one(execution_id: str) -> Response:
    """One execution, with its attempts."""
    return done(execution_shapes.execution(history.find(gate.current_actor(), execution_id)))


@calls.post("/executions/<execution_id>/stop")
@described.call(refuses=(404, 409))
@gate.allowed("task.stop")
def stop(execution_id: str) -> Response:
    """End it while it waits, ask it to stop while it runs; asked again, it is killed at once."""
    bodies.nothing()
    actor = gate.current_actor()
    lifecycle.cancel(actor, history.find(actor, execution_id).run)
    return done(None, N_("The execution is told to stop."))


@calls.post("/executions/<execution_id>/hasten")
@described.call(refuses=(404, 409))
@gate.allowed("task.run")
def hasten(execution_id: str) -> Response:
    """Let the next attempt of a waiting retry start at once."""
    bodies.nothing()
    actor = gate.current_actor()
    queue.hasten(actor, history.find(actor, execution_id).run)
    return done(None, N_("Its next attempt starts now."))


@calls.get("/running")
@described.call(answers=list[Running])
@gate.allowed("task.see")
def running() -> Response:
    """The executions under way."""
    found = history.page(gate.current_actor(), Wanted(statuses=frozenset({Status.RUNNING})), MOST_RUNNING)
    return done([execution_shapes.running(entry) for entry in found.entries])


def _page(task: Task | None) -> Response:
    paging = asking.paging()
    since, until = ranges.days(zone(task.timezone if task else settings().engine.timezone))
    wanted = Wanted(
        task_id=task.id if task else None,
        statuses=ASKED.get(asking.word("status", ASKED), frozenset()),
        cause=asking.word("cause", list(Cause)),
        text=asking.text("q"),
        since=since,
        until=until,
    )
    entries, total = history.numbered(gate.current_actor(), wanted, paging.first, paging.size)
    return page(execution_shapes.executions(entries), total, paging)
