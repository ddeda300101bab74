"""What a schedule will do, for every door alike: its next runs, what is odd about them, or why it is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from scheduler import clock
from scheduler.errors import N_, Invalid, Problem
from scheduler.schedules import parse, spellings, values, wall, zone
from scheduler.schedules.calendar import Monthly, Yearly, day_in_month
from scheduler.schedules.cron import NEVER, Cron
from scheduler.schedules.expression import Expression
from scheduler.schedules.once import Manual, Once
from scheduler.schedules.plan import Plan
from scheduler.schedules.wall import WallSchedule

MOST = 1000
Note = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Ask:
    """A schedule to look at, in any documented spelling, and how far to look."""

    kind: str
    config: Any
    timezone: str
    start_at: datetime | None = None
    end_at: datetime | None = None
    max_runs: int | None = None
    count: int = 5
    after: datetime | None = None
    seed: str = ""


@dataclass(frozen=True)
class Occurrence:
    """One due instant, on the task's clock too, with a sentence when a clock change touched it."""

    utc: datetime
    local: datetime
    note: Note | None = None


@dataclass(frozen=True)
class Preview:
    """A schedule that is fit to be saved, and its next runs."""

    plan: Plan
    kind: str
    cron: str | None
    runs: list[Occurrence]
    warnings: list[Problem]


def preview(ask: Ask) -> Preview:
    """What `ask` would do; `Invalid` for what may not be saved, above all what never fires."""
    kind, config = spellings.read(ask.kind, ask.config)
    plan = Plan(parse(kind, config, ask.timezone, ask.seed), ask.start_at, ask.end_at)
    _check_window(ask)
    after = ask.after if ask.after is not None else clock.now()
    refuse_never(plan, after)
    count = min(max(ask.count, 1), MOST, ask.max_runs or MOST)
    runs = occurrences(plan, plan.upcoming(after, count), zone(ask.timezone))
    cron = "; ".join(plan.schedule.expressions()) or None
    return Preview(plan, kind, cron, runs, warnings(plan, after))


def refuse_never(plan: Plan, after: datetime) -> None:
    """Refuse a plan with nothing due after `after`, and say why; a manual task is never due and fine."""
    if isinstance(plan.schedule, Manual) or plan.next_after(after) is not None:
        return
    if isinstance(plan.schedule, Once) and plan.schedule.next_after(after) is None:
        values.refuse(N_("That time has passed: the task would never run."), "at")
    if plan.schedule.next_after(after) is None:
        values.refuse(NEVER)
    raise Invalid.because(N_("Nothing is due before the end: the task would never run."), field="end_at")


def occurrences(plan: Plan, due: Sequence[datetime], here: ZoneInfo) -> list[Occurrence]:
    """These due instants, which follow each other, on the task's clock, with what clock changes did to them."""
    schedule = plan.schedule
    if not isinstance(schedule, WallSchedule) or (isinstance(schedule, Once) and schedule.at.tzinfo is not None):
        return [Occurrence(utc, utc.astimezone(here)) for utc in due]
    notes = [_changed(schedule, utc, here) for utc in due]
    left_out = [None, *(_left_out(schedule, *both, here) for both in pairwise(due))]
    noted = zip(due, notes, left_out, strict=False)
    return [Occurrence(utc, utc.astimezone(here), changed or left) for utc, changed, left in noted]


def _changed(schedule: WallSchedule, utc: datetime, here: ZoneInfo) -> Note | None:
    """What a clock change did to one due instant."""
    local = utc.astimezone(here)
    shown = local.replace(tzinfo=None, fold=0)
    before = (utc - wall.SECOND).astimezone(here)
    if (local.utcoffset() or timedelta(0)) > (before.utcoffset() or timedelta(0)):
        planned = schedule.next_wall(before.replace(tzinfo=None, fold=0))
        if planned is not None and planned < shown and schedule.next_wall(shown - wall.SECOND) != shown:
            return N_("moved from %(time)s, a time that does not exist on that day"), {"time": values.clock_text(planned.time())}
    first, second = wall.offsets(shown, here)
    if first <= second:
        return None
    if local.fold:
        return N_("second pass of a repeated hour"), {}
    if schedule.wildcard:
        return N_("first pass of a repeated hour"), {}
    return N_("this time comes twice; only the first one counts"), {}


def _left_out(schedule: WallSchedule, previous: datetime, utc: datetime, here: ZoneInfo) -> Note | None:
    """A time between the two that a clock set forward swallowed, where the wait became longer for it."""
    before, shown = (one.astimezone(here).replace(tzinfo=None, fold=0) for one in (previous, utc))
    planned = schedule.next_wall(before)
    if planned is None or planned >= shown or utc - previous <= planned - before:
        return None
    given = {"time": values.clock_text(planned.time()), "day": planned.date().isoformat()}
    return N_("%(time)s on %(day)s does not exist and is left out"), given


def warnings(plan: Plan, after: datetime) -> list[Problem]:
    """What is allowed but perhaps not meant."""
    found: list[Problem] = []
    gap = plan.shortest_gap(after)
    if gap is not None and gap <= 1:
        found.append(Problem(values.ROOT, N_("This fires every second.")))
    schedule = plan.schedule
    if isinstance(schedule, Cron):
        found += _cron_warnings(schedule.expression)
    elif isinstance(schedule, Monthly) and schedule.missing == "skip":
        found += _skipped(max((day for day in schedule.days if day <= 31), default=0))
    elif isinstance(schedule, Yearly) and day_in_month(2001, schedule.month, schedule.day, "skip") is None:
        found += _skipped(schedule.day) if schedule.missing == "skip" else []
    return found


def _check_window(ask: Ask) -> None:
    if ask.start_at is not None and ask.end_at is not None and ask.end_at <= ask.start_at:
        raise Invalid.because(N_("The end must be later than the start."), field="end_at")
    if ask.max_runs is not None and ask.max_runs < 1:
        raise Invalid.because(N_("The number of runs must be at least 1."), field="max_runs")


def _cron_warnings(found: Expression) -> list[Problem]:
    warned: list[Problem] = []
    if found.either and not found.weekday.nth and len(found.weekday.values) < 7 and len(found.day.values) < 31:
        text = N_("It fires when the day of the month fits or the weekday does, not only when both do.")
        warned.append(Problem(f"{values.ROOT}.weekday", text))
    for part, size, text in (
        (found.minute, 60, N_("60 is not a multiple of %(step)s: the last step in each hour is shorter.")),
        (found.hour, 24, N_("24 is not a multiple of %(step)s: the last step in each day is shorter.")),
    ):
        step = int(part.text[2:]) if part.text.startswith("*/") and part.text[2:].isdigit() else 1
        if size % step and step < size:
            warned.append(Problem(values.ROOT, text, {"step": step}))
    if found.day.values and min(found.day.values) > 28 and not found.day.last and found.weekday.star:
        warned += _skipped(max(found.day.values)) if len(found.month.values) > 1 or found.month.values == {2} else []
    return warned


def _skipped(day: int) -> list[Problem]:
    text = N_("Months without day %(day)s are skipped.")
    return [Problem(f"{values.ROOT}.day", text, {"day": day})] if day > 28 else []
