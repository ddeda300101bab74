"""The worker's loop: takes in results, starts what may start, passes on stops; policy decides and lifecycle writes."""

import logging
import os
import selectors
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import partial

from flask import Flask
from sqlalchemy import and_, bindparam, select

from scheduler import clock, database, nodes, trouble
from scheduler.config import settings
from scheduler.daemon import bell, recovery
from scheduler.daemon.leader import Deposed, Term
from scheduler.daemon.loop import ALONE
from scheduler.daemon.presence import Presence
from scheduler.daemon.quiet import Quiet
from scheduler.database import db, table, transaction
from scheduler.errors import SchedulerError
from scheduler.execution import perform, sockets
from scheduler.execution.engines import Engine
from scheduler.execution.protocol import DAEMON_SOCKET, Spec, State
from scheduler.failpoints import failpoint
from scheduler.runs import endings, handing, lifecycle, waiting
from scheduler.runs.lifecycle import Claimed, Report
from scheduler.runs.models import Attempt, Run
from scheduler.runs.policy import Outcome
from scheduler.runs.status import Status
from scheduler.tasks import secrets

Step = Callable[[], None]
Made = tuple[Claimed, Spec | SchedulerError | None]  # None: whoever takes it makes it ready

WINDOW = 0.005  # seconds a first result waits for others: ten in one transaction cost little more than one
IDLE = 1.0  # seconds between looks when nobody wakes us
MOST_MAIL = 1000  # messages taken in at once

_run, _attempt = table(Run).c, table(Attempt).c
_OURS = and_(_attempt.run_id == _run.id, _attempt.number == _run.attempts, _attempt.node == bindparam("node"))
_TO_STOP = (
    select(_run.id, _run.attempts, _run.cancel_count)
    .join_from(table(Run), table(Attempt), _OURS)
    .where(_run.status == Status.RUNNING, _run.cancel_at.is_not(None))
)

_log = logging.getLogger("TaskExecutor")


