"""A dispatcher that starts nothing: it sees to the attempts of a node no leader works on; who needs one starts one."""

from collections.abc import Collection

from scheduler import clock
from scheduler.daemon.dispatcher import IDLE, Dispatcher


class Tender(Dispatcher):
    """Sees to the attempts of this node while another one's daemon leads: takes in results, passes on stops, starts nothing.

    What it writes is told by files that are only here, so it needs nobody's leave.
    """

    ASLEEP = IDLE  # nobody wakes it

    def _stand_by(self) -> None:
        """It starts none: there is nothing to be ready for."""

    def _work(self, attempts: Collection[tuple[int, int]]) -> None:
        self._take_in(attempts)

    def _look_around(self) -> None:
        if clock.monotonic() - self._looked >= IDLE:
            self._looked = clock.monotonic()
            self._stops = True
            self._recover()
