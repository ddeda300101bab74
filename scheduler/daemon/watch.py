"""What a daemon knows of the time between two settlements: was somebody there, did the clock jump; judges nothing."""

import logging
from datetime import datetime, timedelta
from pathlib import Path

from scheduler import clock, heartbeat, nodes
from scheduler.runs.policy import Past

JUMP = timedelta(seconds=2)  # between the wall's clock and the steady one
NONE = timedelta(0)

_log = logging.getLogger("SchedulerEngine")


class Watch:
    """Remembers the last settlement: its own in memory, another's by the heartbeat it left."""

    def __init__(self, instance: Path) -> None:
        self._instance = instance
        self._last: tuple[datetime, float] | None = None

    def look(self, now: datetime) -> Past:
        """What is known of the time up to `now`."""
        beat = nodes.last_tick() if self._last is None else heartbeat.last(self._instance)
        if self._last is None or (beat is not None and beat - self._last[0] > JUMP):
            return Past(watched=beat, down=True)
        at, steady = self._last
        ahead = now - at - timedelta(seconds=clock.monotonic() - steady)
        if abs(ahead) > JUMP:
            _log.warning("event=clock_jumped seconds=%.0f", ahead.total_seconds())
        return Past(watched=at, jumped=ahead > JUMP, back=-ahead if ahead < -JUMP else NONE)

    def rested(self, now: datetime, steady: float) -> bool:
        """There was nothing to settle up to `now`, it seems; False, and nothing is noted, when the clock was set meanwhile.

        Asks no file: whoever rests leads all the while.
        """
        if self._last is None or abs(now - self._last[0] - timedelta(seconds=steady - self._last[1])) > JUMP:
            return False
        self._note(now, steady)
        return True

    def settled(self, now: datetime) -> None:
        """Everything up to `now` has its row."""
        self._note(now, clock.monotonic())

    def _note(self, now: datetime, steady: float) -> None:
        self._last = now, steady
        heartbeat.beat(self._instance, now)  # not later: a clock set forward meanwhile would look like another's beat
