"""Tasks as a list shows them: how each stands, what may be done to it, and which of them an address asks for; no routes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlencode

from flask import g, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from jinja2.utils import LRUCache
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from scheduler import clock
from scheduler.accounts.permissions import Actor, can
from scheduler.errors import N_
from scheduler.kinds import kinds
from scheduler.runs import history
from scheduler.runs.models import Run
from scheduler.runs.status import FAILED, Status
from scheduler.schedules.base import Schedule
from scheduler.tasks import dependencies, queries
from scheduler.tasks.models import Task
from scheduler.tasks.queries import Wanted
from scheduler.web import access, formats, rendering, run_words, viewer

OVERDUE = timedelta(seconds=5)
GROUPS_OWN = N_("Content of the group")
STATUSES = ("", "running", "failed", "disabled", "never")
ACTS = ("task.enable", "task.stop", "task.run", "task.edit", "task.delete")
NAMES = ("q", "group", "type", "tag", "status")

_drawn = LRUCache(500)  # rows of the lists that are looked at: about 4 KB each


@dataclass(frozen=True)
class Row:
    """One task in the list."""

    task: Task
    live: Sequence[Run]
    actor: Actor
    after: Sequence[str] = ()

    @cached_property
    def run(self) -> Run | None:
        """The live run that says how the task stands: a running one before one that waits."""
        running = (run for run in self.live if run.status == Status.RUNNING)
        return next(running, self.live[0] if self.live else None)

    @property
    def status(self) -> str:
        """How it stands now, else how its last run ended."""
        if self.run is None:
            return self.task.last_status or "never"
        return run_words.standing(self.run)

    @property
    def passed(self) -> float | None:
        """Seconds since the run that is running began."""
        if self.run is None or self.run.status != Status.RUNNING or self.run.started_at is None:
            return None
        return (clock.now() - self.run.started_at).total_seconds()

    @property
    def expected(self) -> float | None:
        """Seconds a run takes on average."""
        return self.task.total_duration / self.task.total_count if self.task.total_count else None

    @property
    def kind(self) -> str:
        """What type of task it is, for people."""
        kind = self.task.kind
        return viewer.sentence(kinds.get(kind).label if kind and kind in kinds else GROUPS_OWN)

    @cached_property
    def schedule(self) -> Schedule:
        return queries.plan_of(self.task).schedule

    @property
    def sentence(self) -> str:
        """When it runs, in words."""
        return planned(self.schedule, self.after)

    @property
    def bars(self) -> list[tuple[str, float]]:
        """Its last runs: status, and height against the longest of them."""
        longest = max((seconds for _, seconds in self.task.recent), default=0) or 1
        return [(status, seconds / longest) for status, seconds in self.task.recent]

    @property
    def overdue(self) -> bool:
        """Whether it should have begun already."""
        due = self.task.next_run_at
        return due is not None and due < clock.now() - OVERDUE

    @property
    def log_path(self) -> str:
        """Where the run whose log is of interest is shown; empty when there was none."""
        run_id = self.run.id if self.run else self.task.last_run_id
        return f"{request.script_root}/runs/{run_id}" if run_id else ""

    @property
    def path(self) -> str:
        """The task's own page; what is done to it lies below."""
        return f"{request.script_root}/tasks/{self.task.id}"

    def may(self, action: str) -> bool:
        """Whether the viewer may do this to the task."""
        return can(self.actor, action, self.task)

    @cached_property
    def facts(self) -> tuple[object, ...]:
        """What decides how the row looks; a bar that moves is looked at anew each time."""
        task, run = self.task, self.run
        state = (run.id, run.status, run.attempts, run.cancel_count, int(self.passed or 0)) if run else None
        known = (task.id, task.version, task.updated_at, task.group.name, *self.after)
        last = (task.last_run_id, task.last_status, task.last_duration)
        return (*known, *last, task.next_run_at, self.overdue, state)

    def drawn(self, draw: Callable[["Row"], Markup]) -> Markup:
        """The row as `draw` makes it; one that looks as it did is not drawn again, which takes thirty times as long.

        Every viewer's list asks for its rows every few seconds, and of most of them nothing is new.
        """
        if self.passed is not None:
            return draw(self)
        task = self.task
        looks = (*_looks(), self.path, *map(self.may, ACTS))
        says = (task.name, task.enabled, self.kind, self.sentence, self.schedule.text(), *(tag.name for tag in task.tags))
        went = (repr(task.recent), formats.ago(task.last_started_at), formats.until(task.next_run_at))
        key = (looks, says, went, self.facts)
        known: Markup | None = _drawn.get(key)
        if known is None:
            known = _drawn[key] = draw(self)
        return known


