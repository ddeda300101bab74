"""Which runs an address asks for, read from its query and written back into links; what is found is history's business."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from scheduler import clock
from scheduler.accounts.permissions import Actor
from scheduler.errors import N_
from scheduler.runs.history import Wanted
from scheduler.runs.status import Cause, Status
from scheduler.tasks import queries
from scheduler.tasks.models import Task
from scheduler.web import viewer
from scheduler.web.looks import STATUS

FAILED = frozenset({Status.TECHNICAL_FAILURE, Status.TIMEOUT, Status.LOST})
CHIPS: Mapping[str, frozenset[str]] = {
    "": frozenset(),
    Status.RUNNING: frozenset({Status.RUNNING}),
    Status.PENDING: frozenset({Status.PENDING}),
    "failed": FAILED,
    Status.BUSINESS_FAILURE: frozenset({Status.BUSINESS_FAILURE}),
    Status.SUCCESS: frozenset({Status.SUCCESS}),
    Status.CANCELLED: frozenset({Status.CANCELLED}),
    Status.MISSED: frozenset({Status.MISSED}),
    Status.SKIPPED: frozenset({Status.SKIPPED}),
}
RANGES: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
RANGE_WORDS: Mapping[str, str] = {
    "any": N_("Any time"),
    "1h": N_("Last hour"),
    "24h": N_("Last 24 hours"),
    "7d": N_("Last 7 days"),
    "30d": N_("Last 30 days"),
    "custom": N_("From … to …"),
}
NAMES = ("status", "q", "cause", "range", "since", "until", "task")


@dataclass(frozen=True)
class Filters:
    """What was asked, as text for the form, and the same as a question for history."""

    values: Mapping[str, str]
    wanted: Wanted
    task: Task | None = None
    places: Mapping[str, int] = field(default_factory=dict)  # before or after which run

    def query(self, **changes: Any) -> str:
        """The query of a link to the same runs, but for `changes`; where in the list one stood is left out."""
        kept = {**self.values, **{name: str(value) for name, value in changes.items()}}
        kept = {name: value for name, value in kept.items() if value}
        return f"?{urlencode(kept)}" if kept else ""

    @property
    def active(self) -> bool:
        """Whether anything narrows the list."""
        return any(self.values.values())

    @property
    def newest(self) -> bool:
        """Whether this is the page that new runs appear on."""
        return not self.places and self.wanted.until is None


def read(args: MultiDict[str, str], actor: Actor) -> Filters:
    """The filters in `args`; what makes no sense says nothing, a task not for this actor is `NotFound`."""
    values = {name: args.get(name, "").replace("\0", "").strip()[:200] for name in NAMES}
    values["status"] = values["status"] if values["status"] in CHIPS or values["status"] in set(Status) else ""
    values["cause"] = values["cause"] if values["cause"] in set(Cause) else ""
    since, until = _period(values)
    task = queries.find(actor, values["task"]) if values["task"] else None
    wanted = Wanted(
        task_id=task.id if task else None,
        statuses=CHIPS.get(values["status"], frozenset({values["status"]})),
        cause=values["cause"],
        text=values["q"],
        since=since,
        until=until,
    )
    return Filters(values, wanted, task, place(args))


def place(args: MultiDict[str, str]) -> dict[str, int]:
    """Where in the list: `before` or `after` which run, when the address says so."""
    for name in ("after", "before"):
        found = args.get(name, type=int)
        if found is not None and 0 <= found < 2**62:
            return {name: found}
    return {}


def chips(chosen: str) -> list[tuple[str, str]]:
    """The statuses to choose from, with their words; a rarer one that was asked for is among them."""
    words = {"": gettext("All"), "failed": gettext("Failed")}
    keys = [*CHIPS, *([chosen] if chosen not in CHIPS else [])]
    return [(key, words.get(key) or STATUS[key].word) for key in keys]


def _period(values: dict[str, str]) -> tuple[datetime | None, datetime | None]:
    """From when to when; a named period makes the two date fields say nothing, and they it when it is not one."""
    if values["range"] in RANGES or values["range"] == "any":
        values["since"] = values["until"] = ""
    if values["range"] in RANGES:
        return clock.now() - RANGES[values["range"]], None
    since, until = _moment(values["since"]), _moment(values["until"])
    values["range"] = "custom" if since or until or values["range"] == "custom" else ""
    return since, until


def _moment(text: str) -> datetime | None:
    """What a date field holds, on the viewer's clock."""
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found.replace(tzinfo=viewer.timezone()) if found and found.tzinfo is None else found
