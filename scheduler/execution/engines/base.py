"""What every engine does with attempts: start, stop, tell; it decides nothing and writes no row."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from scheduler.execution.protocol import Spec, Start, State
from scheduler.runs.policy import Outcome


class Refusal(NamedTuple):
    """An attempt that will not be started, and why."""

    run_id: int
    number: int
    why: str


class Engine(ABC):
    """Performs attempts; each call names them by run and number, and each may be made again after a restart."""

    name: ClassVar[str]
    label: ClassVar[str]

    def __init__(self, instance: Path) -> None:
        self.instance = instance

    @abstractmethod
    def stand_by(self) -> None:
        """Be ready to start attempts at once. OSError when it cannot be; `start` tries anew."""

    @abstractmethod
    def start(self, specs: Sequence[Spec]) -> None:
        """Have attempts started, each at most once; they are not waited for. OSError when nobody can start any now."""

    @abstractmethod
    def refusals(self) -> list[Refusal]:
        """What has been refused since this was asked last, of all that were to start."""

    @abstractmethod
    def stop(self, run_id: int, number: int, force: bool = False) -> None:
        """Have an attempt stopped, with all its processes; with `force` without grace."""

    @abstractmethod
    def probe(self, run_id: int, number: int) -> State:
        """How an attempt is doing."""

    @abstractmethod
    def fence(self, run_id: int, number: int) -> bool:
        """Make sure an unstarted attempt never starts; False when it did start."""

    @abstractmethod
    def sweep(self, run_id: int, number: int) -> None:
        """End every process that is left of an attempt whose supervisor is gone."""

    @abstractmethod
    def started(self, run_id: int, number: int) -> Start | None:
        """Who performs a running attempt."""

    @abstractmethod
    def outcome(self, run_id: int, number: int) -> Outcome | None:
        """What a finished attempt left; None while it has not finished."""


class Consumer(ABC):
    """Takes messages off the broker, in threads of its own, until it is stopped."""

    @abstractmethod
    def start(self) -> None:
        """Begin; a broker that does not answer is tried again for as long as it takes."""

    @property
    @abstractmethod
    def over(self) -> bool:
        """Whether it has come to an end."""

    @abstractmethod
    def stop(self, patience: float) -> None:
        """Take no more, and wait so many seconds for those who perform to come back."""


class Carrier(ABC):
    """Tells workers which attempts there are to take. What it carries are their numbers, and it may lose or double them."""

    @abstractmethod
    def publish(self, attempts: Sequence[tuple[int, int]]) -> None:
        """Tell of these, each by run and number. OSError when nobody takes them now: some may have been told of."""

    @abstractmethod
    def waiting(self) -> int:
        """How many messages nobody has taken yet. OSError when the broker does not answer."""

    @abstractmethod
    def consumer(self, perform: Callable[[int, int], None], threads: int) -> Consumer:
        """What calls `perform` with the run and number of each message, in so many threads."""
