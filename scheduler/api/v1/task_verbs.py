"""What can be done with a task besides changing it: pause, resume, run now, stop, clone, bring back."""

from flask import Blueprint, Response
from pydantic import BaseModel, Field

from scheduler import gate
from scheduler.api import bodies, described, idempotency, waiting
from scheduler.api.answers import done
from scheduler.api.bodies import Body
from scheduler.api.described import Shape
from scheduler.api.v1 import execution_shapes, shapes
from scheduler.api.v1.answer_models import Execution, Task
from scheduler.errors import N_
from scheduler.runs import history, ledger, lifecycle
from scheduler.tasks import definitions, queries, trash

calls = Blueprint("v1_task_verbs", __name__, url_prefix="/v1/scheduler/tasks/<task_id>")


class Waiting(BaseModel):
    """For how many seconds to wait for the execution to be over."""

    wait: int = Field(0, ge=0, le=waiting.LONGEST)


class Triggered(Shape):
    """The execution that waits its turn now."""

    execution_id: str


class Stopped(Shape):
    """The executions that are told to stop."""

    execution_ids: list[str]


class Name(Body):
    """What the copy is to be called."""

    name: str


@calls.post("/pause")
@described.call(refuses=(404,))
@gate.allowed("task.enable")
def pause(task_id: str) -> Response:
    """Let the schedule rest; what runs goes on."""
    bodies.nothing()
    actor = gate.current_actor()
    definitions.disable(actor, queries.find(actor, task_id).id)
    return done(None, N_("The task is paused."))


@calls.post("/resume")
@described.call(refuses=(404,))
@gate.allowed("task.enable")
def resume(task_id: str) -> Response:
    """Let the schedule fire again."""
    bodies.nothing()
    actor = gate.current_actor()
    definitions.enable(actor, queries.find(actor, task_id).id)
    return done(None, N_("The task is resumed."))


@calls.post("/trigger")
@described.call(asks=Waiting, answers=Triggered | Execution, refuses=(404, 409), headers=("Idempotency-Key",))
@gate.allowed("task.run")
def trigger(task_id: str) -> Response:
    """Run it now; the same `Idempotency-Key` again answers the execution it made the first time.

    With `wait` the answer comes when the execution is over, or after so many seconds, and holds all of it.
    """
    bodies.nothing()
    actor = gate.current_actor()
    seconds = waiting.asked()
    with waiting.place(seconds):
        run = ledger.call(actor, task_id, idempotency.key())
        known = {"execution_id": run.public_id}
        if seconds:
            waiting.until_over(run.id, seconds)
            known = execution_shapes.execution(history.find(actor, known["execution_id"]))
    return done(known, N_("The task is triggered."))


@calls.post("/stop")
@described.call(answers=Stopped, refuses=(404, 409))
@gate.allowed("task.stop")
def stop(task_id: str) -> Response:
    """Stop every execution that waits or runs."""
    bodies.nothing()
    actor = gate.current_actor()
    found = lifecycle.stop(actor, queries.find(actor, task_id))
    return done({"execution_ids": found}, N_("The task is told to stop."))


@calls.post("/clone")
@described.call(takes=Name, answers=Task, refuses=(404, 409))
@gate.allowed("task.edit")
def clone(task_id: str) -> Response:
    """A paused copy under another name."""
    name = bodies.read(Name).name
    actor = gate.current_actor()
    return done(shapes.task(actor, definitions.clone(actor, queries.find(actor, task_id).id, name)), N_("The task is cloned."))


@calls.post("/restore")
@described.call(answers=Task, refuses=(404, 409))
@gate.allowed("task.delete")
def restore(task_id: str) -> Response:
    """Bring it back from the trash, paused."""
    bodies.nothing()
    actor = gate.current_actor()
    return done(shapes.task(actor, trash.restore(actor, trash.find(actor, task_id).id)), N_("The task is restored."))
