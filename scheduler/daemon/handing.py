"""A dispatcher that hands attempts over to workers: claims them for nobody, has them told of, reminds of those nobody took."""

import logging
from collections.abc import Callable, Collection, Sequence

from flask import Flask

from scheduler import clock
from scheduler.daemon.dispatcher import Dispatcher, Made
from scheduler.daemon.leader import Term
from scheduler.daemon.recovery import Strange
from scheduler.execution.engines import Carrier, Engine
from scheduler.failpoints import failpoint
from scheduler.runs import handing, lifecycle

AGAIN = 10.0  # seconds after which an attempt that nobody took is told of once more
PAUSE, LONGEST_PAUSE = 1.0, 15.0  # seconds between two knocks at a broker that does not answer

_log = logging.getLogger("TaskExecutor")


class Handing(Dispatcher):
    """What its own node performs, because a worker lives in the same folder, it sees to like any dispatcher."""

    def __init__(
        self, app: Flask, engine: Engine, carrier: Carrier, term: Term | None = None, changed: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(app, engine, term, changed)
        self._carrier = carrier
        self._told: dict[tuple[int, int], float] = {}  # when each that is untaken was told of last, on the steady clock
        self._pause = 0.0  # while the broker does not answer
        self._knocked = 0.0

    def _stand_by(self) -> None:
        """It starts none: there is nothing to be ready for."""

    def _work(self, attempts: Collection[tuple[int, int]]) -> None:
        self._knock()
        super()._work(attempts)

    def _claimed(self) -> list[Made]:
        """Nothing while the broker does not answer: what waits keeps its place, and no attempt is opened in vain."""
        return [] if self._pause else super()._claimed()

    def _made(self, admitted: Sequence[int]) -> list[Made]:
        """Nothing is made ready here: no secret crosses the broker, and whoever takes it reads the task as it is then."""
        return [(one, None) for one in lifecycle.claim(admitted, node=handing.NOBODY)]

    def _begin(self, claimed: Sequence[Made]) -> None:
        """Tell of them; when nobody listens all go back to wait that nobody took."""
        attempts = [(one.run_id, one.number) for one, _ in claimed]
        if not attempts:
            return
        failpoint("claim_after_commit")
        self._term.trust()
        try:
            self._tell(attempts)
        except OSError as error:
            self._unreachable(error)
            for run_id, number in attempts:
                handing.put_back(run_id, number, str(error))
            return
        for run_id, number in attempts:
            _log.info("event=attempt_handed_over run=%s attempt=%s", run_id, number)

    def _tell(self, attempts: Sequence[tuple[int, int]]) -> None:
        self._told |= dict.fromkeys(attempts, clock.monotonic())
        self._carrier.publish(attempts)

    def _remind(self, untaken: Sequence[Strange]) -> None:
        """Where fewer messages wait than attempts do some were lost, or we are new here: tell of all once more.

        Where as many wait the workers are busy, or there are none; more messages would bring no more workers.
        """
        now = clock.monotonic()
        known = {(one.run_id, one.number) for one in untaken}
        self._told = {key: at for key, at in self._told.items() if key in known}
        late = sorted(key for key in known if now - self._told.get(key, -AGAIN) >= AGAIN)
        if not late or self._pause:
            return
        try:
            if self._carrier.waiting() < len(known):
                _log.warning("event=attempts_told_again count=%s", len(late))
                self._tell(late)
            else:
                self._told |= dict.fromkeys(late, now)
        except OSError as error:
            self._unreachable(error)

    def _pass_on_stops(self) -> None:
        """What nobody took ends at once."""
        if self._stops and handing.end_unwanted():
            self._nudge()
        super()._pass_on_stops()

    def _knock(self) -> None:
        """Ask now and then whether a broker that did not answer does; not within a transaction."""
        if not self._pause or clock.monotonic() - self._knocked < self._pause:
            return
        try:
            self._carrier.waiting()
        except OSError as error:
            self._unreachable(error)
            return
        self._pause = 0.0
        _log.info("event=broker_answers")

    def _unreachable(self, error: OSError) -> None:
        """Wait longer from time to time; said once."""
        if not self._pause:
            _log.error("event=broker_unreachable reason=%s", error)
        self._pause = min(max(PAUSE, self._pause * 2), LONGEST_PAUSE)
        self._knocked = clock.monotonic()
