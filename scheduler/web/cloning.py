"""Cloning a task: the question for its name, and the copy, which begins disabled."""

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler.accounts.permissions import require
from scheduler.errors import Conflict, Invalid
from scheduler.gate import status_of
from scheduler.tasks import definitions, queries
from scheduler.web import access, failures
from scheduler.web.rendering import render, toast

pages = Blueprint("cloning", __name__, url_prefix="/tasks/<int:task_id>/clone")


@pages.get("")
@access.allowed("task.create")
def ask(task_id: int) -> ResponseReturnValue:
    """Ask what the copy is to be called."""
    actor = access.current_actor()
    task = queries.find(actor, task_id)
    require(actor, "task.edit", task)
    return render("tasks/clone.html", task=task, name=_("%(name)s (copy)", name=task.name), errors={})


@pages.post("")
@access.allowed("task.create")
def clone(task_id: int) -> ResponseReturnValue:
    """Make the copy and open it."""
    actor, name = access.current_actor(), request.form.get("name", "")
    task = queries.find(actor, task_id)
    try:
        copy = definitions.clone(actor, task_id, name)
    except (Invalid, Conflict) as error:
        page = render("tasks/clone.html", task=task, name=name, errors=failures.sentences(error))
        return page, 422 if isinstance(error, Invalid) else status_of(error)
    toast(_("“%(name)s” was created. It is disabled until you enable it.", name=copy.name))
    return redirect(url_for("task_editing.edit", task_id=copy.id), 303)
