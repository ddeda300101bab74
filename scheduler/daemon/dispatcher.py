"""The worker's loop: takes in results, starts what may start, passes on stops; policy decides and lifecycle writes."""

import logging
import os
import selectors
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from flask import Flask
from sqlalchemy import select

from scheduler import clock
from scheduler.config import settings
from scheduler.daemon import recovery
from scheduler.database import db
from scheduler.errors import SchedulerError
from scheduler.execution import perform, sockets
from scheduler.execution.engines import Engine
from scheduler.execution.protocol import DAEMON_SOCKET, Spec, State
from scheduler.failpoints import failpoint
from scheduler.runs import lifecycle, policy, waiting
from scheduler.runs.lifecycle import Claimed, Report
from scheduler.runs.models import Run
from scheduler.runs.policy import Outcome
from scheduler.runs.status import Status

Step = Callable[[], None]

WINDOW = 0.005  # seconds a first result waits for others: ten in one transaction cost little more than one
IDLE = 1.0  # seconds between looks when nobody wakes us
MOST_MAIL = 1000  # messages taken in at once

_log = logging.getLogger("TaskExecutor")


class Dispatcher:
    """A thread that sleeps until a supervisor or a signal wakes it, and once a second looks by itself."""

    def __init__(self, app: Flask, engine: Engine) -> None:
        self._app = app
        self._engine = engine
        self._stopping = threading.Event()
        self._stops = False
        self._looked = -IDLE
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
            self._mail.close()
            os.close(self._wake_in)
            os.close(self._wake_out)

    def wake(self, stops: bool = False) -> None:
        """Look at once: a run was queued or finished, or (`stops`) some shall stop."""
        self._stops = self._stops or stops
        try:
            os.write(self._wake_out, b"!")
        except BlockingIOError:
            return  # the pipe is full of wake-ups already

    def _run(self) -> None:
        while not self._stopping.is_set():
            attempts = self._finished()
            take_in: Step = partial(self._take_in, attempts)
            if not all([self._managed(step) for step in (take_in, self._look_around, self._pass_on_stops, self._start_waiting)]):
                self._stopping.wait(IDLE)

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

    def _take_in(self, attempts: Iterable[tuple[int, int]]) -> None:
        reports = []
        for run_id, number in attempts:
            outcome = self._engine.outcome(run_id, number)
            if outcome is not None:
                reports.append(Report(run_id, number, outcome))
        if reports:
            failpoint("ingest_before_finish")
            recovery.write(reports)
            for report in reports:
                _log.info("event=attempt_finished run=%s attempt=%s reason=%s exit=%s", report.run_id, report.number,
                          report.outcome.reason, report.outcome.exit_code)  # fmt: skip

    def _start_waiting(self) -> None:
        slots = waiting.slots()
        admitted = policy.admit(waiting.startable(clock.now()), slots)[0] if slots.running < slots.most else []
        db.session.rollback()
        if not admitted:
            return
        claimed = lifecycle.claim(admitted)
        specs: list[Spec] = []
        failed: list[Report] = []
        for one, made in zip(claimed, perform.specs(claimed), strict=True):
            if isinstance(made, SchedulerError):
                failed.append(_never_began(one, str(made)))
            else:
                specs.append(made)
        db.session.rollback()
        failpoint("spec_built")
        failed += self._hand_over(specs)
        if failed:
            lifecycle.finish(failed)

    def _hand_over(self, specs: Sequence[Spec]) -> list[Report]:
        """Have the engine start these; those it refuses failed, and when it cannot be reached all go back to wait."""
        if not specs:
            return []
        try:
            failpoint("hand_over_before")
            refusals = self._engine.start(specs)
            failpoint("hand_over_after")
        except OSError as error:
            _log.error("event=engine_unreachable reason=%s runs=%s", error, len(specs))
            for spec in specs:
                if self._engine.fence(spec.run_id, spec.attempt):
                    lifecycle.unstart(spec.run_id, spec.attempt, str(error))
            self._stopping.wait(IDLE)
            return []
        for spec in specs:
            _log.info("event=attempt_started run=%s attempt=%s", spec.run_id, spec.attempt)
        return [
            Report(spec.run_id, spec.attempt, Outcome("start_failed", error=why))
            for spec, why in zip(specs, refusals, strict=True)
            if why is not None
        ]

    def _pass_on_stops(self) -> None:
        """Tell the supervisors of runs that shall stop; they may not have been there when it was asked."""
        if not self._stops:
            return
        self._stops = False
        query = select(Run.id, Run.attempts, Run.cancel_count).where(Run.status == Status.RUNNING, Run.cancel_at.is_not(None))
        for run in db.session.execute(query).all():
            if self._engine.probe(run.id, run.attempts) in (State.ALIVE, State.UNSTARTED):
                self._engine.stop(run.id, run.attempts, force=run.cancel_count > 1)


def _never_began(one: Claimed, why: str) -> Report:
    at = clock.now().timestamp()
    return Report(one.run_id, one.number, Outcome("start_failed", error=why, started_at=at, finished_at=at, duration=0.0))


def _drain(pipe: int) -> None:
    try:
        while os.read(pipe, 4096):
            continue
    except BlockingIOError:
        return
