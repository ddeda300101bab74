"""The versions of a task as a tab of its page, and the way back to one; what a version holds is judged in tasks."""

from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler.errors import Conflict, Invalid
from scheduler.tasks import queries, revisions
from scheduler.tasks.models import Task
from scheduler.web import access, audit_words, failures
from scheduler.web.rendering import toast

PAGE = 20
LAST = 1000

pages = Blueprint("task_versions", __name__, url_prefix="/tasks/<int:task_id>/revisions")


def contents(task: Task, _now: object) -> dict[str, Any]:
    """A page of versions, each with what it changed, and the ways to newer and older ones."""
    number = min(max(request.args.get("page", 1, type=int), 1), LAST)
    first = (number - 1) * PAGE
    found, total = revisions.listed(task, first, PAGE + 1)
    steps = revisions.steps(access.current_actor(), task, found)[:PAGE]
    return {
        "steps": steps,
        "newer_url": _turn(task, number - 1) if number > 1 else "",
        "older_url": _turn(task, number + 1) if total > first + PAGE else "",
        "words": audit_words,
    }


@pages.post("/<int:number>/restore")
@access.allowed("task.edit")
def restore(task_id: int, number: int) -> ResponseReturnValue:
    """Make the task what it was at that version; refused when it has moved on since the page was shown."""
    actor = access.current_actor()
    task = queries.find(actor, task_id)
    seen = request.form.get("version", 0, type=int)
    try:
        revisions.restore(actor, task, number, seen)
    except (Invalid, Conflict) as error:
        toast(" ".join(failures.sentences(error).values()), "danger")
    else:
        toast(_("Version %(number)s is back, as a new version.", number=number))
    return redirect(url_for("task_page.show", reference=task_id, tab="versions"), 303)


def _turn(task: Task, number: int) -> str:
    return url_for("task_page.show", reference=task.id, tab="versions", page=number if number > 1 else None)
