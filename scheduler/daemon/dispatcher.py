"""The worker's loop: takes in results, starts what may start, passes on stops; policy decides and lifecycle writes."""

import logging
import os
import selectors
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial

from flask import Flask
from sqlalchemy import select

from scheduler import clock
from scheduler.config import settings
from scheduler.daemon import recovery
from scheduler.database import Changes, db, table, transaction
from scheduler.errors import SchedulerError
from scheduler.execution import perform, sockets
from scheduler.execution.engines import Engine
from scheduler.execution.protocol import DAEMON_SOCKET, Spec, State
from scheduler.runs import lifecycle, waiting
from scheduler.runs.lifecycle import Claimed, Report
from scheduler.runs.models import Run
from scheduler.runs.policy import Outcome
from scheduler.runs.status import Status

Step = Callable[[], None]
Made = tuple[Claimed, Spec | SchedulerError]

WINDOW = 0.005  # seconds a first result waits for others: ten in one transaction cost little more than one
IDLE = 1.0  # seconds between looks when nobody wakes us
LONGEST_QUIET = 30.0  # seconds between looks when nothing waits or goes on and nobody writes
MOST_MAIL = 1000  # messages taken in at once

_run = table(Run).c
_TO_STOP = select(_run.id, _run.attempts, _run.cancel_count).where(_run.status == Status.RUNNING, _run.cancel_at.is_not(None))

_log = logging.getLogger("TaskExecutor")


