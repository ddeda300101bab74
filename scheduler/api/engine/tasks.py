"""Tasks in 001's words: list, make, look at, change, delete, execute, stop; how one stands and when it is due."""

from flask import Blueprint, Response

from scheduler import gate
from scheduler.api import bodies, described, idempotency, pages, spelled
from scheduler.api.answers import answer
from scheduler.api.engine import answer_models, shapes
from scheduler.api.engine.bodies import THEIRS, changes, new
from scheduler.api.engine.task_model import All, TaskBody
from scheduler.api.times import shown
from scheduler.api.v1.versions import matched, tagged
from scheduler.api.words import WORDS, standing
from scheduler.runs import history, ledger, lifecycle
from scheduler.runs.history import Entry
from scheduler.runs.status import Status
from scheduler.tasks import definitions, once, queries, trash
from scheduler.tasks.queries import Wanted

calls = Blueprint("engine_tasks", __name__, url_prefix="/tasks")


@calls.get("")
@described.call(asks=All, answers=answer_models.Tasks, form="bare", sends=("X-Total-Count",))
@gate.allowed("task.see")
def listed() -> Response:
    """The tasks one may see, by name."""
    actor, part = gate.current_actor(), pages.part(pages.LONGEST_SLICE)
    found, total = queries.listed(actor, Wanted(), part.offset, part.limit)
    response = answer({"tasks": shapes.tasks(actor, found)})
    response.headers["X-Total-Count"] = str(total)
    return response


@calls.post("")
@described.call(takes=TaskBody, answers=answer_models.Task, form="bare", refuses=(409,), headers=("Idempotency-Key",))
@gate.allowed("task.create")
def create() -> Response:
    """A new task: a program below the instance folder."""
    actor = gate.current_actor()
    with spelled.errors_in(THEIRS):
        task = once.create(actor, new(bodies.values()), idempotency.key())
    return answer(shapes.task(actor, task))


@calls.get("/<task_id>")
@described.call(answers=answer_models.Task, form="bare", refuses=(404,), sends=("ETag",))
@gate.allowed("task.see")
def one(task_id: str) -> Response:
    """One task; its version is its ETag."""
    actor = gate.current_actor()
    task = queries.find(actor, task_id)
    return tagged(answer(shapes.task(actor, task)), task.version)


@calls.put("/<task_id>")
@described.call(
    takes=TaskBody, answers=answer_models.Task, form="bare", refuses=(404, 409), headers=("If-Match",), sends=("ETag",)
)
@gate.allowed("task.edit")
def update(task_id: str) -> Response:
    """Change what the body names and leave the rest."""
    actor = gate.current_actor()
    task = queries.find(actor, task_id)
    with spelled.errors_in(THEIRS):
        task = definitions.edit(actor, task.id, changes(bodies.values(), task, shapes.task(actor, task)), matched())
    return tagged(answer(shapes.task(actor, task)), task.version)


@calls.delete("/<task_id>")
@described.call(answers=answer_models.Deleted, form="bare", refuses=(404,))
@gate.allowed("task.delete")
def delete(task_id: str) -> Response:
    """Move it to the trash; its executions are stopped."""
    bodies.nothing()
    actor = gate.current_actor()
    task = trash.remove(actor, queries.find(actor, task_id).id)
    return answer({"task_id": task.key, "deleted": True})


@calls.post("/<task_id>/execute")
@described.call(answers=answer_models.Begun, form="bare", bodiless=True, refuses=(404, 409), headers=("Idempotency-Key",))
@gate.allowed("task.run")
def execute(task_id: str) -> Response:
    """Run it now and leave its schedule alone."""
    bodies.nothing()
    actor = gate.current_actor()
    run = ledger.call(actor, task_id, idempotency.key())
    return answer({"execution_id": run.public_id, "status": WORDS[run.status]})


@calls.post("/<task_id>/stop")
@described.call(answers=answer_models.Stopped, form="bare", bodiless=True, refuses=(404, 409))
@gate.allowed("task.stop")
def stop(task_id: str) -> Response:
    """Stop every execution that waits or runs."""
    bodies.nothing()
    actor = gate.current_actor()
    task = queries.find(actor, task_id)
    return answer({"task_id": task.key, "execution_ids": lifecycle.stop(actor, task)})


@calls.get("/<task_id>/status")
@described.call(answers=answer_models.Standing, form="bare", refuses=(404,))
@gate.allowed("task.see")
def status(task_id: str) -> Response:
    """How it stands, and its last execution that is over."""
    task = queries.find(gate.current_actor(), task_id)
    alive = history.alive([task.id]).get(task.id, [])
    last = history.last_of([task]).get(task.id)
    running = any(run.status == Status.RUNNING for run in alive)
    ended = shapes.execution(Entry(last, task)) if last else None
    return answer({"task_id": task.key, "status": standing(task, alive), "running": running, "last_execution": ended})


@calls.get("/<task_id>/next-run")
@described.call(answers=answer_models.NextRun, form="bare", refuses=(404,))
@gate.allowed("task.see")
def next_run(task_id: str) -> Response:
    """When it is due next; never, while it is disabled."""
    task = queries.find(gate.current_actor(), task_id)
    return answer({"task_id": task.key, "next_run": shown(task.next_run_at)})
