"""A worker: takes attempts that were handed over and has its own node perform them; when anything runs is not its business."""

import logging
import os
import threading
from contextlib import ExitStack, suppress

from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from scheduler import clock, nodes, trouble
from scheduler.config import settings
from scheduler.daemon.presence import mark
from scheduler.daemon.quiet import Quiet
from scheduler.daemon.recovery import HAND_OVER, write
from scheduler.daemon.tender import Tender
from scheduler.daemon.upkeep import Sweeper
from scheduler.database import db, transaction
from scheduler.errors import SchedulerError, Unavailable
from scheduler.execution import perform, sockets
from scheduler.execution.engines import Carrier, Consumer, Engine, Local
from scheduler.execution.protocol import DAEMON_SOCKET, Spec, State
from scheduler.failpoints import failpoint
from scheduler.runs import endings, handing, lifecycle
from scheduler.runs.lifecycle import Claimed, Report
from scheduler.runs.models import Attempt
from scheduler.runs.policy import Outcome
from scheduler.runs.status import AttemptStatus
from scheduler.tasks import secrets

LOOK = 1.0  # seconds between looks at who else works in this folder
SHORTEST, LONGEST = 0.02, 0.5  # seconds between looks at an attempt that goes on
PATIENCE = 5.0  # seconds for what is being taken to reach its supervisor, when we leave

_log = logging.getLogger("TaskExecutor")