@dataclass(frozen=True)
class Filters:
    """What the address asks for, as text for the form; `query` writes it back into links."""

    values: Mapping[str, str]

    @property
    def active(self) -> bool:
        """Whether anything narrows the list."""
        return any(self.values.values())

    def query(self, **changes: Any) -> str:
        """The query of a link to the same tasks, but for `changes`; the page is left out unless it is one of them."""
        kept = {name: str(value) for name, value in {**self.values, **changes}.items() if value}
        if kept.get("page") == "1":
            del kept["page"]
        return f"?{urlencode(kept)}" if kept else ""

    def wanted(self, running: frozenset[int]) -> Wanted:
        """The same as a question; `running` are the tasks that run now."""
        chip: Mapping[str, Mapping[str, Any]] = {
            "running": {"ids": running},
            "failed": {"last_status": frozenset(FAILED)},
            "disabled": {"enabled": False},
            "never": {"never_run": True},
        }
        given = self.values
        return Wanted(given["q"], given["group"], given["type"], given["tag"], **chip.get(given["status"], {}))


def _looks() -> tuple[str, ...]:
    """What decides how every row of an answer looks."""
    if "looks" not in g:
        g.looks = (viewer.language(), viewer.timezone().key, rendering.static_url("icons.svg"))
    found: tuple[str, ...] = g.looks
    return found


def filters(args: MultiDict[str, str]) -> Filters:
    """The filters in `args`; a status there is not says nothing."""
    values = {name: args.get(name, "").replace("\0", "").strip()[:200] for name in NAMES}
    return Filters(values | {"status": values["status"] if values["status"] in STATUSES else ""})


def made(actor: Actor, tasks: Iterable[Task]) -> list[Row]:
    """The rows of these tasks, by one question for what lives of them and one for what they wait for."""
    tasks = list(tasks)
    ids = [task.id for task in tasks]
    alive, after = (history.alive(ids), dependencies.names(ids, actor)) if ids else ({}, {})
    return [Row(task, alive.get(task.id, ()), actor, after[task.id]) for task in tasks]


def answer(task: Task) -> ResponseReturnValue:
    """After something was done to a task: its row for the list, or the way back for whoever came without htmx."""
    if not rendering.partial():
        return rendering.go(back(f"{request.script_root}/tasks/{task.id}"))
    [row] = made(access.current_actor(), [task])
    return rendering.render("tasks/_row.html", "tasks/_row.html", row=row)


def back(default: str) -> str:
    """Where the form that was sent says to go on to."""
    wish = request.values.get("next")
    return access.safe_next(wish) if wish else default


def here() -> str:
    """The page the viewer looks at while sending this, as a place to come back to."""
    shown = request.headers.get("HX-Current-URL", "").partition("://")[2].partition("/")
    return access.safe_next("".join(shown[1:])) if shown[1] else back(f"{request.script_root}/tasks")


def planned(schedule: Schedule, after: Sequence[str]) -> str:
    """When a task runs, in words; one that has no times of its own may wait for others."""
    if after and schedule.name == "manual":
        return str(gettext("After other tasks, or when started by hand"))
    return sentence(schedule, viewer.language())


@lru_cache(maxsize=20_000)
def sentence(schedule: Schedule, _language: str) -> str:
    """What a schedule says, in the viewer's language; remembered, because a list says the same again every few seconds."""
    return schedule.describe(gettext)
