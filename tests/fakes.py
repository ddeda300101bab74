"""Stand-ins for what is outside a test: an engine that performs nothing and answers what it was told to."""

from collections.abc import Callable, Sequence
from pathlib import Path

from scheduler.execution.engines import Carrier, Consumer, Engine, Refusal
from scheduler.execution.protocol import Spec, Start, State
from scheduler.runs.policy import Outcome

Attempt = tuple[int, int]


class FakeEngine(Engine):
    """Remembers what it was asked; `outcomes` are those of every attempt that starts, `states` override what it says of one."""

    name = "fake"
    label = "Fake"

    def __init__(self, instance: Path = Path("/nowhere"), inline: Outcome | None = None) -> None:
        super().__init__(instance)
        self.inline = inline
        self.specs: dict[Attempt, Spec] = {}
        self.stopped: list[tuple[int, int, bool]] = []
        self.fenced: list[Attempt] = []
        self.swept: list[Attempt] = []
        self.states: dict[Attempt, State] = {}
        self.outcomes: dict[Attempt, Outcome] = {}
        self.refusal: str | None = None
        self.refused: list[Refusal] = []
        self.unreachable = False
        self.stands_by = False

    def stand_by(self) -> None:
        self.stands_by = True
        if self.unreachable:
            raise ConnectionRefusedError("nobody there")

    def start(self, specs: Sequence[Spec]) -> None:
        if self.unreachable:
            raise ConnectionRefusedError("nobody there")
        for spec in specs:
            if self.refusal is not None:
                self.refused.append(Refusal(spec.run_id, spec.attempt, self.refusal))
                continue
            self.specs[spec.run_id, spec.attempt] = spec
            if self.inline:
                self.outcomes[spec.run_id, spec.attempt] = self.inline

    def refusals(self) -> list[Refusal]:
        told, self.refused = self.refused, []
        return told

    def stop(self, run_id: int, number: int, force: bool = False) -> None:
        self.stopped.append((run_id, number, force))

    def probe(self, run_id: int, number: int) -> State:
        key = (run_id, number)
        if key in self.outcomes:
            return State.FINISHED
        return self.states.get(key, State.ALIVE if key in self.specs else State.UNSTARTED)

    def fence(self, run_id: int, number: int) -> bool:
        if (run_id, number) in self.specs:
            return False
        self.fenced.append((run_id, number))
        return True

    def sweep(self, run_id: int, number: int) -> None:
        self.swept.append((run_id, number))

    def started(self, run_id: int, number: int) -> Start | None:
        return Start(supervisor=1, child=4711, started_at=1.0, host="here") if (run_id, number) in self.specs else None

    def outcome(self, run_id: int, number: int) -> Outcome | None:
        return self.outcomes.get((run_id, number))


class FakeCarrier(Carrier, Consumer):
    """Remembers what it was told of; the test decides what is waiting, and when a message is delivered."""

    over = False

    def __init__(self) -> None:
        self.told: list[Attempt] = []
        self.asleep: list[Attempt] = []  # messages nobody has taken
        self.asked = 0
        self.unreachable = False
        self.perform: Callable[[int, int], None] | None = None

    def publish(self, attempts: Sequence[Attempt]) -> None:
        self._reached()
        self.told += attempts
        self.asleep += attempts

    def waiting(self) -> int:
        self.asked += 1
        self._reached()
        return len(self.asleep)

    def consumer(self, perform: Callable[[int, int], None], threads: int) -> Consumer:
        self.perform = perform
        return self

    def start(self) -> None:
        """Nothing comes by itself."""

    def stop(self, patience: float) -> None:
        self.perform = None

    def _reached(self) -> None:
        if self.unreachable:
            raise ConnectionError("the broker does not answer")
