"""Tells a daemon in another process of this machine at once what it would find by itself within a second; carries no content."""

from pathlib import Path

from flask import Flask

from scheduler.config import settings
from scheduler.execution.protocol import DAEMON_SOCKET
from scheduler.execution.sockets import Doorbell
from scheduler.runs import lifecycle

EDITED = b"edited"  # a task was created or changed
QUEUED = b"queued"  # a run waits
STOP = b"stop"  # a run shall stop


class Bell:
    """Hears the signals of a process in which no daemon works, and rings at the socket of the one that does.

    A daemon on another machine is not reached: it looks once a second.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._path: Path = settings().instance / DAEMON_SOCKET
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._doorbell = Doorbell(self._path)

    def task_changed(self, task_id: int) -> None:
        """A task was created or edited."""
        self._doorbell.ring(EDITED)

    def task_removed(self, task_id: int) -> None:
        """A task went to the trash: its runs end."""
        with self._app.app_context():
            lifecycle.cancel_all(task_id, "", "deleted")

    def run_waits(self, run_ids: list[int]) -> None:
        """Runs were queued, or ended, so that a slot is free."""
        self._doorbell.ring(QUEUED)

    def stop_asked(self, run_ids: list[int]) -> None:
        """Somebody wants these runs to stop."""
        self._doorbell.ring(STOP)
