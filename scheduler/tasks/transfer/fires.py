"""Which due instants of the next days a change adds and which it takes away; bounded, and it says where it stopped counting."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from scheduler.schedules.plan import Plan

DAYS = 14
MOST_EACH = 1000  # instants of one plan that are looked at
MOST_IN_ALL = 100_000
SHOWN = 3


@dataclass(frozen=True)
class Fires:
    """How many due instants come and go, and the first few; with `more` there are more than were looked at."""

    gained: int = 0
    lost: int = 0
    first_gained: list[datetime] = field(default_factory=list)
    first_lost: list[datetime] = field(default_factory=list)
    more: bool = False


@dataclass(frozen=True)
class Timing:
    """A plan that is in force from its next instant on, and how many instants it may still have."""

    plan: Plan
    room: int | None = None


class Counter:
    """Counts for many tasks; the same plan is looked at once."""

    def __init__(self, now: datetime) -> None:
        self.now, self.until = now, now + timedelta(days=DAYS)
        self.left = MOST_IN_ALL
        self._known: dict[Plan, list[datetime]] = {}

    def compare(self, before: Timing | None, after: Timing | None) -> Fires:
        """What is gained and lost from one timing to the other; None is never due."""
        if before == after:
            return Fires()
        one, other = self._instants(before), self._instants(after)
        if one is None or other is None:
            return Fires(more=True)
        lost, gained = sorted(set(one) - set(other)), sorted(set(other) - set(one))
        more = MOST_EACH in (len(one), len(other))
        if more and one and other:  # beyond the last of the shorter list nothing can be compared
            end = min(found[-1] for found in (one, other) if len(found) == MOST_EACH)
            lost, gained = _up_to(lost, end), _up_to(gained, end)
        return Fires(len(gained), len(lost), gained[:SHOWN], lost[:SHOWN], more)

    def _instants(self, timing: Timing | None) -> list[datetime] | None:
        if timing is None:
            return []
        if timing.plan not in self._known:
            if self.left <= 0:
                return None
            found = timing.plan.between(self.now, self.until, MOST_EACH)
            self.left -= len(found) + 1
            self._known[timing.plan] = found
        return self._known[timing.plan][: timing.room]


def total(found: Iterable[Fires]) -> Fires:
    """All of them together, without instants."""
    listed = list(found)
    return Fires(sum(one.gained for one in listed), sum(one.lost for one in listed), more=any(one.more for one in listed))


def _up_to(instants: list[datetime], end: datetime) -> list[datetime]:
    return [instant for instant in instants if instant <= end]
