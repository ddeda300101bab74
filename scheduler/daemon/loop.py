"""A thread that looks when it is woken and rests in between; knows nothing of what it looks at, nor of who wakes it."""

import logging
import threading
from collections.abc import Callable

from flask import Flask

from scheduler.daemon.quiet import Quiet

ALONE = 90.0  # seconds after which one looks that nobody woke; the timetable wakes all of them more often than that
AGAIN = 1.0  # seconds after a look that failed


class Loop:
    """Looks once at the beginning, then whenever it is woken, and when the last look said that there would be more to do.

    Whoever wakes it need not wait, and any number of them that come during one look lead to one more.
    """

    def __init__(self, app: Flask, log: logging.Logger, name: str, look: Callable[[], float | None], breath: float = 0.0) -> None:
        """`look` answers in how many seconds there is more to do by itself, None if never; `breath` seconds come before each."""
        self._app = app
        self._name = name
        self._look = look
        self._breath = breath
        self._quiet = Quiet(log, f"{name}_failed")
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There may be something to see."""
        self._woken.set()

    def stop(self, patience: float) -> None:
        """Look no more; a look that goes on is waited for, so many seconds."""
        self._stopping.set()
        self._woken.set()
        if self._thread.ident is not None:
            self._thread.join(patience)

    def pause(self, seconds: float) -> bool:
        """Wait in the middle of a look; whether it shall end now."""
        return self._stopping.wait(seconds)

    def _run(self) -> None:
        seconds: float | None = 0.0
        while not self._stopping.is_set():
            if seconds != 0:
                self._woken.wait(ALONE if seconds is None else min(seconds, ALONE))
            if self._stopping.wait(self._breath):
                return
            self._woken.clear()
            seconds = self._looked()

    def _looked(self) -> float | None:
        """What the look says; no failure ends the thread."""
        try:
            with self._app.app_context():
                seconds = self._look()
        except Exception as error:
            self._quiet.failed(self._name, error)
            self._stopping.wait(AGAIN)
            return 0.0
        self._quiet.worked(self._name)
        return seconds
