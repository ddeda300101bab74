"""Tasks in the words of 000 and 004: list them, make one, look at one, change it, delete it."""

from typing import Any

from flask import Blueprint, Response

from scheduler import gate
from scheduler.accounts.permissions import Actor
from scheduler.api import asking, bodies, described, idempotency, pages, spelled
from scheduler.api.answers import answer
from scheduler.api.service import answer_models, questions, shapes, shapes_004
from scheduler.api.service.bodies import changes, new, spelling
from scheduler.api.service.dialects import is_004
from scheduler.api.service.making import change, make
from scheduler.api.service.task_model import TaskBody
from scheduler.api.v1.versions import matched, tagged
from scheduler.api.words import ASKED
from scheduler.runs import history
from scheduler.runs.status import Status
from scheduler.tasks import queries, trash
from scheduler.tasks.models import Task
from scheduler.tasks.queries import Wanted

calls = Blueprint("service_tasks", __name__, url_prefix="/scheduler/tasks")
PART = answer_models.TaskPage | list[answer_models.Scheduled]
ONE = answer_models.Whole | answer_models.Scheduled
STANDINGS = ("active", "inactive", *ASKED)


@calls.get("")
@described.call(asks=questions.Tasks, answers=PART, form="bare", sends=("X-Total-Count",))
@gate.allowed("task.see")
def listed() -> Response:
    """The tasks one may see, by name: a page in the first form, or with `enabled_only` or `offset` a list in the second."""
    actor = gate.current_actor()
    wanted = _wanted()
    if is_004():
        part = pages.part(pages.LONGEST_SLICE)
        found, total = queries.listed(actor, wanted, part.offset, part.limit)
        response = answer(shapes_004.tasks(actor, found))
        response.headers["X-Total-Count"] = str(total)
        return response
    paging = pages.page()
    found, total = queries.listed(actor, wanted, paging.first, paging.size, brief=True)
    return answer({"total": total, "page": paging.page, "limit": paging.size, "tasks": shapes.briefs(found)})


@calls.post("")
@described.call(takes=TaskBody, answers=ONE, form="bare", refuses=(409,), headers=("Idempotency-Key",))
@gate.allowed("task.create")
def create() -> Response:
    """A new task."""
    actor = gate.current_actor()
    given = bodies.values()
    with spelled.errors_in(spelling(given)):
        task = make(actor, new(given), idempotency.key())
    return answer(shown(actor, task, is_004(given=given)))


@calls.get("/<task_id>")
@described.call(answers=ONE, form="bare", refuses=(404,), sends=("ETag",))
@gate.allowed("task.see")
def one(task_id: str) -> Response:
    """One task; its version is its ETag."""
    actor = gate.current_actor()
    task = queries.find(actor, task_id)
    return tagged(answer(shown(actor, task, is_004(task_id))), task.version)


@calls.put("/<task_id>")
@described.call(takes=TaskBody, answers=ONE, form="bare", refuses=(404, 409), headers=("If-Match",), sends=("ETag",))
@gate.allowed("task.edit")
def update(task_id: str) -> Response:
    """Change what the body names and leave the rest; part of a `schedule_config` is merged into it."""
    actor = gate.current_actor()
    task = queries.find(actor, task_id)
    given = bodies.values()
    with spelled.errors_in(spelling(given)):
        task = change(actor, task, changes(given, task), matched())
    return tagged(answer(shown(actor, task, is_004(task_id, given))), task.version)


@calls.delete("/<task_id>")
@described.call(answers=answer_models.Deleted, form="bare", refuses=(404,))
@gate.allowed("task.delete")
def delete(task_id: str) -> Response:
    """Move it to the trash; its executions are stopped."""
    bodies.nothing()
    actor = gate.current_actor()
    task = trash.remove(actor, queries.find(actor, task_id).id)
    return answer({"id": reference(task, task_id), "deleted": True})


def shown(actor: Actor, task: Task, in_004: bool) -> dict[str, Any]:
    """The task in the words of whoever asks."""
    return shapes_004.task(actor, task) if in_004 else shapes.whole(actor, task)


def reference(task: Task, task_id: str) -> str | int:
    """A task as it was named: 004 by its number, 000 by its key."""
    return task.id if is_004(task_id) else task.key


def _wanted() -> Wanted:
    word = asking.word("status", STANDINGS)
    enabled = {"active": True, "inactive": False}.get(word) if word else True if asking.flag("enabled_only") else None
    ids = history.tasks_with(Status(word)) if word in (Status.RUNNING, Status.PENDING) else None
    last = ASKED.get(word, frozenset()) if ids is None else frozenset()
    return Wanted(
        text=asking.text("q"), group=asking.text("group"), tag=asking.text("tag"), enabled=enabled, ids=ids, last_status=last
    )
