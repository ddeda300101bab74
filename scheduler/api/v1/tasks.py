"""Tasks: make one, list them, look at one, change it, delete it."""

from typing import Any

from flask import Blueprint, Response

from scheduler import gate
from scheduler.accounts.permissions import Actor
from scheduler.api import asking, bodies, described, idempotency
from scheduler.api.answers import done, page
from scheduler.api.times import shown
from scheduler.api.v1 import questions, shapes, task_bodies
from scheduler.api.v1.answer_models import Task, TaskInFull
from scheduler.api.v1.statuses import ASKED
from scheduler.api.v1.task_models import NewTask, TaskChanges
from scheduler.api.v1.versions import matched, tagged
from scheduler.errors import N_
from scheduler.kinds import kinds
from scheduler.runs import history
from scheduler.runs.status import Status
from scheduler.tasks import definitions, once, queries, trash
from scheduler.tasks.queries import Wanted

calls = Blueprint("v1_tasks", __name__, url_prefix="/v1/scheduler/tasks")


@calls.post("")
@described.call(takes=NewTask, answers=Task, refuses=(409,), headers=("Idempotency-Key",))
@gate.allowed("task.create")
def create() -> Response:
    """A new task. The same `Idempotency-Key` again answers the task it made."""
    actor = gate.current_actor()
    values = task_bodies.new()
    with task_bodies.as_spelled():
        task = once.create(actor, values, idempotency.key())
    return done(shapes.task(actor, task), N_("The task is created."))


@calls.get("")
@described.call(asks=questions.Tasks, answers=Task, form="page")
@gate.allowed("task.see")
def listed() -> Response:
    """The tasks one may see, by name."""
    actor = gate.current_actor()
    paging = asking.paging()
    found, total = queries.listed(actor, _wanted(actor), paging.first, paging.size)
    return page(shapes.tasks(actor, found), total, paging)


@calls.get("/<task_id>")
@described.call(answers=TaskInFull, refuses=(404,), sends=("ETag",))
@gate.allowed("task.see")
def one(task_id: str) -> Response:
    """One task, with how its runs went; its version is its ETag."""
    actor = gate.current_actor()
    task = queries.find(actor, task_id)
    summary = shapes.counters(task) | {"last_success": shown(task.last_success_at), "last_failure": shown(task.last_failure_at)}
    return tagged(done(shapes.task(actor, task) | {"execution_summary": summary}), task.version)


@calls.put("/<task_id>")
@described.call(takes=TaskChanges, answers=Task, refuses=(404, 409), headers=("If-Match",), sends=("ETag",))
@gate.allowed("task.edit")
def update(task_id: str) -> Response:
    """Change what the body names and leave the rest."""
    actor = gate.current_actor()
    task = queries.find(actor, task_id)
    values, version = task_bodies.changes(task)
    with task_bodies.as_spelled():
        task = definitions.edit(actor, task.id, values, version if version is not None else matched())
    return tagged(done(shapes.task(actor, task), N_("The task is changed.")), task.version)


@calls.delete("/<task_id>")
@described.call(refuses=(404,))
@gate.allowed("task.delete")
def delete(task_id: str) -> Response:
    """Move it to the trash; its runs are stopped."""
    bodies.nothing()
    actor = gate.current_actor()
    trash.remove(actor, queries.find(actor, task_id).id)
    return done(None, N_("The task is deleted."))


def _wanted(actor: Actor) -> Wanted:
    status = asking.word("status", ASKED)
    return Wanted(
        text=asking.text("q"),
        group=_group_key(actor, asking.text("group") or asking.text("project_id")),
        kind=asking.word("type", kinds.names),
        tag=asking.text("tag"),
        enabled=asking.flag("is_active"),
        **_standing(status),
    )


def _standing(status: str) -> dict[str, Any]:
    """RUNNING and PENDING are the task's own; any other word is how its last run ended."""
    if not status:
        return {}
    running = history.tasks_with(Status.RUNNING)
    known = {"RUNNING": {"ids": running}, "PENDING": {"except_ids": running}}
    return known.get(status) or {"last_status": ASKED[status]}


def _group_key(actor: Actor, wanted: str) -> str:
    """The key of the group asked for by number; anything else is a key already."""
    return next((group.key for group in queries.groups(actor) if str(group.id) == wanted), wanted) if wanted else ""
