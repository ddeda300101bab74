"""The only source of time in the product; tests swap it. Formatting of times lives with the edges."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What tells the time: an aware UTC instant, and seconds that never go backward."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    monotonic = staticmethod(time.monotonic)


_clock: Clock = SystemClock()


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return _clock.now()


def monotonic() -> float:
    """Seconds since an arbitrary start; only differences mean anything."""
    return _clock.monotonic()


def use(clock: Clock) -> Clock:
    """Tell the time by `clock` from now on; answers the one used before."""
    global _clock
    before, _clock = _clock, clock
    return before
