"""The two schedules without a rhythm: once at a given time, and never by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from scheduler.errors import N_
from scheduler.schedules import values
from scheduler.schedules.base import Schedule, Translate
from scheduler.schedules.wall import WallSchedule, localized

YEARS = (1971, 2999)


@dataclass(frozen=True, slots=True)
class Once(WallSchedule):
    """Due at one time: a wall time of the task's zone, or an instant when an offset was given."""

    name: ClassVar[str] = "once"
    label: ClassVar[str] = N_("Once")

    at: datetime
    zone: ZoneInfo

    @classmethod
    def parse(cls, config: Mapping[str, Any], zone: ZoneInfo, seed: str = "") -> "Once":
        values.only(config, "at")
        return cls(read_moment(config.get("at"), "at"), zone)

    def next_wall(self, wall: datetime) -> datetime | None:
        return self.wall if self.wall > wall else None

    def next_after(self, moment: datetime) -> datetime | None:
        due = self.at if self.at.tzinfo else localized(self.at, self.zone)
        return due if due > moment else None

    @property
    def wall(self) -> datetime:
        """What the clock of its zone shows then."""
        return self.at if self.at.tzinfo is None else self.at.astimezone(self.zone).replace(tzinfo=None, fold=0)

    def config(self) -> dict[str, Any]:
        return {"at": self.at.isoformat().replace("+00:00", "Z")}

    def text(self) -> str:
        return f"@at {_short(self.at)}"

    def describe(self, _: Translate) -> str:
        return _(N_("Once, on %(date)s at %(time)s"), date=self.wall.date().isoformat(), time=values.clock_text(self.wall.time()))


@dataclass(frozen=True, slots=True)
class Manual(Schedule):
    """Never due: it runs when somebody, or another task, starts it."""

    name: ClassVar[str] = "manual"
    label: ClassVar[str] = N_("Manual only")

    @classmethod
    def parse(cls, config: Mapping[str, Any], zone: ZoneInfo, seed: str = "") -> "Manual":
        values.only(config)
        return cls()

    def next_after(self, moment: datetime) -> datetime | None:
        return None

    def config(self) -> dict[str, Any]:
        return {}

    def text(self) -> str:
        return "@manual"

    def describe(self, _: Translate) -> str:
        return _(N_("Only when started by hand"))


def read_moment(value: object, part: str) -> datetime:
    """An ISO 8601 date and time in whole seconds: naive as written, or in UTC when it has an offset."""
    if value is None or value == "":
        values.refuse(N_("This field is required."), part)
    try:
        found = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None:
        values.refuse(N_("“%(value)s” is not a date and time: write 2026-12-25T14:30."), part, value=values.shown(value))
    if not YEARS[0] <= found.year <= YEARS[1]:
        values.refuse(N_("Year %(value)s is outside %(low)s–%(high)s."), part, value=found.year, low=YEARS[0], high=YEARS[1])
    found = found.replace(microsecond=0)
    return found if found.tzinfo is None else found.astimezone(UTC)


def _short(moment: datetime) -> str:
    text = moment.isoformat(timespec="seconds" if moment.second else "minutes")
    return text.replace("+00:00", "Z")
