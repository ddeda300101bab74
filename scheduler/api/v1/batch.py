"""Doing one thing to many tasks, each by the verb for one; every task has a result of its own."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from flask import Blueprint, Response
from pydantic import Field

from scheduler import gate
from scheduler.accounts.permissions import Actor
from scheduler.api import bodies, described
from scheduler.api.answers import done
from scheduler.api.bodies import Body
from scheduler.api.described import Shape
from scheduler.api.failures import said
from scheduler.api.v1 import shapes
from scheduler.database import transaction
from scheduler.errors import N_, SchedulerError
from scheduler.runs import ledger
from scheduler.runs.status import Cause
from scheduler.tasks import definitions, queries, trash
from scheduler.tasks.models import Task

calls = Blueprint("v1_batch", __name__, url_prefix="/v1/scheduler/tasks")
MOST = 500
AT_ONCE = 100  # in one transaction: the clock gets its turn in between


class Wish(Body):
    """What is to be done, and to which tasks: their numbers or keys."""

    action: Literal["enable", "disable", "delete", "run", "export"]
    ids: Annotated[list[int | str], Field(min_length=1, max_length=MOST)]


class Result(Shape):
    """What became of one task; `execution_id` where it runs now, `task` where it was exported."""

    id: int | str
    success: bool
    code: int
    message: str | None
    execution_id: str | None
    task: dict[str, Any] | None


class Results(Shape):
    """What became of each, in the order asked for."""

    action: str
    succeeded: int
    failed: int
    results: list[Result]


def _run(actor: Actor, task: Task) -> dict[str, Any]:
    return {"execution_id": ledger.request(actor, task, Cause.API).public_id}


def _on(verb: Callable[[Actor, int], object]) -> Callable[[Actor, Task], dict[str, Any]]:
    def act(actor: Actor, task: Task) -> dict[str, Any]:
        verb(actor, task.id)
        return {}

    return act


ACTIONS: dict[str, Callable[[Actor, Task], dict[str, Any]]] = {
    "enable": _on(definitions.enable),
    "disable": _on(definitions.disable),
    "delete": _on(trash.remove),
    "run": _run,
    "export": lambda actor, task: {"task": shapes.task(actor, task)},
}


@calls.post("/batch")
@described.call(takes=Wish, answers=Results)
@gate.allowed("task.see")
def batch() -> Response:
    """Do it to each of them. 200 whatever became of them: every result says for itself."""
    wish = bodies.read(Wish)
    ids = list(dict.fromkeys(wish.ids))
    results: list[dict[str, Any]] = []
    for start in range(0, len(ids), AT_ONCE):
        with transaction():
            results += [_result(wish.action, reference) for reference in ids[start : start + AT_ONCE]]
    good = sum(result["success"] for result in results)
    summary = {"action": wish.action, "succeeded": good, "failed": len(results) - good}
    return done(summary | {"results": results}, N_("%(good)s of %(all)s are done."), good=good, all=len(results))


def _result(action: str, reference: int | str) -> dict[str, Any]:
    actor = gate.current_actor()
    result = {"id": reference, "success": True, "code": 200, "message": None, "execution_id": None, "task": None}
    try:
        with transaction() as session, session.begin_nested():
            return result | ACTIONS[action](actor, queries.find(actor, reference))
    except SchedulerError as error:
        text = " ".join(map(said, error.problems))
        return result | {"success": False, "code": gate.status_of(error), "message": text}
