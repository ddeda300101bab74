"""Waiting in a request until a run is over: a few at a time, so that those who wait never keep the others from being served."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select

from scheduler.api import asking
from scheduler.config import settings
from scheduler.database import db
from scheduler.errors import N_, Throttled
from scheduler.runs.models import Run
from scheduler.runs.status import LIVE

LONGEST = 60  # seconds
STEP = 0.2
SHARE = 4  # of the server's threads one in so many may be held by somebody who waits

_places = threading.Lock()
_taken = 0


def asked() -> int:
    """For how many seconds `wait` asks; 0 when it is not there."""
    return asking.number("wait", 0, (0, LONGEST))


@contextmanager
def place(seconds: int) -> Iterator[None]:
    """Hold one of the places for those who wait, or none for whoever does not; `Throttled` when all are taken.

    Taken before anything is done, so that a refusal leaves nothing behind.
    """
    if not seconds:
        yield
        return
    _take()
    try:
        yield
    finally:
        _give_back()


def until_over(run_id: int, seconds: int) -> None:
    """Come back when the run is over or `seconds` have passed; no connection to the database is held in between."""
    for _ in range(int(seconds / STEP)):
        status = db.session.scalar(select(Run.status).where(Run.id == run_id))
        db.session.close()
        if status not in LIVE:
            return
        time.sleep(STEP)


def _take() -> None:
    global _taken
    with _places:
        if _taken >= max(1, settings().server.threads // SHARE):
            error = Throttled.because(
                N_("Too many requests wait for executions already: ask again without “wait”."), field="wait"
            )
            error.retry_after = 5
            raise error
        _taken += 1


def _give_back() -> None:
    global _taken
    with _places:
        _taken -= 1
