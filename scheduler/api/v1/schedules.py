"""What a schedule would do, before anything is saved: the same sentences, expressions and times the pages preview."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response
from pydantic import Field

from scheduler import gate
from scheduler.api import bodies, described, failures, times
from scheduler.api.answers import done
from scheduler.api.bodies import Body
from scheduler.api.described import Shape
from scheduler.api.language import LANGUAGES, said_in, say
from scheduler.config import settings
from scheduler.errors import Invalid
from scheduler.schedules import zone
from scheduler.schedules.preview import MOST, Ask, Occurrence, Preview, preview
from scheduler.tasks import drafts

calls = Blueprint("v1_schedules", __name__, url_prefix="/v1/scheduler/schedules")


class Wish(Body):
    """A schedule in any documented spelling, and how far to look."""

    schedule_type: str | None = None
    schedule_config: Any = None
    timezone: str | None = None
    start_at: str | None = None
    end_at: str | None = None
    max_runs: int | None = None
    count: int = Field(5, ge=1, le=MOST)
    after: str | None = None
    key: str | None = None


class Due(Shape):
    """A due instant, in UTC and on the task's clock, and what is odd about it."""

    utc: str
    local: str
    note: str | None


class Problem(Shape):
    """What is wrong with a field."""

    field: str
    message: str


class Look(Shape):
    """What the schedule would do, or what is wrong with it."""

    valid: bool
    kind: str | None
    cron: str | None
    description: dict[str, str]
    next_runs: list[Due]
    errors: list[Problem]


@calls.post("/preview")
@described.call(takes=Wish, answers=Look)
@gate.allowed("schedule.preview")
def look() -> Response:
    """The next runs of a schedule; that it is wrong is an answer here, not an error."""
    wish = bodies.read(Wish)
    try:
        found = preview(_ask(wish))
        drafts.refuse_too_often(found.plan)
    except Invalid as error:
        return done(_shape(wish, None) | {"errors": failures.sentences(error.problems)})
    return done(_shape(wish, found))


def occurrence(found: Occurrence) -> dict[str, Any]:
    """A due instant, in UTC and on the task's clock, and what is odd about it."""
    note = say(found.note[0], **found.note[1]) if found.note else None
    return {"utc": times.shown(found.utc), "local": found.local.isoformat(timespec="seconds"), "note": note}


def _ask(wish: Wish) -> Ask:
    name = wish.timezone or settings().engine.timezone
    here = zone(name)
    return Ask(
        kind=wish.schedule_type or "",
        config=wish.schedule_config,
        timezone=name,
        start_at=_moment(wish.start_at, "start_at", here),
        end_at=_moment(wish.end_at, "end_at", here),
        max_runs=wish.max_runs,
        count=wish.count,
        after=_moment(wish.after, "after", here),
        seed=wish.key or "",
    )


def _moment(text: str | None, field: str, here: ZoneInfo) -> datetime | None:
    return times.read(text, field, here) if text else None


def _shape(wish: Wish, found: Preview | None) -> dict[str, Any]:
    """All of the answer's keys, filled as far as the schedule can be read."""
    return {
        "valid": found is not None,
        "kind": wish.schedule_type or (found.kind.upper() if found else None),
        "cron": found.cron if found else None,
        "description": {language: _described(found, language) for language in LANGUAGES},
        "next_runs": [occurrence(run) for run in found.runs] if found else [],
        "errors": [],
    }


def _described(found: Preview | None, language: str) -> str:
    if found is None:
        return ""
    return found.plan.schedule.describe(lambda text, **params: said_in(language, text, **params))
