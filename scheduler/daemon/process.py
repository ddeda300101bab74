"""One daemon: waits until it may lead, then runs timetable and dispatcher until it is told to stop, or may no longer."""

import gc
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import datetime
from functools import partial

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from scheduler import clock, database, nodes
from scheduler.config import settings
from scheduler.daemon.bell import Bell
from scheduler.daemon.dispatcher import Dispatcher
from scheduler.daemon.flock import FlockLeadership
from scheduler.daemon.handing import Handing
from scheduler.daemon.leader import Deposed, Leadership, Term
from scheduler.daemon.lease import STUCK, LeaseLeadership, LeaseTerm
from scheduler.daemon.notifier import Notifier
from scheduler.daemon.presence import mark
from scheduler.daemon.quiet import Quiet
from scheduler.daemon.tender import Tender
from scheduler.daemon.timetable import Timetable
from scheduler.daemon.upkeep import Housekeeper, Sweeper
from scheduler.daemon.watch import Watch
from scheduler.errors import Unavailable
from scheduler.execution.engines import Engine, Local, carrier
from scheduler.runs import elapsed, ledger
from scheduler.runs.policy import Past

PATIENCE = 0.5  # seconds between tries to lead
LOOK = 1.0  # seconds between looks whether loops that hang have let go

_log = logging.getLogger("SchedulerEngine")


