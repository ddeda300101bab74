"""Doing one thing to many tasks: those that are ticked, or all the filters ask for; each by the verb for one task."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from scheduler.accounts.permissions import Actor
from scheduler.database import transaction
from scheduler.errors import N_, Invalid, SchedulerError
from scheduler.runs import history, ledger
from scheduler.runs.status import Status
from scheduler.tasks import definitions, queries, trash
from scheduler.tasks.models import Task
from scheduler.tasks.queries import Wanted
from scheduler.tasks.transfer import exchange
from scheduler.web import access, failures, importing, rendering, task_rows
from scheduler.web.rendering import Link, render, toast
from scheduler.web.trash import Confirm, kept_sentence, losses

BATCH = 100  # in one transaction: the clock gets its turn in between
MOST = 20_000
MOST_UNDONE = 200  # their numbers travel in a cookie

pages = Blueprint("bulk", __name__)


@dataclass(frozen=True)
class Action:
    """What can be done to many: the verb, what is said of so many, what takes it back, whether to ask, who has had it already."""

    verb: Callable[[Actor, int], object]
    told: Callable[[int], str]
    undo: str = ""
    asks: bool = False
    done: Callable[[Task], bool] = lambda task: False


def _run(actor: Actor, task_id: int) -> None:
    ledger.request(actor, queries.find(actor, task_id))


ACTIONS: dict[str, Action] = {
    "enable": Action(
        definitions.enable,
        lambda n: ngettext("One task was enabled.", "%(num)s tasks were enabled.", n),
        undo="disable",
        done=lambda task: task.enabled,
    ),
    "disable": Action(
        definitions.disable,
        lambda n: ngettext("One task was disabled.", "%(num)s tasks were disabled.", n),
        undo="enable",
        done=lambda task: not task.enabled,
    ),
    "run": Action(_run, lambda n: ngettext("One task begins to run.", "%(num)s tasks begin to run.", n)),
    "delete": Action(
        trash.remove,
        lambda n: ngettext("One task was deleted.", "%(num)s tasks were deleted.", n),
        undo="restore",
        asks=True,
    ),
    "restore": Action(trash.restore, lambda n: ngettext("One task is back, disabled.", "%(num)s tasks are back, disabled.", n)),
}


@pages.post("/tasks/bulk")
@access.allowed("task.enable")
def apply() -> ResponseReturnValue:
    """Do it to all that were chosen and sum up what became of it; before deleting, ask."""
    name = request.values.get("action", "")
    if name == "export":
        return _export()
    action = ACTIONS.get(name)
    if action is None:
        raise Invalid.because(N_("There is no such action."), field="action")
    actor = access.current_actor()
    ids = _chosen(actor, action)
    if not ids:
        toast(_("Nothing to do: no task was selected, or all of them are like that already."), "info")
    elif action.asks and "sure" not in request.form:
        return _ask(actor, ids)
    else:
        _tell(action, *_done(actor, action, ids))
    return rendering.go(task_rows.back(url_for("tasks.index")))


def _export() -> ResponseReturnValue:
    """Those that were chosen, as a file."""
    actor = access.current_actor()
    ids = frozenset(_chosen(actor, Action(queries.find, str)))
    if not ids:
        toast(_("Nothing to do: no task was selected, or all of them are like that already."), "info")
        return rendering.go(task_rows.back(url_for("tasks.index")))
    return importing.as_file(exchange.written(actor, "yaml", ids), "yaml")


def _chosen(actor: Actor, action: Action) -> list[int]:
    """The numbers of the tasks it is to be done to."""
    ticked = {int(one) for part in request.values.getlist("ids") for one in part.split(",") if one.isdecimal() and len(one) < 19}
    if action.verb is trash.restore:
        return sorted(ticked)
    if "all" in request.values:
        wanted = task_rows.filters(request.values).wanted(history.tasks_with(Status.RUNNING))
    else:
        wanted = Wanted(ids=frozenset(ticked))
    return [task.id for task in queries.listed(actor, wanted, 0, MOST)[0] if not action.done(task)]


def _done(actor: Actor, action: Action, ids: Sequence[int]) -> tuple[list[int], list[str]]:
    """Those it was done to, and why the others were left as they are."""
    done: list[int] = []
    refused: list[str] = []
    for batch in _batches(ids):
        with transaction() as session:
            for task_id in batch:
                try:
                    with session.begin_nested():
                        action.verb(actor, task_id)
                except SchedulerError as error:
                    refused += failures.sentences(error).values()
                else:
                    done.append(task_id)
    return done, refused


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def _tell(action: Action, done: Sequence[int], refused: Sequence[str]) -> None:
    undo = None
    if action.undo and 0 < len(done) <= MOST_UNDONE:
        back = task_rows.back(url_for("tasks.index"))
        address = url_for("bulk.apply", action=action.undo, ids=",".join(map(str, done)), next=back)
        undo = Link(_("Undo"), address, post=True)
    if done:
        toast(action.told(len(done)), link=undo)
    if refused:
        reason = " ".join(dict.fromkeys(refused))[:300]
        told = ngettext(
            "One task was left as it is: %(reason)s",
            "%(num)s tasks were left as they are: %(reason)s",
            len(refused),
            reason=reason,
        )
        toast(told, "warning")


def _ask(actor: Actor, ids: Sequence[int]) -> ResponseReturnValue:
    tasks = queries.listed(actor, Wanted(ids=frozenset(ids)), 0, MOST)[0]
    back = task_rows.back(url_for("tasks.index"))
    names = [_("“%(name)s”", name=task.name) for task in tasks[:5]]
    shown = _("%(names)s and others", names=_(", ").join(names)) if len(tasks) > len(names) else _(", ").join(names)
    confirm = Confirm(
        title=ngettext("Delete one task?", "Delete %(num)s tasks?", len(tasks)),
        text=f"{shown} {kept_sentence()}",
        action=url_for("bulk.apply"),
        verb=_("Delete"),
        cancel_url=back,
        losses=losses(sum(task.total_count for task in tasks), sum(map(len, history.alive(ids).values()))),
        fields={"action": "delete", "sure": "1", "ids": ",".join(map(str, ids)), "next": back},
    )
    return render("confirm.html", "_confirm.html", confirm=confirm, in_dialog=rendering.partial())