class Dispatcher:
    """A thread that sleeps until a supervisor or a signal wakes it, and once a second looks by itself."""

    def __init__(self, app: Flask, engine: Engine) -> None:
        self._app = app
        self._engine = engine
        self._stopping = threading.Event()
        self._stops = False
        self._looked = -IDLE
        with app.app_context():
            self._changes = Changes()
        self._quiet_until = 0.0
        self._wake_in, self._wake_out = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        path = settings().instance / DAEMON_SOCKET
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._mail = sockets.receive(path)
        self._mail.setblocking(False)
        self._waker = selectors.DefaultSelector()
        self._waker.register(self._mail, selectors.EVENT_READ)
        self._waker.register(self._wake_in, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)

    def start(self) -> None:
        """Take over what runs already, then begin to work."""
        with self._app.app_context():
            recovery.recover(self._engine, clock.now(), patience=0)
        self._thread.start()

    def stop(self) -> None:
        """Start nothing more; what runs goes on under its supervisors."""
        self._stopping.set()
        self.wake()
        if self._thread.ident is not None:
            self._thread.join(10)
        if not self._thread.is_alive():
            self._waker.close()
            self._changes.close()
            self._mail.close()
            os.close(self._wake_in)
            os.close(self._wake_out)

    def wake(self, stops: bool = False) -> None:
        """Look at once: a run was queued or finished, or (`stops`) some shall stop."""
        self._stops = self._stops or stops
        if threading.current_thread() is not self._thread:  # what it causes itself it sees to within the same turn
            self._nudge()

    def _nudge(self) -> None:
        try:
            os.write(self._wake_out, b"!")
        except BlockingIOError:
            return  # the pipe is full of wake-ups already

    def _run(self) -> None:
        while not self._stopping.is_set():
            attempts = self._finished()
            if not attempts and self._is_quiet():
                continue
            work: Step = partial(self._work, attempts)
            if not all([self._managed(step) for step in (self._look_around, work, self._pass_on_stops)]):
                self._stopping.wait(IDLE)

    def _is_quiet(self) -> bool:
        """Whether nothing waits or goes on, and nobody has written anything since that was seen."""
        if self._quiet_until > clock.monotonic() and not self._changes.any():
            return True
        self._quiet_until = 0.0
        self._managed(self._look_for_life)
        return self._quiet_until > 0.0

    def _look_for_life(self) -> None:
        if not waiting.anything():
            self._quiet_until = clock.monotonic() + LONGEST_QUIET

    def _managed(self, step: Step) -> bool:
        """Do one step; one that fails is logged and keeps none of the others from being done."""
        try:
            with self._app.app_context():
                step()
        except Exception:
            _log.exception("event=dispatch_failed")
            return False
        return True

    def _look_around(self) -> None:
        """Once a second: what nobody told us."""
        if clock.monotonic() - self._looked < IDLE:
            return
        self._looked = clock.monotonic()
        self._stops = True
        lifecycle.cancel_orphans()
        recovery.recover(self._engine, clock.now())

    def _finished(self) -> set[tuple[int, int]]:
        """Wait for mail or a wake-up, at most `IDLE` seconds; the attempts said to have finished."""
        ready = [key.fileobj for key, _ in self._waker.select(IDLE)]
        if self._mail in ready:
            self._stopping.wait(WINDOW)
        _drain(self._wake_in)
        attempts: set[tuple[int, int]] = set()
        while len(attempts) < MOST_MAIL:
            try:
                run_id, _, number = self._mail.recv(64).strip().partition(b"/")
            except BlockingIOError:
                break
            if run_id.isdigit() and number.isdigit():
                attempts.add((int(run_id), int(number)))
        return attempts

    def _work(self, attempts: Collection[tuple[int, int]]) -> None:
        """Take in what has finished and claim what may start in its place; one transaction, one flush to the disk, for both."""
        reports = self._reports(attempts)
        if not reports:
            self._start_waiting()
            return
        try:
            with transaction():
                lifecycle.finish(reports)
                claimed = self._claimed()
        except recovery.REFUSALS:
            recovery.write(reports)
            claimed = self._claimed()
        _tell(reports)
        self._begin(claimed)

    def _take_in(self, attempts: Iterable[tuple[int, int]]) -> None:
        reports = self._reports(attempts)
        if reports:
            recovery.write(reports)
            _tell(reports)

    def _reports(self, attempts: Iterable[tuple[int, int]]) -> list[Report]:
        """What these attempts left, as far as they are over, and those the engine would not start."""
        found = [(run_id, number, self._engine.outcome(run_id, number)) for run_id, number in attempts]
        found += [(run_id, number, Outcome("start_failed", error=why)) for run_id, number, why in self._engine.refusals()]
        return [Report(run_id, number, outcome) for run_id, number, outcome in found if outcome is not None]

    def _start_waiting(self) -> None:
        self._begin(self._claimed())

    def _claimed(self) -> list[Made]:
        """What may start, claimed and made ready in one transaction: an edit comes before both or after both."""
        admitted = waiting.admitted(clock.now())
        if not admitted:
            return []
        with transaction():
            claimed = lifecycle.claim(admitted)
            return list(zip(claimed, perform.specs(claimed), strict=True))

    def _begin(self, claimed: Sequence[Made]) -> None:
        """Hand over what could be made ready; what could not has failed."""
        self._hand_over([made for _, made in claimed if isinstance(made, Spec)])
        failed = [_never_began(one, str(why)) for one, why in claimed if isinstance(why, SchedulerError)]
        if failed:
            lifecycle.finish(failed)
            self._nudge()

    def _hand_over(self, specs: Sequence[Spec]) -> None:
        """Have the engine start these; when it cannot be reached all go back to wait."""
        if not specs:
            return
        try:
            self._engine.start(specs)
        except OSError as error:
            _log.error("event=engine_unreachable reason=%s runs=%s", error, len(specs))
            for spec in specs:
                if self._engine.fence(spec.run_id, spec.attempt):
                    lifecycle.unstart(spec.run_id, spec.attempt, str(error))
            self._stopping.wait(IDLE)
            self._nudge()
            return
        for spec in specs:
            _log.info("event=attempt_started run=%s attempt=%s", spec.run_id, spec.attempt)

    def _pass_on_stops(self) -> None:
        """Tell the supervisors of runs that shall stop; they may not have been there when it was asked."""
        if not self._stops:
            return
        self._stops = False
        for run in db.session.connection().execute(_TO_STOP).all():
            if self._engine.probe(run.id, run.attempts) in (State.ALIVE, State.UNSTARTED):
                self._engine.stop(run.id, run.attempts, force=run.cancel_count > 1)


def _tell(reports: Iterable[Report]) -> None:
    for report in reports:
        _log.info("event=attempt_finished run=%s attempt=%s reason=%s exit=%s", report.run_id, report.number,
                  report.outcome.reason, report.outcome.exit_code)  # fmt: skip


def _never_began(one: Claimed, why: str) -> Report:
    at = clock.now().timestamp()
    return Report(one.run_id, one.number, Outcome("start_failed", error=why, started_at=at, finished_at=at, duration=0.0))


def _drain(pipe: int) -> None:
    try:
        while os.read(pipe, 4096):
            continue
    except BlockingIOError:
        return
