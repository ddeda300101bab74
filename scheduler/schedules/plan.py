"""A schedule within its window: the one place that says when a task is due, for preview, timetable and catch-up alike."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from scheduler.schedules.base import Schedule

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule that begins not before `start_at` and ends with `end_at`, both included."""

    schedule: Schedule
    start_at: datetime | None = None
    end_at: datetime | None = None

    def next_after(self, moment: datetime) -> datetime | None:
        """The first due instant strictly after `moment`; None when there is none left."""
        start = _whole(self.start_at)
        if start is not None and moment < start:
            # An interval begins at its start; a calendar may be due at that very second, hence one before it.
            found = start if self.schedule.elapsed else self.schedule.next_after(start - SECOND)
        else:
            found = self.schedule.next_after(moment)
        return None if found is None or (self.end_at is not None and found > self.end_at) else found

    def instants(self, after: datetime) -> Iterator[datetime]:
        """Every due instant after `after`, in order, without end: take what you need."""
        found = self.next_after(after)
        while found is not None:
            yield found
            found = self.next_after(found)

    def upcoming(self, after: datetime, count: int) -> list[datetime]:
        """The next `count` due instants, or as many as there are."""
        return list(islice(self.instants(after), count))

    def between(self, after: datetime, until: datetime, limit: int) -> list[datetime]:
        """The due instants with `after` < t <= `until`, oldest first, at most `limit`."""
        return list(islice(takewhile(lambda instant: instant <= until, self.instants(after)), limit))

    def shortest_gap(self, after: datetime, samples: int = 60) -> float | None:
        """Seconds between the two nearest of the coming due instants; None when there are not two."""
        gap = self.schedule.shortest_gap(after, samples)
        return gap.total_seconds() if gap is not None else None


def _whole(moment: datetime | None) -> datetime | None:
    """`moment` in UTC, rounded up to a whole second."""
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(microsecond=0) + (SECOND if moment.microsecond else timedelta(0))
