"""The calendar schedules: given times on every day, on weekdays, on days of the month, or on one day of the year."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from scheduler.errors import N_
from scheduler.schedules import sentences, values
from scheduler.schedules.base import Schedule, Translate
from scheduler.schedules.wall import WallSchedule

LAST = 32
"""The day “last” in a list of days of the month: it sorts after the 31st."""
MISSING = ("last", "skip")
NEVER = N_("This schedule never fires: month %(month)s has no day %(day)s.")


class Calendar(WallSchedule):
    """Due at each of `times` on each of its dates."""

    __slots__ = ()

    times: tuple[time, ...]

    @abstractmethod
    def dates(self, start: date) -> Iterator[date]:
        """Its dates from `start` on, at least the first two, in order."""

    @abstractmethod
    def day_columns(self) -> list[str]:
        """The last three columns of the cron expressions it amounts to."""

    def next_wall(self, wall: datetime) -> datetime | None:
        walls = (datetime.combine(day, clock) for day in self.dates(wall.date()) for clock in self.times)
        return next((found for found in walls if found > wall), None)

    def expressions(self) -> list[str]:
        return [f"{clock} {days}" for days in self.day_columns() for clock in clock_columns(self.times)]

    def text(self) -> str:
        return "; ".join(self.expressions())

    def times_config(self) -> list[str]:
        return [values.clock_text(moment) for moment in self.times]


@dataclass(frozen=True, slots=True)
class Daily(Calendar):
    """Every day."""

    name: ClassVar[str] = "daily"
    label: ClassVar[str] = N_("Daily")

    times: tuple[time, ...]
    zone: ZoneInfo

    @classmethod
    def parse(cls, config: Mapping[str, Any], zone: ZoneInfo, seed: str = "") -> "Daily":
        values.only(config, "times")
        return cls(values.times(config.get("times")), zone)

    def dates(self, start: date) -> Iterator[date]:
        yield from (start, start + timedelta(days=1))

    def day_columns(self) -> list[str]:
        return ["* * *"]

    def config(self) -> dict[str, Any]:
        return {"times": self.times_config()}

    def describe(self, _: Translate) -> str:
        return sentences.at_times(_, self.times)


@dataclass(frozen=True, slots=True)
class Weekly(Calendar):
    """On given weekdays; 0 is Monday."""

    name: ClassVar[str] = "weekly"
    label: ClassVar[str] = N_("Weekly")

    days: tuple[int, ...]
    times: tuple[time, ...]
    zone: ZoneInfo

    @classmethod
    def parse(cls, config: Mapping[str, Any], zone: ZoneInfo, seed: str = "") -> "Weekly":
        values.only(config, "days", "times")
        return cls(values.weekdays(config.get("days")), values.times(config.get("times")), zone)

    def dates(self, start: date) -> Iterator[date]:
        week = (start + timedelta(days=number) for number in range(8))
        return (day for day in week if day.weekday() in self.days)

    def day_columns(self) -> list[str]:
        return [f"* * {sentences.ranges(sorted((day + 1) % 7 for day in self.days))}" if len(self.days) < 7 else "* * *"]

    def config(self) -> dict[str, Any]:
        return {"days": [values.WEEKDAYS[day] for day in self.days], "times": self.times_config()}

    def describe(self, _: Translate) -> str:
        return sentences.at_times(_, self.times, sentences.weekdays(_, {(day + 1) % 7 for day in self.days}))


@dataclass(frozen=True, slots=True)
class Monthly(Calendar):
    """On given days of the month; `missing` settles what a day means that a month lacks."""

    name: ClassVar[str] = "monthly"
    label: ClassVar[str] = N_("Monthly")

    days: tuple[int, ...]
    times: tuple[time, ...]
    missing: Literal["last", "skip"]
    zone: ZoneInfo

    @classmethod
    def parse(cls, config: Mapping[str, Any], zone: ZoneInfo, seed: str = "") -> "Monthly":
        values.only(config, "days", "times", "missing")
        days = tuple(sorted({_month_day(item) for item in values.many(config.get("days"), "days")}))
        return cls(days, values.times(config.get("times")), _missing(config), zone)

    def dates(self, start: date) -> Iterator[date]:
        for number in range(5):
            year, month = divmod(start.year * 12 + start.month - 1 + number, 12)
            found = {day_in_month(year, month + 1, day, self.missing) for day in self.days}
            yield from sorted(day for day in found if day is not None and day >= start)

    def day_columns(self) -> list[str]:
        if self.missing == "last" and 31 in self.days:
            # The 31st or else the last day is the last day.
            return [f"{_days_text({LAST if day == 31 else day for day in self.days})} * *"]
        usual = f"{_days_text(set(self.days))} * *"
        short = self.missing == "last" and LAST not in self.days and any(day > 28 for day in self.days)
        return [usual, "L 2 *"] if short else [usual]

    def config(self) -> dict[str, Any]:
        days = ["last" if day == LAST else day for day in self.days]
        return {"days": days, "times": self.times_config(), "missing": self.missing}

    def describe(self, _: Translate) -> str:
        days = {day for day in self.days if day != LAST}
        sentence = sentences.at_times(_, self.times, sentences.month_days(_, days, LAST in self.days, None))
        return sentences.with_missing(_, sentence, self.missing) if any(day > 28 for day in days) else sentence


@dataclass(frozen=True, slots=True)
class Yearly(Calendar):
    """On one day of one month; `missing` settles 29 February and the like."""

    name: ClassVar[str] = "yearly"
    label: ClassVar[str] = N_("Yearly")

    month: int
    day: int
    times: tuple[time, ...]
    missing: Literal["last", "skip"]
    zone: ZoneInfo

    @classmethod
    def parse(cls, config: Mapping[str, Any], zone: ZoneInfo, seed: str = "") -> "Yearly":
        values.only(config, "month", "day", "times", "missing")
        month = values.month(config.get("month"))
        day = values.whole(config.get("day"), "day", (1, 31), values.DAY_OUTSIDE)
        found = cls(month, day, values.times(config.get("times")), _missing(config), zone)
        if found.missing == "skip" and day_in_month(2000, month, day, "skip") is None:
            values.refuse(NEVER, "day", month=month, day=day)
        return found

    def dates(self, start: date) -> Iterator[date]:
        for year in range(start.year, start.year + 10):
            found = day_in_month(year, self.month, self.day, self.missing)
            if found is not None and found >= start:
                yield found

    def day_columns(self) -> list[str]:
        # Day 29 exists in some Februaries only; where the last day stands in for it, it is the last day in all of them.
        last = self.missing == "last" and self.day >= _longest(self.month)
        return [f"{'L' if last else self.day} {self.month} *"]

    def config(self) -> dict[str, Any]:
        return {"month": self.month, "day": self.day, "times": self.times_config(), "missing": self.missing}

    def describe(self, _: Translate) -> str:
        always_last = self.day > _longest(self.month)
        days = sentences.month_days(_, set() if always_last else {self.day}, always_last, {self.month})
        sentence = sentences.at_times(_, self.times, days)
        leap = (self.month, self.day) == (2, 29)
        return sentences.with_missing(_, sentence, self.missing, yearly=True) if leap else sentence


def day_in_month(year: int, month: int, day: int, missing: str) -> date | None:
    """That day of that month, or what stands in for it: the last day, or nothing."""
    last = _longest(month) - (month == 2 and not (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)))
    if day <= last:
        return date(year, month, day)
    return date(year, month, last) if missing == "last" or day == LAST else None


def clock_columns(times: tuple[time, ...]) -> list[str]:
    """The leading columns (minute and hour, or second too) of the fewest cron expressions that name exactly `times`."""
    seconds = any(moment.second for moment in times)
    by_hour: dict[tuple[tuple[int, int], ...], list[int]] = {}
    for hour, group in groupby(times, key=lambda moment: moment.hour):
        by_hour.setdefault(tuple((moment.second, moment.minute) for moment in group), []).append(hour)
    found = []
    for inside, hours in by_hour.items():
        for second, minutes in _by_second(inside).items():
            columns = [sentences.ranges(minutes), sentences.ranges(hours)]
            found.append(" ".join([str(second), *columns] if seconds else columns))
    return found


def _by_second(inside: tuple[tuple[int, int], ...]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for second, minute in inside:
        found.setdefault(second, []).append(minute)
    return found


def _days_text(days: set[int]) -> str:
    plain = sentences.ranges(sorted(days - {LAST}))
    return ",".join([plain] * bool(plain) + ["L"] * (LAST in days))


def _month_day(value: object) -> int:
    if isinstance(value, str) and value.strip().lower() in ("last", "l"):
        return LAST
    return values.whole(value, "days", (1, 31), values.DAY_OUTSIDE)


def _missing(config: Mapping[str, Any]) -> Literal["last", "skip"]:
    return "skip" if values.choice(config.get("missing", "last"), "missing", MISSING) == "skip" else "last"


def _longest(month: int) -> int:
    return 29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31


FAMILY: tuple[type[Schedule], ...] = (Daily, Weekly, Monthly, Yearly)
