"""A connection to the runner of an instance, and what it sends and hears; what a spec is, `protocol` says."""

import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from scheduler.errors import N_, SchedulerError
from scheduler.execution import sockets
from scheduler.execution.protocol import RUNNER_SOCKET, Spec
from scheduler.failpoints import failpoint

PATIENCE = 30.0  # seconds for a runner to take what is sent, and to answer


class Refused(SchedulerError):
    """The runner would not start an attempt."""


class Client:
    """A connection to the runner of an instance; OSError when there is none, and not within `patience` seconds."""

    def __init__(self, instance: Path, patience: float = 0.0) -> None:
        self._socket = _connect(instance / RUNNER_SOCKET, time.monotonic() + patience)
        self._frames = sockets.Frames()

    def submit(self, spec: Spec) -> None:
        """Have one attempt started; returns when the runner has taken it on. Submitting twice starts once."""
        (refusal,) = self.submit_many([spec])
        if refusal is not None:
            raise Refused.because(N_("The runner refused the attempt: %(why)s"), why=refusal)

    def submit_many(self, specs: Sequence[Spec]) -> list[str | None]:
        """Have attempts started, without waiting for one to send the next; answers why each was refused, or None."""
        self.send(specs)
        answers: list[str | None] = []
        while len(answers) < len(specs):
            answers += self.answers(PATIENCE)
        return answers

    def send(self, specs: Iterable[Spec]) -> None:
        """Have attempts started; what comes of it is told by `answers`."""
        self._socket.settimeout(PATIENCE)
        self._socket.sendall(b"".join(sockets.frame(spec._asdict()) for spec in specs))
        failpoint("hand_over_sent")

    def answers(self, patience: float = 0.0) -> list[str | None]:
        """Why each attempt was refused, or None, in the order they were sent, as far as it has told; OSError when it hung up.

        With `patience` the first answer is waited for so many seconds.
        """
        self._socket.settimeout(patience)
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            return []
        if not data:
            raise ConnectionResetError("the runner hung up")
        return [json.loads(body).get("error") for body in self._frames.feed(data)]

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _connect(path: Path, deadline: float) -> Any:
    while True:
        try:
            return sockets.connect(path, timeout=PATIENCE)
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.01)
