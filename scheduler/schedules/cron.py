"""When a cron expression is due: Debian's semantics, croniter searching on the wall clock; the grammar lives in expression.py."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

from scheduler.errors import N_
from scheduler.schedules import sentences, values
from scheduler.schedules.base import Translate, least_step
from scheduler.schedules.expression import Expression, expression, tidy
from scheduler.schedules.wall import WallSchedule, due

# Any moment will do to ask whether an expression fires at all; one in the past serves tasks of every age.
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
NEVER = N_("This schedule never fires: no date fits it.")


@dataclass(frozen=True, slots=True)
class Cron(WallSchedule):
    """A cron expression in a zone."""

    name: ClassVar[str] = "cron"
    label: ClassVar[str] = N_("Cron")

    source: str
    expression: Expression
    zone: ZoneInfo

    @classmethod
    def parse(cls, config: Mapping[str, Any], zone: ZoneInfo, seed: str = "") -> "Cron":
        values.only(config, "cron")
        source = tidy(config.get("cron"))
        schedule = cls(source, expression(source, seed), zone)
        if not _plainly_fires(schedule.expression) and schedule.next_after(LONG_AGO) is None:
            values.refuse(NEVER)
        return schedule

    @property
    def wildcard(self) -> bool:
        return self.expression.wildcard

    def next_wall(self, wall: datetime) -> datetime | None:
        return _next_wall(self.expression.machine, wall)

    def next_after(self, moment: datetime) -> datetime | None:
        return _due(self.expression.machine, self.expression.wildcard, self.zone, moment)

    def config(self) -> dict[str, Any]:
        return {"cron": self.source}

    def expressions(self) -> list[str]:
        return [self.expression.text]

    def text(self) -> str:
        return self.source

    def describe(self, _: Translate) -> str:
        return sentences.cron(_, self.expression)

    def floor(self) -> timedelta | None:
        inside, across = _gap_within_a_day(self.expression), timedelta(days=1) - _span(self.expression)
        return across if inside is None else min(inside, across)

    def shortest_gap(self, after: datetime, samples: int) -> timedelta | None:
        """Also within one day, where a sample could stop short of the narrowest pair."""
        start = after.astimezone(self.zone).replace(tzinfo=None, microsecond=0)
        gaps = [least_step(self.next_wall, start, samples), _gap_within_a_day(self.expression)]
        return min((gap for gap in gaps if gap is not None), default=None)


@lru_cache(maxsize=512)
def _engine(machine: str) -> Any:
    # `implement_cron_bug` is Debian's rule: a day field that begins with a star narrows the other one instead of widening it.
    return croniter(machine, datetime(2000, 1, 1), implement_cron_bug=True, second_at_beginning=True)


def _next_wall(machine: str, wall: datetime) -> datetime | None:
    # A copy, because croniter writes its position into itself and threads share what is cached.
    engine = copy.copy(_engine(machine))
    try:
        found: datetime = engine.get_next(datetime, start_time=wall)
    except CroniterBadDateError:
        return None
    return found


@lru_cache(maxsize=4096)
def _due(machine: str, wildcard: bool, zone: ZoneInfo, moment: datetime) -> datetime | None:
    # Remembered because at a wake-up many tasks ask the same: the same expression, the same instant.
    return due(partial(_next_wall, machine), zone, wildcard, moment)


def _plainly_fires(found: Expression) -> bool:
    """Whether no search is needed to know that it fires: a day that every month has, times no gap can swallow."""
    special = found.weekday.nth or found.day.nearest
    every_month = found.day.last or any(day <= 28 for day in found.day.values)
    return not special and every_month and (not found.wildcard or len(found.hour.values) == 24)


def _gap_within_a_day(found: Expression) -> timedelta | None:
    seconds, minutes, hours = (sorted(part.values) for part in (found.second, found.minute, found.hour))
    steps = _steps(seconds, 1)
    steps += [step - (seconds[-1] - seconds[0]) for step in _steps(minutes, 60)]
    inside = (minutes[-1] - minutes[0]) * 60 + seconds[-1] - seconds[0]
    steps += [step - inside for step in _steps(hours, 3600)]
    return timedelta(seconds=min(steps)) if steps else None


def _span(found: Expression) -> timedelta:
    """From the first time of a day to its last."""
    seconds, minutes, hours = (found.second.values, found.minute.values, found.hour.values)
    first, last = (timedelta(hours=pick(hours), minutes=pick(minutes), seconds=pick(seconds)) for pick in (min, max))
    return last - first


def _steps(numbers: list[int], unit: int) -> list[int]:
    return [(later - earlier) * unit for earlier, later in pairwise(numbers)]