class Daemon:
    """The clock and the worker of one installation, in threads of this process.

    `alone`: nothing else lives in this process, so that it may end for its service manager to start another.
    """

    def __init__(self, app: Flask, engine: Engine | None = None, alone: bool = False) -> None:
        self._app = app
        self._engine = engine or Local(settings().instance)
        self._carrier = carrier(settings())
        self._alone = alone
        self.stuck = False  # the clock stood still and could not be put right
        self._bell = Bell(app)
        self._leadership = leadership(app)
        self._watch = Watch(settings().instance)
        self._stopping = threading.Event()
        self._quiet = Quiet(_log, "cannot_lead")
        self._thread = threading.Thread(target=self._lead, name="daemon", daemon=True)
        self._timetable: Timetable | None = None
        self._dispatcher: Dispatcher | None = None
        self._tender: Tender | None = None
        self._sweeper: Sweeper | None = None
        self._roused: list[Callable[[], None]] = []  # who looks whenever somebody has written
        self._passed = 0.0  # when the last pass was over, on the steady clock

    def start(self) -> None:
        """Begin as soon as no other daemon leads."""
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more and let another lead; what runs goes on under its supervisors."""
        self._stopping.set()
        self._thread.join(15)

    def wait(self) -> None:
        """Until somebody calls `stop`, or the daemon gives up."""
        self._stopping.wait()

    def task_changed(self, task_id: int) -> None:
        """A task was created or edited, here."""
        timetable = self._timetable
        timetable.wake() if timetable else self._bell.task_changed(task_id)

    def task_removed(self, task_id: int) -> None:
        """A task went to the trash: its runs end."""
        self._bell.task_removed(task_id)

    def run_waits(self, run_ids: list[int]) -> None:
        """Runs were queued, or ended, so that a slot is free."""
        dispatcher = self._dispatcher
        dispatcher.wake() if dispatcher else self._bell.run_waits(run_ids)

    def stop_asked(self, run_ids: list[int]) -> None:
        """Somebody wants these runs to stop."""
        dispatcher = self._dispatcher
        dispatcher.wake(stops=True) if dispatcher else self._bell.stop_asked(run_ids)

    def _lead(self) -> None:
        waits = False
        while not self._stopping.is_set():
            try:
                with self._app.app_context():
                    term = self._leadership.take()
                    if term is None:
                        self._tend(self._leadership.elsewhere())
                if term is not None:
                    self._work(term)
                elif not waits:
                    _log.info("event=daemon_waits pid=%s", os.getpid())
                waits = term is None
                self._quiet.worked("lead")
            except (SQLAlchemyError, Unavailable, OSError) as error:
                self._quiet.failed("lead", error)
            self._stopping.wait(PATIENCE)
        self._tend(False)

    def _tend(self, wanted: bool) -> None:
        """See to the attempts of this node while another one leads."""
        if wanted and self._tender is None:
            _log.info("event=daemon_follows")
            tender = Tender(self._app, self._engine)
            tender.start()
            self._tender, self._sweeper = tender, Sweeper(self._app)
            self._sweeper.start()
        elif not wanted and self._tender is not None:
            self._tender.stop()
            self._tender = None
            if self._sweeper is not None:
                self._sweeper.stop()
                self._sweeper = None

    def _work(self, term: Term) -> None:
        """Lead until told to stop, or until it cannot be done (no database, say): then it is tried again."""
        _log.info("event=daemon_leads epoch=%s pid=%s", term.epoch, os.getpid())
        self._passed = clock.monotonic()
        if isinstance(term, LeaseTerm):
            term.idle = self._idle
        stands = False
        housekeeper, notifier = Housekeeper(self._app), Notifier(self._app, term)
        try:
            self._tend(False)
            housekeeper.start()
            notifier.start()
            self._timetable = Timetable(self._app, partial(self._settle, term), partial(self._breathe, term))
            self._dispatcher = self._dispatching(term, self._timetable.wake)
            self._dispatcher.start()
            self._roused = [self._dispatcher.wake, notifier.wake, housekeeper.wake]
            self._timetable.start()
            gc.collect()
            gc.freeze()  # ten thousand jobs stay as they are: no later collection has to walk them, which takes 0.3 s
            stands = self._stands_still(term)
        except Exception:
            _log.exception("event=daemon_failed")
        finally:
            self._step_down(term, stands)
            housekeeper.stop()
            notifier.stop()

    def _dispatching(self, term: Term, changed: Callable[[], None]) -> Dispatcher:
        if self._carrier is None:
            return Dispatcher(self._app, self._engine, term, changed)
        return Handing(self._app, self._engine, self._carrier, term, changed)

    def _stands_still(self, term: Term) -> bool:
        """Watch until told to stop, deposed, or the clock stands still: whether it does."""
        while not self._stopping.wait(term.SIGN):
            term.show()
            if term.over:
                _log.warning("event=daemon_deposed epoch=%s", term.epoch)
                return False
            if self._idle() > STUCK:
                _log.critical("event=clock_stands_still seconds=%.0f\n%s", self._idle(), _stacks())
                return True
        return False

    def _step_down(self, term: Term, stands: bool) -> None:
        """End both loops and let another lead. Loops that hang come after: should they wake, their term is over."""
        timetable, dispatcher = self._timetable, self._dispatcher
        self._timetable = self._dispatcher = None
        self._roused = []

        def end() -> None:
            if timetable:
                timetable.stop()
            if dispatcher:
                dispatcher.stop()

        try:
            if stands:
                self._give_way(term, threading.Thread(target=end, name="ending", daemon=True))
            else:
                end()
                with self._app.app_context():
                    term.resign()
        except (SQLAlchemyError, Unavailable, OSError) as error:
            _log.error("event=resign_failed reason=%r", error)
        _log.info("event=daemon_stopped")

    def _give_way(self, term: Term, ending: threading.Thread) -> None:
        """Resign with loops that hang: the process ends where it may, else it leads again when they have let go."""
        ending.start()
        try:
            with self._app.app_context():
                term.resign()
        finally:
            self.stuck = self._alone
            if self._alone:
                self._stopping.set()
            while ending.is_alive() and not self._stopping.is_set():
                ending.join(LOOK)

    def _idle(self) -> float:
        return clock.monotonic() - self._passed

    def _settle(self, term: Term, now: datetime) -> int:
        """One pass, after which all others look: somebody has written, or may have, or something is due."""
        try:
            with database.guarded(term.check):
                term.trust()
                rows = self._settled(now, self._watch.look(now))
            self._watch.settled(now)
        except Deposed as error:
            _log.warning("event=settle_forbidden reason=%r", str(error))
            return 0
        finally:
            self._passed = clock.monotonic()
            for wake in self._roused:
                wake()
        if rows:
            _log.info("event=settled rows=%s", rows)
        return rows

    def _breathe(self, term: Term, now: datetime, steady: float) -> None:
        """A pass while nobody has written and nothing is due: only the clock is looked at."""
        try:
            rested = term.held and self._watch.rested(now, steady)
        finally:  # a disk that takes no sign of life is no clock that stands still
            self._passed = steady
        if not rested:
            self._settle(term, now)

    def _settled(self, now: datetime, past: Past) -> int:
        with self._app.app_context():
            if past.down or past.back:
                elapsed.set_back(now, past.back)
            return ledger.settle(now, past)


def leadership(app: Flask) -> Leadership:
    """How one comes to lead on this database."""
    with app.app_context():
        shared = nodes.shared()
    instance = settings().instance
    return LeaseLeadership(app, mark(instance)) if shared else FlockLeadership(instance / "run" / "daemon.lock")


def _stacks() -> str:
    """What every thread is at, for whoever has to find out why one hangs."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = sys._current_frames().items()
    return "\n".join(f"{names.get(ident)}:\n{''.join(traceback.format_stack(frame))}" for ident, frame in frames)