class Worker:
    """Each of its threads stays with the attempt it took: so no more go on at once than `engine.max_workers`."""

    def __init__(self, app: Flask, carrier: Carrier, engine: Engine | None = None) -> None:
        self._app = app
        self._carrier = carrier
        self._engine = engine or Local(settings().instance)
        self._handing = threading.Lock()  # the engine's connection is for one at a time
        self._room = threading.Semaphore(settings().engine.max_workers)
        self._stopping = threading.Event()
        self._quiet = Quiet(_log, "worker_failed")
        self._consumer: Consumer | None = None
        self._tending: _Tending | None = None
        self._shown = -nodes.BEAT
        self._silent = ""  # why the broker did not answer
        self.stuck = False  # it takes no more, and nobody told it to leave

    def run(self) -> None:
        """Work until `stop`; OSError, `Unavailable` and the like are waited out."""
        while not self._stopping.is_set():
            try:
                with self._app.app_context():
                    self._look()
                self._quiet.worked("look")
            except (SQLAlchemyError, Unavailable, OSError) as error:
                self._quiet.failed("look", error)
            self._stopping.wait(LOOK)
        if self._consumer is not None:
            self._consumer.stop(PATIENCE)
            self._take_leave()
        if self._tending is not None:
            self._tending.stop()
            self._tending = None

    def stop(self) -> None:
        """Take no more; what runs goes on under its supervisors."""
        self._stopping.set()

    def perform(self, run_id: int, number: int) -> None:
        """Take an attempt, if it is still to be had, and stay with it until it is over or we leave."""
        while not self._room.acquire(timeout=LOOK):
            if self._stopping.is_set():
                return
        try:
            if not self._stopping.is_set() and self._begun(run_id, number):
                self._stay(run_id, number)
        finally:
            self._room.release()

    def _look(self) -> None:
        """Once a second: are the attempts of this node seen to, and does anybody know of us."""
        if self._tending is not None and self._tending.ousted:
            _log.info("event=worker_leaves_tending")
            self._tending.stop()
            self._tending = None
        if self._consumer is None and not self._alone():
            return
        if self._tending is None and not sockets.heard(settings().instance / DAEMON_SOCKET):
            self._tending = _Tending(self._app)
        if self._consumer is None:
            self._open()
        elif self._consumer.over:
            self.stuck = True
            self.stop()
        if clock.monotonic() - self._shown >= nodes.BEAT:
            self._show()

    def _alone(self) -> bool:
        """Whether no other folder or machine works under this node's name."""
        other = nodes.rival(mark(settings().instance))
        if other is None:
            return True
        _log.error("event=node_doubled node=%s host=%s hint='delete the file node in the copied instance folder'",
                   other.id, other.host)  # fmt: skip
        self._stopping.wait(nodes.BEAT)
        return False

    def _open(self) -> None:
        self._stay_with_old()
        self._consumer = self._carrier.consumer(self.perform, settings().engine.max_workers)
        self._consumer.start()
        _log.info("event=worker_takes node=%s", nodes.own())

    def _show(self) -> None:
        self._shown = clock.monotonic()
        silent, self._silent = self._silent, ""
        try:
            self._carrier.waiting()
        except OSError as error:
            self._silent = str(error)
        if silent != self._silent:
            _log.log(logging.ERROR if self._silent else logging.INFO, "event=broker reason=%s", self._silent or "it answers")
        nodes.seen(mark(settings().instance), works=not self._silent)

    def _take_leave(self) -> None:
        try:
            with self._app.app_context():
                nodes.seen(mark(settings().instance), works=False)
        except (SQLAlchemyError, Unavailable) as error:
            self._quiet.failed("leave", error)  # for a minute it seems to be there

    def _stay_with_old(self) -> None:
        """What an earlier worker of this node left running takes the places it had."""
        running = (Attempt.status == AttemptStatus.RUNNING, Attempt.node == nodes.own())
        for run_id, number in db.session.execute(select(Attempt.run_id, Attempt.number).where(*running)).all():
            if self._engine.probe(run_id, number) is State.ALIVE and self._room.acquire(blocking=False):
                threading.Thread(target=self._stay_old, args=(run_id, number), daemon=True).start()

    def _stay_old(self, run_id: int, number: int) -> None:
        try:
            self._stay(run_id, number)
        finally:
            self._room.release()

    def _begun(self, run_id: int, number: int) -> bool:
        try:
            with self._app.app_context():
                began = clock.monotonic()
                taken = self._taken(run_id, number)
                if taken is None:
                    return False
                failpoint("take_after_commit")
                return self._started(*taken, began)
        except (SQLAlchemyError, Unavailable, OSError) as error:
            self._quiet.failed("take", error)  # whoever leads tells of it again, or recovery sees to it
            return False

    def _taken(self, run_id: int, number: int) -> tuple[Claimed, Spec | SchedulerError] | None:
        """Win the attempt and make it ready in one transaction: an edit comes before both or after both."""
        if trouble.room(settings().instance) < trouble.LEAST_ROOM:
            _log.error("event=no_room run=%s attempt=%s", run_id, number)
            return None
        with transaction():
            one = handing.take(run_id, number)
            if one is None:
                _log.debug("event=not_to_be_had run=%s attempt=%s", run_id, number)
                return None
            (made,) = perform.specs([one])
            return one, made

    def _started(self, one: Claimed, made: Spec | SchedulerError, began: float) -> bool:
        if isinstance(made, SchedulerError):
            hopeless = isinstance(made, secrets.Unusable)
            lifecycle.finish([endings.unbegun(one.run_id, one.number, str(made), clock.now(), hopeless)])
            return False
        if clock.monotonic() - began > HAND_OVER:
            return False  # frozen since we took it: it may have been given up, and goes back to wait by itself
        try:
            with self._handing:
                self._engine.start([made])
        except OSError as error:
            _log.error("event=engine_unreachable reason=%s runs=1", error)
            if self._engine.fence(one.run_id, one.number):
                lifecycle.unstart(one.run_id, one.number, str(error))
            return False
        _log.info("event=attempt_started run=%s attempt=%s", one.run_id, one.number)
        return True

    def _stay(self, run_id: int, number: int) -> None:
        """Until the attempt is over; who writes that down is a dispatcher or tender of this node."""
        began, pause = clock.monotonic(), SHORTEST
        while not self._stopping.wait(pause):
            self._write_refusals()
            state = self._engine.probe(run_id, number)
            if state in (State.FINISHED, State.LOST):
                return
            if state is State.UNSTARTED and clock.monotonic() - began > HAND_OVER:
                return
            pause = min(pause * 1.5, LONGEST)

    def _write_refusals(self) -> None:
        """What the runner would not start, of all threads'."""
        with self._handing:
            refused = self._engine.refusals()
        if refused:
            reports = [Report(run_id, number, Outcome("start_failed", error=why)) for run_id, number, why in refused]
            with self._app.app_context():
                write(reports)


class _Tending:
    """What a following daemon does for its node, done by a worker in whose folder there is none."""

    def __init__(self, app: Flask) -> None:
        _log.info("event=worker_tends pid=%s", os.getpid())
        self._path = settings().instance / DAEMON_SOCKET
        self._tender = Tender(app, Local(settings().instance))
        self._bound = self._path.stat().st_ino
        self._sweeper = Sweeper(app)
        try:
            self._tender.start(HAND_OVER)
            self._sweeper.start()
        except BaseException:
            self.stop()
            raise

    @property
    def ousted(self) -> bool:
        """Whether a daemon has come, and taken the socket."""
        with suppress(FileNotFoundError):
            return self._path.stat().st_ino != self._bound
        return True

    def stop(self) -> None:
        with ExitStack() as ends:  # the one ends though the other cannot
            ends.callback(self._sweeper.stop)
            self._tender.stop()
