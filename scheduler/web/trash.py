"""Deleting a task, after asking; the trash, and the way back out of it."""

from dataclasses import dataclass, field
from datetime import timedelta

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from scheduler.accounts.permissions import require
from scheduler.config import settings
from scheduler.runs import history
from scheduler.runs.history import Wanted
from scheduler.tasks import dependencies, queries
from scheduler.tasks import trash as verbs
from scheduler.web import access, rendering, task_rows
from scheduler.web.rendering import Link, render, toast

pages = Blueprint("trash", __name__)


@dataclass(frozen=True)
class Confirm:
    """A question before something is lost."""

    title: str
    text: str
    action: str
    verb: str
    cancel_url: str
    losses: list[str]
    fields: dict[str, str] = field(default_factory=dict)


@pages.get("/tasks/<int:task_id>/delete")
@access.allowed("task.delete")
def ask(task_id: int) -> ResponseReturnValue:
    """Ask first: by name, and with what goes along."""
    actor = access.current_actor()
    task = queries.find(actor, task_id)
    require(actor, "task.delete", task)
    count = history.numbered(actor, Wanted(task_id=task.id), 0, 1)[1]
    alive = len(history.alive([task.id]).get(task.id, ()))
    confirm = Confirm(
        title=_("Delete “%(name)s”?", name=task.name),
        text=kept_sentence(),
        action=url_for("trash.delete", task_id=task.id),
        verb=_("Delete"),
        cancel_url=task_rows.here(),
        losses=[*losses(count, alive), *_waiting([one.name for one in dependencies.dependants(actor, task)])],
        fields={"next": request.args.get("next", "")},
    )
    return render("confirm.html", "_confirm.html", confirm=confirm, in_dialog=rendering.partial())


@pages.post("/tasks/<int:task_id>/delete")
@access.allowed("task.delete")
def delete(task_id: int) -> ResponseReturnValue:
    """Move it to the trash, with the way back."""
    task = verbs.remove(access.current_actor(), task_id)
    undo = Link(_("Undo"), url_for("trash.restore", task_id=task.id, next=url_for("tasks.index")), post=True)
    toast(_("“%(name)s” was deleted.", name=task.name), link=undo)
    return rendering.go(task_rows.back(url_for("tasks.index")))


@pages.get("/trash")
@access.allowed("task.delete")
def index() -> ResponseReturnValue:
    """What could be brought back, and until when."""
    tasks = verbs.deleted(access.current_actor())
    return render("tasks/trash.html", tasks=tasks, days=timedelta(days=settings().history.trash_days))


@pages.post("/trash/<int:task_id>/restore")
@access.allowed("task.delete")
def restore(task_id: int) -> ResponseReturnValue:
    """Bring it back, disabled."""
    task = verbs.restore(access.current_actor(), task_id)
    toast(_("“%(name)s” is back. It is disabled until you enable it.", name=task.name))
    return rendering.go(task_rows.back(url_for("trash.index")))


def kept_sentence() -> str:
    """How long what is deleted can be brought back."""
    days = settings().history.trash_days
    text: str = ngettext(
        "It can be restored from the trash for a day.", "It can be restored from the trash for %(num)s days.", days
    )
    return text


def losses(count: int, alive: int) -> list[str]:
    """What goes along with the tasks that are deleted."""
    found = []
    if count:
        found.append(ngettext("One run and its log leave the lists.", "%(num)s runs and their logs leave the lists.", count))
    if alive:
        found.append(
            ngettext("One run that waits or runs now is stopped.", "%(num)s runs that wait or run now are stopped.", alive)
        )
    return found


def _waiting(names: list[str]) -> list[str]:
    """What becomes of those that wait for it."""
    if not names:
        return []
    text = ngettext(
        "One task waits for it: %(names)s.", "%(num)s tasks wait for it: %(names)s.", len(names), names=_(", ").join(names)
    )
    return [text, _("It counts no more for them.")]
