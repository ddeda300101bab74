"""From wall-clock times to instants across clock changes, as Debian's cron does; which wall times are due is said elsewhere."""

from abc import abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from scheduler.schedules.base import Schedule, least_step

SECOND = timedelta(seconds=1)
# A rule whose every wall time falls in a gap (the last Sunday of March, 02:30) would search for ever.
TRIES = 40
FIRST, LAST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9900, 1, 1, tzinfo=UTC)

NextWall = Callable[[datetime], datetime | None]


def offsets(wall: datetime, zone: ZoneInfo) -> tuple[timedelta, timedelta]:
    """The offsets of `wall` read first and second: equal as a rule, the first smaller in a gap and larger in an overlap."""
    here = wall.replace(tzinfo=zone)
    first, second = here.utcoffset(), here.replace(fold=1).utcoffset()
    return first or timedelta(0), second or timedelta(0)


def change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The instant in (`low`, `high`] at which the clock of `zone` changes, given that it does."""
    start = low.astimezone(zone).utcoffset()
    left, right = 0, int((high - low).total_seconds())
    while right - left > 1:
        middle = (left + right) // 2
        if (low + middle * SECOND).astimezone(zone).utcoffset() == start:
            left = middle
        else:
            right = middle
    return low + right * SECOND


def instant(wall: datetime, offset: timedelta) -> datetime:
    """The instant at which a clock `offset` ahead of UTC shows `wall`."""
    return (wall - offset).replace(tzinfo=UTC)


def localized(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant of one wall time: right after the gap when it does not exist, the first pass when it comes twice."""
    first, second = offsets(wall, zone)
    if first < second:
        return change(zone, instant(wall, second), instant(wall, first))
    return instant(wall, first)


def due(following: NextWall, zone: ZoneInfo, wildcard: bool, moment: datetime) -> datetime | None:
    """The first due instant after `moment`, when `following` gives the next due wall time after a wall time.

    A fixed time in a gap is due right after the gap, in an overlap in its first pass only. A `wildcard` rule follows
    elapsed time: nothing is made up for a gap, and an overlap is due in both passes.
    """
    if moment >= LAST:
        return None
    moment = max(moment, FIRST)
    wall: datetime | None = _search_from(following, zone, wildcard, moment)
    for _ in range(TRIES):
        wall = following(wall) if wall is not None else None
        if wall is None or wall.year >= LAST.year:
            return None
        first, second = offsets(wall, zone)
        if first < second:
            moved = change(zone, instant(wall, second), instant(wall, first))
            if not wildcard and moved > moment:
                return moved
            wall = (moved + second).replace(tzinfo=None) - SECOND
            continue
        if instant(wall, first) > moment:
            return instant(wall, first)
        if wildcard and instant(wall, second) > moment:
            return instant(wall, second)
    return None


def _search_from(following: NextWall, zone: ZoneInfo, wildcard: bool, moment: datetime) -> datetime:
    """The wall time after which to look: that of `moment`, but beside the part of an overlap that is not due (again)."""
    local = moment.astimezone(zone)
    wall = local.replace(tzinfo=None, microsecond=0, fold=0)
    first, second = offsets(wall, zone)
    if first <= second or wildcard == bool(local.fold):
        return wall
    turn = change(zone, instant(wall, first), instant(wall, second))
    if not wildcard:
        return (turn + first).replace(tzinfo=None) - SECOND
    coming = following(wall)
    if coming is not None and instant(coming, first) < turn:
        return wall
    return (turn + second).replace(tzinfo=None) - SECOND


class WallSchedule(Schedule):
    """A schedule of wall-clock times in its zone."""

    __slots__ = ()

    zone: ZoneInfo

    @property
    def wildcard(self) -> bool:
        """Whether it follows elapsed time when the clock changes."""
        return False

    @abstractmethod
    def next_wall(self, wall: datetime) -> datetime | None:
        """The first due wall time strictly after `wall`, both naive; None when there is none."""

    def next_after(self, moment: datetime) -> datetime | None:
        return due(self.next_wall, self.zone, self.wildcard, moment)

    def shortest_gap(self, after: datetime, samples: int) -> timedelta | None:
        """Measured on the wall clock, where no clock change squeezes two instants together."""
        return least_step(self.next_wall, after.astimezone(self.zone).replace(tzinfo=None, microsecond=0), samples)
