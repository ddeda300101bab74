"""One daemon: waits until it may lead, then runs the timetable and the dispatcher until it is told to stop."""

import gc
import logging
import threading
from datetime import datetime

from flask import Flask

from scheduler.config import settings
from scheduler.daemon.dispatcher import Dispatcher
from scheduler.daemon.leader import Leadership
from scheduler.daemon.timetable import Timetable
from scheduler.daemon.watch import Watch
from scheduler.execution.engines import Engine, Local
from scheduler.runs import ledger, lifecycle

PATIENCE = 1.0  # seconds between tries to lead

_log = logging.getLogger("SchedulerEngine")


class Daemon:
    """The clock and the worker of one installation, in threads of this process."""

    def __init__(self, app: Flask, engine: Engine | None = None) -> None:
        self._app = app
        self._engine = engine or Local(settings().instance)
        self._leadership = Leadership(settings().instance / "run" / "daemon.lock")
        self._watch = Watch(settings().instance)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._lead, name="daemon", daemon=True)
        self._timetable: Timetable | None = None
        self._dispatcher: Dispatcher | None = None

    def start(self) -> None:
        """Begin as soon as no other daemon leads."""
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more and let another lead; what runs goes on under its supervisors."""
        self._stopping.set()
        self._thread.join(15)

    def wait(self) -> None:
        """Until somebody calls `stop`."""
        self._stopping.wait()

    def task_changed(self, task_id: int) -> None:
        """A task was created or edited, here."""
        if self._timetable:
            self._timetable.wake()

    def task_removed(self, task_id: int) -> None:
        """A task went to the trash: its runs end."""
        with self._app.app_context():
            lifecycle.cancel_all(task_id, "", "deleted")

    def run_waits(self, run_ids: list[int]) -> None:
        """Runs were queued, or ended, so that a slot is free."""
        if self._dispatcher:
            self._dispatcher.wake()

    def stop_asked(self, run_ids: list[int]) -> None:
        """Somebody wants these runs to stop."""
        if self._dispatcher:
            self._dispatcher.wake(stops=True)

    def _lead(self) -> None:
        while not self._stopping.is_set():
            if self._leadership.take():
                self._work()
            self._stopping.wait(PATIENCE)

    def _work(self) -> None:
        """Lead until told to stop, or until it cannot be done (no database, say): then it is tried again."""
        _log.info("event=daemon_leads")
        try:
            self._dispatcher = Dispatcher(self._app, self._engine)
            self._timetable = Timetable(self._app, self._settle, self._rest)
            self._dispatcher.start()
            self._timetable.start()
            gc.collect()
            gc.freeze()  # ten thousand jobs stay as they are: no later collection has to walk them, which takes 0.3 s
            self._stopping.wait()
        except Exception:
            _log.exception("event=daemon_failed")
        finally:
            if self._timetable:
                self._timetable.stop()
            if self._dispatcher:
                self._dispatcher.stop()
            self._timetable = self._dispatcher = None
            self._leadership.resign()
            _log.info("event=daemon_stopped")

    def _rest(self, now: datetime) -> None:
        self._watch.look(now)
        self._watch.settled(now)

    def _settle(self, now: datetime) -> int:
        rows = ledger.settle(now, self._watch.look(now))
        self._watch.settled(now)
        if rows:
            _log.info("event=settled rows=%s", rows)
        return rows
