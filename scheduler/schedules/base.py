"""What every schedule is: a pure rule from an instant to the next one; no clock, no database and no engine here."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, available_timezones

from scheduler.errors import N_, Invalid

Translate = Callable[..., str]


class Schedule(ABC):
    """The rule of when a task is due; frozen, comparable, cheap to keep."""

    __slots__ = ()

    name: ClassVar[str]
    label: ClassVar[str]
    elapsed: ClassVar[bool] = False
    """True when it counts time passed: it has no backlog after a pause, it goes on from now."""

    @classmethod
    @abstractmethod
    def parse(cls, config: Mapping[str, Any], zone: ZoneInfo, seed: str = "") -> "Schedule":
        """The schedule `config` describes; `Invalid` names each wrong part as `schedule_config.<part>`."""

    @abstractmethod
    def next_after(self, moment: datetime) -> datetime | None:
        """The first due instant strictly after `moment`, whole seconds in UTC; None when there is none."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """The canonical configuration, fit for JSON: parsing it gives an equal schedule."""

    @abstractmethod
    def text(self) -> str:
        """The short form for lists."""

    @abstractmethod
    def describe(self, _: Translate) -> str:
        """A sentence for people, in the language `_` translates to."""

    def expressions(self) -> list[str]:
        """The cron expressions it amounts to (due when any of them is); none when cron cannot say it."""
        return []

    def floor(self) -> timedelta | None:
        """A time no two due instants are nearer than, known without looking for them; None where it is not."""
        return None

    def shortest_gap(self, after: datetime, samples: int) -> timedelta | None:
        """The least time between two of the next `samples` due instants; None with fewer than two."""
        return least_step(self.next_after, after, samples)


def least_step(following: Callable[[datetime], datetime | None], start: datetime, samples: int) -> timedelta | None:
    """The least distance between neighbours in the chain `following` makes from `start`."""
    least: timedelta | None = None
    before = following(start)
    for _ in range(samples - 1):
        current = following(before) if before is not None else None
        if before is None or current is None:
            break
        least = current - before if least is None else min(least, current - before)
        before = current
    return least


def zone(name: str) -> ZoneInfo:
    """The time zone called `name`, as the tz database spells it."""
    text = N_("“%(value)s” is not a known time zone.")
    if not isinstance(name, str) or not name or name.startswith(("posix/", "right/")):
        raise Invalid.because(text, field="timezone", value=str(name)[:80])
    try:
        return _zone(name)
    except (KeyError, ValueError, OSError):  # not found; an unsafe path; a directory or a name too long
        raise Invalid.because(text, field="timezone", value=name[:80]) from None


@cache
def zone_names() -> tuple[str, ...]:
    """The names of all time zones, sorted; read from the disk once."""
    return tuple(sorted(available_timezones()))


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
