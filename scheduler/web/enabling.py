"""Enabling a task and disabling it, each with the way back."""

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler.tasks import definitions
from scheduler.web import access, task_rows
from scheduler.web.rendering import Link, toast

pages = Blueprint("enabling", __name__, url_prefix="/tasks/<int:task_id>")


@pages.post("/enable")
@access.allowed("task.enable")
def enable(task_id: int) -> ResponseReturnValue:
    """Let its schedule fire again."""
    task = definitions.enable(access.current_actor(), task_id)
    toast(_("“%(name)s” is enabled.", name=task.name), link=_undo("enabling.disable", task_id))
    return task_rows.answer(task)


@pages.post("/disable")
@access.allowed("task.enable")
def disable(task_id: int) -> ResponseReturnValue:
    """Let its schedule rest."""
    task = definitions.disable(access.current_actor(), task_id)
    toast(_("“%(name)s” is disabled.", name=task.name), link=_undo("enabling.enable", task_id))
    return task_rows.answer(task)


def _undo(endpoint: str, task_id: int) -> Link:
    return Link(_("Undo"), url_for(endpoint, task_id=task_id, next=task_rows.here()), post=True)
