"""Performs attempts on this machine: hands their specs to the runner and reads what their supervisors leave in folders."""

import logging
import subprocess
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from scheduler.errors import N_
from scheduler.execution import launcher, protocol, tree
from scheduler.execution.client import Client
from scheduler.execution.engines.base import Engine, Refusal
from scheduler.execution.protocol import Spec, Start, State
from scheduler.nodes import HOST
from scheduler.runs.folders import attempt_folder, attempt_path, workspace_folder
from scheduler.runs.policy import Outcome

PATIENCE = 5.0  # seconds for a fresh runner to listen
_NOT_DETAILS = {"version", "pid", "reason", "exit_code", "signal", "error", "started_at", "finished_at", "duration", "index"}

_log = logging.getLogger("TaskExecutor")


class Local(Engine):
    """One machine, one runner; the runner is started when there is none, and again when it died."""

    name = "local"
    label = N_("On this machine")

    def __init__(self, instance: Path) -> None:
        super().__init__(instance)
        self._client: Client | None = None
        self._runner: subprocess.Popen[bytes] | None = None
        self._unanswered: deque[Spec] = deque()

    def stand_by(self) -> None:
        """Have a runner: one that had to be started first would keep the first attempt waiting for a tenth of a second."""
        self._connected()

    def start(self, specs: Sequence[Spec]) -> None:
        """Pass the specs on; a runner that hung up is replaced and sent them again."""
        self._unanswered.extend(specs)
        try:
            self._connected().send(specs)
        except OSError as error:
            self._send_again(error)

    def refusals(self) -> list[Refusal]:
        """What the runner has refused; when it hung up, what it left unanswered is sent to the next one."""
        try:
            answers = self._connected().answers() if self._unanswered else []
        except OSError as error:
            try:
                self._send_again(error)
            except OSError:
                _log.exception("event=engine_unreachable")  # what is under way nobody will begin: recovery sees to it
            return []
        answered = [(self._unanswered.popleft(), why) for why in answers]
        return [Refusal(spec.run_id, spec.attempt, why) for spec, why in answered if why is not None]

    def stop(self, run_id: int, number: int, force: bool = False) -> None:
        protocol.request_stop(self._folder(run_id, number), force)

    def probe(self, run_id: int, number: int) -> State:
        return protocol.probe(self._folder(run_id, number))

    def fence(self, run_id: int, number: int) -> bool:
        return protocol.fence(self._folder(run_id, number))

    def sweep(self, run_id: int, number: int) -> None:
        """The runner does it too, for its own; here by the environment, because the runner may be gone as well."""
        left = {f"SCHEDULER_WORKSPACE={workspace_folder(self.instance, run_id)}", f"SCHEDULER_ATTEMPT={number}"}
        if not tree.kill_bearers({entry.encode() for entry in left}):
            _log.error("event=processes_remain run=%s attempt=%s", run_id, number)

    def started(self, run_id: int, number: int) -> Start | None:
        return protocol.read_start(self._folder(run_id, number))

    def outcome(self, run_id: int, number: int) -> Outcome | None:
        result = protocol.read_result(attempt_path(self.instance, run_id, number))
        if result is None:
            return None
        return Outcome(
            reason=result.get("reason", "lost"),
            exit_code=result.get("exit_code"),
            signal=result.get("signal"),
            error=result.get("error"),
            started_at=result.get("started_at"),
            finished_at=result.get("finished_at"),
            duration=result.get("duration"),
            pid=result.get("pid"),
            host=HOST,
            details={name: value for name, value in result.items() if name not in _NOT_DETAILS},
        )

    def close(self) -> None:
        """Hang up on the runner."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _send_again(self, error: OSError) -> None:
        """All that the runner has not answered to the next one; the fence keeps a start from happening twice."""
        _log.warning("event=runner_gone reason=%s", error)
        self.close()
        specs = list(self._unanswered)
        self._unanswered.clear()
        self._connected().send(specs)
        self._unanswered.extend(specs)

    def _connected(self) -> Client:
        if self._client is None:
            try:
                self._client = Client(self.instance)
            except OSError:
                if self._runner is not None:
                    self._runner.poll()
                self._runner = launcher.start_runner(self.instance, lifeline=True)
                self._client = Client(self.instance, PATIENCE)
        return self._client

    def _folder(self, run_id: int, number: int) -> Path:
        return attempt_folder(self.instance, run_id, number)
