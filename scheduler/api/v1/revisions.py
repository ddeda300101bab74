"""The versions of a task: which there are, what one holds, how it differs from another, and going back to one."""

from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel

from scheduler import gate
from scheduler.api import asking, bodies, described
from scheduler.api.answers import done, page
from scheduler.api.described import Shape
from scheduler.api.times import shown
from scheduler.api.v1 import answer_models, questions, shapes
from scheduler.api.v1.versions import matched, tagged
from scheduler.errors import N_
from scheduler.tasks import queries, revisions
from scheduler.tasks.models import TaskRevision

calls = Blueprint("v1_revisions", __name__, url_prefix="/v1/scheduler/tasks/<task_id>/revisions")


class Revision(Shape):
    """Who made a version, when, and by which act."""

    version: int
    at: str
    by: str
    action: str


class Change(Shape):
    """A field that differs, before and after."""

    field: str
    before: Any
    after: Any


class Whole(Revision):
    """A version whole, and how it differs from another: the one before unless told."""

    values: dict[str, Any]
    compared_with: int | None
    changes: list[Change]


class Against(BaseModel):
    """The version to compare with."""

    against: int | None = None


@calls.get("")
@described.call(asks=questions.Pages, answers=Revision, form="page", refuses=(404,))
@gate.allowed("task.see")
def listed(task_id: str) -> Response:
    """The versions, newest first; the first of them is how the task is now."""
    paging = asking.paging()
    found, total = revisions.listed(queries.find(gate.current_actor(), task_id), paging.first, paging.size)
    return page([_shape(one) for one in found], total, paging)


@calls.get("/<int:number>")
@described.call(asks=Against, answers=Whole, refuses=(404,))
@gate.allowed("task.see")
def one(task_id: str, number: int) -> Response:
    """One version, and what became different from another one to it."""
    actor = gate.current_actor()
    task = queries.find(actor, task_id)
    wanted = revisions.found(task, number)
    against = asking.number("against", 0, (1, 2**31 - 1))
    other = revisions.found(task, against) if against else revisions.before(task, number)
    found = revisions.compared(actor, task, other, wanted) if other else []
    changes = [{"field": one.field, "before": one.before, "after": one.after} for one in found]
    rest = {"compared_with": other.version if other else None, "changes": changes}
    return done(_shape(wanted) | {"values": revisions.shown(actor, task, wanted)} | rest)


@calls.post("/<int:number>/restore")
@described.call(answers=answer_models.Task, refuses=(404, 409), headers=("If-Match",), sends=("ETag",))
@gate.allowed("task.edit")
def restore(task_id: str, number: int) -> Response:
    """Make the task what it was then, as a new version; whether it is enabled stays as it is."""
    bodies.nothing()
    actor = gate.current_actor()
    task = revisions.restore(actor, queries.find(actor, task_id), number, matched())
    return tagged(done(shapes.task(actor, task), N_("The version is restored.")), task.version)


def _shape(revision: TaskRevision) -> dict[str, Any]:
    return {"version": revision.version, "at": shown(revision.at), "by": revision.actor_name, "action": revision.action}
