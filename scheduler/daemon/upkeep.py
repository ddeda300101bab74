"""The loops that have the housekeeping done, where a daemon leads and where one follows; what is done is said in runs."""

import logging
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from flask import Flask

from scheduler import clock
from scheduler.daemon.loop import Loop
from scheduler.execution.protocol import is_locked
from scheduler.runs import disk, orphans, tally, upkeep
from scheduler.runs.retention import BREATH, Stopped

PACE = 2.0  # seconds between being woken and a look: what woke us may be an instant that is due, and comes first
FOLD = 60.0  # seconds between two times finished runs are added to the totals
LEAP = timedelta(days=7)  # since the last clean-up, of which there is one a day: then the clock is in doubt
CALM = 86400.0  # seconds it is watched before anything is deleted on its word
PARTS = 20  # of them at one look; of a large backlog the rest waits for the next

_log = logging.getLogger("Upkeep")


class Housekeeper:
    """Looks whether there is anything to be done, and stops in the middle of it when told to."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._folded = -FOLD
        self._doubted: float | None = None
        self._loop = Loop(app, _log, "upkeep", self._look, PACE)

    def start(self) -> None:
        """Begin; before the next run gets its number, make sure that no folder has that already."""
        with self._app.app_context():
            self._prepare()
        self._loop.start()

    def wake(self) -> None:
        """Somebody has written: may have asked for it, say."""
        self._loop.wake()

    def stop(self) -> None:
        """Leave what is being done where it is, between two transactions."""
        self._loop.stop(10)

    def _prepare(self) -> None:
        orphans.outrun_folders()
        upkeep.recover()

    def _look(self) -> float | None:
        """Do what there is; 0 when there may be more."""
        now = clock.now()
        record = upkeep.take(now, by_itself=not self._doubts(now))
        if record is not None:
            upkeep.perform(record, self._rest, busy)
            return 0.0
        if clock.monotonic() - self._folded < FOLD:
            return None
        if self._fold():
            return 0.0
        self._folded = clock.monotonic()
        return None

    def _doubts(self, now: datetime) -> bool:
        """Whether it is rather the clock that is wrong: one set a year ahead must not delete a year's history the same night."""
        last = upkeep.last_begun()
        if last is None or now - last <= LEAP:
            self._doubted = None
            return False
        if self._doubted is None:
            self._doubted = clock.monotonic()
            _log.warning("event=clock_doubted last_clean_up=%s waits_hours=%.0f", last.isoformat(), CALM / 3600)
        return clock.monotonic() - self._doubted < CALM

    def _fold(self) -> bool:
        """Add finished runs to the totals; whether there are more."""
        return all(tally.fold() and not self._loop.pause(BREATH) for _ in range(PARTS))

    def _rest(self, seconds: float) -> None:
        if self._loop.pause(seconds):
            raise Stopped


class Sweeper(Housekeeper):
    """Cleans the folders of this node while a daemon of another one leads: what is in the database is that one's business."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        self._due = clock.now()

    def _prepare(self) -> None:
        orphans.outrun_folders()

    def _look(self) -> float | None:
        now = clock.now()
        if now >= self._due:
            self._due = upkeep.next_due(now)
            with suppress(Stopped):  # then it is done by whoever comes next
                upkeep.sweep(now, self._rest, busy)
        return None


def busy(run: Path) -> bool:
    """Whether a supervisor lives in one of the run's attempts, whatever the database says of it."""
    return any(is_locked(run / str(number)) for number in disk.numbered(run))
