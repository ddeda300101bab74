"""The timetable's rest: what was seen stays so while nobody writes, and none need look again; knows nothing of what was seen."""

import sqlite3
import threading
from typing import Any

from scheduler import clock
from scheduler.database import db

LONGEST = 60.0  # seconds without a look, even though nobody seems to have written


class Changes:
    """Whether anybody has committed anything since this was asked last: to SQLite a question that costs next to nothing.

    PostgreSQL cannot tell: there the answer is always that somebody may have.
    """

    def __init__(self) -> None:
        engine = db.engine
        self._connection: sqlite3.Connection | None = None
        if engine.dialect.name == "sqlite":
            self._connection = sqlite3.connect(str(engine.url.database), check_same_thread=False)
        self._version: Any = None
        self._asking = threading.Lock()

    def any(self) -> bool:
        """True at first, then whenever another connection has committed."""
        if self._connection is None:
            return True
        with self._asking:
            before = self._version
            try:
                self._version = self._connection.execute("PRAGMA data_version").fetchone()
            except sqlite3.Error:  # busy, or closed: who looks himself will hear of it
                return True
            return bool(self._version != before)

    def close(self) -> None:
        """Hang up; from then on the answer is always that somebody may have."""
        with self._asking:  # SQLite does not survive a connection closed while another thread asks
            if self._connection is not None:
                self._connection.close()


class Rest:
    """Begun after a look, it holds until somebody commits something, or `LONGEST`. On PostgreSQL it never holds."""

    def __init__(self) -> None:
        """Within an app context: it opens a connection of its own."""
        self._changes = Changes()
        self._until = 0.0

    def begin(self) -> None:
        """There is nothing to see to, as far as was known when `holds` was last asked."""
        self._until = clock.monotonic() + LONGEST

    def holds(self, steady: float) -> bool:
        """Whether it goes on at this moment of the steady clock; it ends with the answer that it does not."""
        unwritten = not self._changes.any()
        if unwritten and self._until > steady:
            return True
        self._until = 0.0
        return False

    def close(self) -> None:
        """Let go of the connection; from then on it holds no more."""
        self._changes.close()
