"""Saying in the engine's log that something goes on failing: the first time whole, then once a minute; mends nothing."""

import logging

from scheduler import clock
from scheduler.errors import Unavailable

AGAIN = 60.0  # seconds after which what still fails is said again


class Quiet:
    """What one loop has said of its failures: a full disk would else fill the console with one traceback each second."""

    def __init__(self, log: logging.Logger, event: str) -> None:
        self._log = log
        self._event = event
        self._said: dict[str, float] = {}
        self._failed: set[str] = set()

    def failed(self, step: str, error: Exception) -> None:
        """Tell of a failure unless the same one was told a moment ago."""
        key, now = f"{step} {type(error).__name__}", clock.monotonic()
        self._failed.add(step)
        if now - self._said.get(key, -AGAIN) < AGAIN:
            return
        self._said[key] = now
        if isinstance(error, Unavailable):
            self._log.error("event=%s step=%s storage=%s cause=%r", self._event, step, type(error).__name__, error.__cause__)
        else:
            self._log.error("event=%s step=%s", self._event, step, exc_info=error)

    def worked(self, step: str) -> None:
        """Tell that what failed goes again."""
        if step in self._failed:
            self._failed.discard(step)
            self._said = {key: at for key, at in self._said.items() if not key.startswith(f"{step} ")}
            self._log.info("event=recovered step=%s", step)