class Dispatcher:
    """A thread that sleeps until a supervisor or a signal wakes it, and once a second looks by itself.

    While nothing waits or goes on it relies on being woken when anybody has written.
    """

    ASLEEP = ALONE  # seconds between looks while nothing waits or goes on

    def __init__(self, app: Flask, engine: Engine, term: Term | None = None, changed: Step = lambda: None) -> None:
        """`term` is what allows it to write, `changed` is called when another process has edited a task."""
        self._app = app
        self._engine = engine
        self._term = term or Term()
        self._changed = changed
        self._presence = Presence(engine)
        self._stopping = threading.Event()
        self._stops = False
        self._quiet = Quiet(_log, "dispatch_failed")
        self._looked = -IDLE
        self._rests = False  # whether nothing waited or went on at the last look
        self._wake_in, self._wake_out = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        path = settings().instance / DAEMON_SOCKET
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._mail = sockets.receive(path)
        self._mail.setblocking(False)
        self._waker = selectors.DefaultSelector()
        self._waker.register(self._mail, selectors.EVENT_READ)
        self._waker.register(self._wake_in, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)

    def start(self, patience: float = 0) -> None:
        """Take over what runs already, then begin to work; `patience` is for those who are handing over already, in seconds."""
        with self._app.app_context(), self._allowed():
            recovery.recover(self._engine, clock.now(), patience)
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
        if threading.current_thread() is not self._thread:  # what it causes itself it sees to within the same turn
            self._nudge()

    def _nudge(self) -> None:
        try:
            os.write(self._wake_out, b"!")
        except BlockingIOError:
            return  # the pipe is full of wake-ups already

    def _run(self) -> None:
        self._managed(self._stand_by)
        while not self._stopping.is_set():
            attempts = self._finished()
            if self._rested(attempts):
                continue
            work: Step = partial(self._work, attempts)
            if not all([self._managed(step) for step in (self._look_around, work, self._pass_on_stops)]):
                self._stopping.wait(IDLE)

    def _stand_by(self) -> None:
        self._engine.stand_by()

    def _rested(self, attempts: Collection[tuple[int, int]]) -> bool:
        """Whether nothing waits or goes on, so that there is nothing else to do."""
        self._rests = False
        return not attempts and self._managed(self._look_for_life) and self._rests and self._managed(self._presence.show)

    def _look_for_life(self) -> None:
        self._rests = not waiting.anything()

    def _allowed(self) -> AbstractContextManager[None]:
        """Within it a writing transaction goes through only while we lead."""
        return database.guarded(self._term.check)

    def _managed(self, step: Step) -> bool:
        """Do one step; one that fails is logged and keeps none of the others from being done."""
        name = getattr(step, "func", step).__name__.strip("_")
        try:
            with self._app.app_context(), self._allowed():
                step()
        except Deposed as error:
            _log.warning("event=dispatch_forbidden reason=%r", str(error))
            return False
        except Exception as error:
            self._quiet.failed(name, error)
            return False
        self._quiet.worked(name)
        return True

    def _look_around(self) -> None:
        """Once a second: what nobody told us."""
        if clock.monotonic() - self._looked < IDLE:
            return
        self._looked = clock.monotonic()
        self._stops = True
        lifecycle.cancel_orphans()
        strange = self._recover()
        self._presence.give_up([one for one in strange if one.node])
        self._remind([one for one in strange if not one.node])

    def _remind(self, untaken: Sequence[recovery.Strange]) -> None:
        """What was handed over to workers, as was set before: nobody calls them any more."""
        for one in untaken:
            handing.put_back(one.run_id, one.number, "It is not handed over to workers any more.")

    def _recover(self) -> Sequence[recovery.Strange]:
        """See to the attempts of this node; answers those of others."""
        self._presence.show()
        return recovery.recover(self._engine, clock.now())

    def _finished(self) -> set[tuple[int, int]]:
        """Wait for mail or a wake-up, at most `IDLE` seconds unless all rests; the attempts said to have finished."""
        if not self._waker.select(0):  # what came meanwhile has waited long enough
            ready = [key.fileobj for key, _ in self._waker.select(self.ASLEEP if self._rests else IDLE)]
            if self._mail in ready:
                self._stopping.wait(WINDOW)
        _drain(self._wake_in)
        attempts: set[tuple[int, int]] = set()
        while len(attempts) < MOST_MAIL:
            try:
                letter = self._mail.recv(64).strip()
            except BlockingIOError:
                break
            if letter == bell.EDITED:
                self._changed()
            self._stops = self._stops or letter == bell.STOP
            run_id, _, number = letter.partition(b"/")
            if run_id.isdigit() and number.isdigit():
                attempts.add((int(run_id), int(number)))
        return attempts

    def _work(self, attempts: Collection[tuple[int, int]]) -> None:
        """Take in what has finished and claim what may start in its place; one transaction, one flush to the disk, for both."""
        reports = self._reports(attempts)
        if not reports:
            self._start_waiting()
            return
        failpoint("ingest_before_finish")
        try:
            with transaction():
                lifecycle.finish(reports)
                claimed = self._claimed()
        except recovery.REFUSALS:
            recovery.write(reports)
            claimed = self._claimed()
        failpoint("finish_after_commit")
        self._begin(claimed)

    def _take_in(self, attempts: Iterable[tuple[int, int]]) -> None:
        reports = self._reports(attempts)
        if reports:
            recovery.write(reports)

    def _reports(self, attempts: Iterable[tuple[int, int]]) -> list[Report]:
        """What these attempts left, as far as they are over, and those the engine would not start."""
        found = [(run_id, number, self._engine.outcome(run_id, number)) for run_id, number in attempts]
        found += [(run_id, number, Outcome("start_failed", error=why)) for run_id, number, why in self._engine.refusals()]
        return [Report(run_id, number, outcome) for run_id, number, outcome in found if outcome is not None]

    def _start_waiting(self) -> None:
        self._begin(self._claimed())

    def _claimed(self) -> list[Made]:
        """What may start, claimed and made ready in one transaction: an edit comes before both or after both."""
        if trouble.room(settings().instance) < trouble.LEAST_ROOM:
            return []  # what began now could not even say that it has begun
        admitted = waiting.admitted(clock.now())
        if not admitted:
            return []
        with transaction():
            return self._made(admitted)

    def _made(self, admitted: Sequence[int]) -> list[Made]:
        """Part of the transaction."""
        claimed = lifecycle.claim(admitted)
        made: list[Made] = list(zip(claimed, perform.specs(claimed), strict=True))
        failpoint("spec_built")
        return made

    def _begin(self, claimed: Sequence[Made]) -> None:
        """Hand over what could be made ready; what could not has failed."""
        self._hand_over([made for _, made in claimed if isinstance(made, Spec)])
        at = clock.now()
        failed = [
            endings.unbegun(one.run_id, one.number, str(why), at, isinstance(why, secrets.Unusable))
            for one, why in claimed
            if isinstance(why, SchedulerError)
        ]
        if failed:
            lifecycle.finish(failed)
            self._nudge()

    def _hand_over(self, specs: Sequence[Spec]) -> None:
        """Have the engine start these; when it cannot be reached all go back to wait."""
        if not specs:
            return
        failpoint("claim_after_commit")
        self._term.trust()  # frozen since the claim, we may not lead any more; what is not begun now, its node puts back
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
        for run in db.session.connection().execute(_TO_STOP, {"node": nodes.own()}).all():
            if self._engine.probe(run.id, run.attempts) in (State.ALIVE, State.UNSTARTED):
                self._engine.stop(run.id, run.attempts, force=run.cancel_count > 1)


def _drain(pipe: int) -> None:
    try:
        while os.read(pipe, 4096):
            continue
    except BlockingIOError:
        return
