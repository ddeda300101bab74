"""Every so many seconds, minutes, hours or days of elapsed time; clock changes mean nothing to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from scheduler.errors import N_, Invalid
from scheduler.schedules import values
from scheduler.schedules.base import Schedule, Translate
from scheduler.schedules.wall import LAST

UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
LONGEST = 3660 * 86400

ONE = {
    "seconds": N_("Every second"),
    "minutes": N_("Every minute"),
    "hours": N_("Every hour"),
    "days": N_("Every 24 hours"),
}
MANY = {
    "seconds": N_("Every %(n)s seconds"),
    "minutes": N_("Every %(n)s minutes"),
    "hours": N_("Every %(n)s hours"),
    "days": N_("Every %(n)s days"),
}


@dataclass(frozen=True, slots=True)
class Interval(Schedule):
    """Due again once `interval` units have passed."""

    name: ClassVar[str] = "interval"
    label: ClassVar[str] = N_("Interval")
    elapsed: ClassVar[bool] = True

    interval: int
    unit: str

    @classmethod
    def parse(cls, config: Mapping[str, Any], zone: ZoneInfo, seed: str = "") -> "Interval":
        values.only(config, "interval", "unit")
        unit = values.choice(config.get("unit", "seconds"), "unit", UNITS)
        outside = N_("Interval %(value)s is outside %(low)s–%(high)s.")
        interval = values.whole(config.get("interval"), "interval", (1, LONGEST // UNITS[unit]), outside)
        return cls(interval, unit)

    @property
    def period(self) -> timedelta:
        return timedelta(seconds=self.interval * UNITS[self.unit])

    def next_after(self, moment: datetime) -> datetime | None:
        if moment >= LAST:
            return None
        return moment.astimezone(UTC).replace(microsecond=0) + self.period

    def config(self) -> dict[str, Any]:
        return {"interval": self.interval, "unit": self.unit}

    def text(self) -> str:
        return f"@every {self.interval}{self.unit[0]}"

    def describe(self, _: Translate) -> str:
        seconds = self.interval * UNITS[self.unit]
        unit = next(unit for unit in reversed(UNITS) if seconds % UNITS[unit] == 0)
        return _(ONE[unit]) if seconds == UNITS[unit] else _(MANY[unit], n=seconds // UNITS[unit])


def period(text: str) -> Interval:
    """The interval written short: `90` (seconds), `30s`, `5m`, `2h`, `1d`."""
    letters = {unit[0]: unit for unit in UNITS}
    letter = text[-1:].lower()
    number, unit = (text[:-1], letters[letter]) if letter in letters else (text, "seconds")
    if not (number.isascii() and number.isdigit()):
        sentence = N_("“%(value)s” is not an interval: write seconds, or a number with s, m, h or d.")
        raise Invalid.because(sentence, field="schedule_config.interval", value=text[:80])
    return Interval.parse({"interval": number, "unit": unit}, ZoneInfo("UTC"))
