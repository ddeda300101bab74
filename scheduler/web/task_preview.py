"""The card beside the form of a task: what its schedule would do, or what was the last one that could be read."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext, ngettext
from pydantic import BaseModel, Field, ValidationError

from scheduler.accounts.permissions import Actor
from scheduler.config import settings
from scheduler.errors import Invalid, Problem
from scheduler.schedules import preview, zone
from scheduler.schedules.preview import Ask, Preview
from scheduler.tasks import drafts, queries, wording
from scheduler.validation import problems
from scheduler.web import formats, task_controls, task_forms, viewer
from scheduler.web.controls import Typed
from scheduler.web.task_fixes import Fix, for_crowd

FEW, MANY = 5, 20
NOTEWORTHY = 3  # other tasks at the same instant
VALID = "schedule_valid"
WINDOW = tuple(control.name for control in task_controls.WINDOW if control.name != "timezone")


class Asked(BaseModel):
    """A schedule as the form says it; a time without an offset is one of the task's zone."""

    kind: str
    config: Any
    timezone: str
    seed: str
    start_at: datetime | None = None
    end_at: datetime | None = None
    max_runs: int | None = Field(None, ge=1, le=1_000_000_000)

    def ask(self, count: int) -> Ask:
        """The question to the schedules."""
        here = zone(self.timezone)
        start, end = (
            moment.replace(tzinfo=here) if moment is not None and moment.tzinfo is None else moment
            for moment in (self.start_at, self.end_at)
        )
        return Ask(self.kind, self.config, self.timezone, start, end, self.max_runs, count, seed=self.seed)


@dataclass
class Card:
    """What the card shows; `problems` are why the schedule is refused, and then the rest is of the last valid one."""

    found: Preview | None = None
    valid: str = ""
    count: int = FEW
    problems: list[Problem] = field(default_factory=list)
    notices: list[tuple[str, str]] = field(default_factory=list)  # tone and sentence
    elsewhere: Fix | None = None  # a time at which fewer begin

    @property
    def sentence(self) -> str:
        """What the schedule says, in the viewer's language."""
        return self.found.plan.schedule.describe(gettext) if self.found else ""

    @property
    def more(self) -> bool:
        """Whether there is more to show than is shown."""
        return self.found is not None and self.count < MANY and len(self.found.runs) == self.count


def card(actor: Actor, form: Typed, task_id: int | None = None) -> Card:
    """The card for what stands in the form; a form with a wrong schedule carries the last right one with it."""
    count = MANY if form.get("fires") == str(MANY) else FEW
    try:
        asked = _asked(form)
        found = preview.preview(asked.ask(count))
        drafts.refuse_too_often(found.plan)
        crowded, notices = _notices(actor, found, task_id)
        return Card(found, asked.model_dump_json(), count, [], notices, for_crowd(actor, form, found) if crowded else None)
    except Invalid as error:
        return _last_valid(form.get(VALID, ""), list(error.problems), count)


def _asked(form: Typed) -> Asked:
    window = {name: form.get(name, "").strip() or None for name in WINDOW}
    try:
        return Asked(
            kind=form.get("schedule_type", ""),
            config=task_forms.config(form),
            timezone=form.get("timezone", "").strip() or settings().engine.timezone,
            seed=form.get("key", "").strip() or wording.key_from(form.get("name", "")),
            **window,
        )
    except ValidationError as error:
        raise Invalid(problems(error)) from error


def _last_valid(kept: str, found: list[Problem], count: int) -> Card:
    """The card for the schedule the form carries along; it went through the browser and may be anything."""
    try:
        asked = Asked.model_validate_json(kept[:10_000])
        return Card(preview.preview(asked.ask(count)), kept, count, found)
    except (Invalid, ValidationError):
        return Card(problems=found)


def _notices(actor: Actor, found: Preview, task_id: int | None) -> tuple[bool, list[tuple[str, str]]]:
    """Whether many others begin at the same time, and what is worth knowing about a schedule that is fine."""
    said = [("warn", str(gettext(one.text, **one.params))) for one in found.warnings]
    if not found.runs:
        return False, said
    first = found.runs[0]
    others, limit = queries.due_at(actor, first.utc, task_id), most_at_once()
    crowded = others >= NOTEWORTHY or others >= limit
    if crowded:
        text = ngettext(
            "One other task begins at %(time)s too (at most %(limit)s run at once).",
            "%(num)s other tasks begin at %(time)s too (at most %(limit)s run at once).",
            others,
            time=f"{first.local:%H:%M}",
            limit=limit,
        )
        said.insert(0, ("warn" if others >= limit else "idle", str(text)))
    return crowded, [*said, *_elsewhere(first.utc, found)]


def most_at_once() -> int:
    """How many runs this installation starts at the same time."""
    return settings().most_at_once


def _elsewhere(first: datetime, found: Preview) -> list[tuple[str, str]]:
    """The first run on the viewer's clock, where that shows another time than the task's."""
    yours, theirs = viewer.timezone(), found.runs[0].local.tzinfo
    if not isinstance(theirs, ZoneInfo) or first.astimezone(yours).utcoffset() == first.astimezone(theirs).utcoffset():
        return []
    time = formats.absolute(first, "weekday", yours)
    return [("info", str(gettext("In your zone %(zone)s the first run is at %(time)s.", zone=yours.key, time=time)))]
