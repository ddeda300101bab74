"""What every engine promises, asked of the one that performs attempts on this machine, with a real runner."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scheduler.execution.engines import Engine, Local, Refusal, engines
from scheduler.execution.protocol import RUNNER_SOCKET, Spec, State
from scheduler.runs.folders import attempt_folder, workspace_folder
from scheduler.runs.policy import Outcome
from tests.execution.conftest import alive
from tests.waiting import until

pytestmark = pytest.mark.slow

Make = Callable[..., Spec]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Local]:
    made = Local(tmp_path)
    yield made
    made.close()
    runner = made._runner
    if runner is not None and runner.stdin is not None:
        runner.stdin.close()
        runner.wait(30)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """`make("exit 3")`: the spec of a first attempt."""

    def spec(command: str, run_id: int = 1, number: int = 1, **more: Any) -> Spec:
        folder = attempt_folder(tmp_path, run_id, number)
        known = {"workspace": str(tmp_path / "work"), "env": {"PATH": os.environ["PATH"]}, "grace": 0.5, "timeout": 20.0}
        return Spec(run_id, number, dir=str(folder), argv=["sh", "-c", command], **{**known, **more})

    return spec


def ended(engine: Engine, run_id: int = 1, number: int = 1) -> Outcome:
    until(lambda: engine.outcome(run_id, number) is not None)
    found = engine.outcome(run_id, number)
    assert found is not None
    return found


def test_every_engine_is_registered_by_its_name() -> None:
    assert engines.names == ("local",)
    assert all(issubclass(engine, Engine) and engine.label for engine in engines)


@pytest.mark.parametrize(
    ("command", "reason", "code", "number"), [("exit 3", "exited", 3, None), ("kill -9 $$", "signalled", None, 9)]
)
def test_it_performs_and_tells_how_it_went(engine: Local, make: Make, command: str, reason: str, code: int, number: int) -> None:
    engine.start([make(command)])
    outcome = ended(engine)
    assert (outcome.reason, outcome.exit_code, outcome.signal) == (reason, code, number)
    assert outcome.pid and outcome.host == os.uname().nodename
    assert outcome.started_at and outcome.finished_at and outcome.duration is not None
    assert engine.probe(1, 1) is State.FINISHED


def test_it_stands_by_with_a_runner_before_anything_is_to_start(engine: Local, tmp_path: Path) -> None:
    assert not (tmp_path / RUNNER_SOCKET).exists()
    engine.stand_by()
    assert (tmp_path / RUNNER_SOCKET).exists()


def test_it_tells_who_performs(engine: Local, make: Make) -> None:
    assert (engine.started(1, 1), engine.probe(1, 1), engine.outcome(1, 1)) == (None, State.UNSTARTED, None)
    engine.start([make("sleep 20")])
    until(lambda: (engine.started(1, 1) or {}).get("child"))
    assert (engine.probe(1, 1), engine.outcome(1, 1)) == (State.ALIVE, None)
    engine.stop(1, 1)
    assert ended(engine).reason == "cancelled"


def test_it_starts_an_attempt_once_however_often_it_is_asked(engine: Local, make: Make, tmp_path: Path) -> None:
    spec = make(f"echo x >> {tmp_path}/ledger; sleep 0.2")
    engine.start([spec, spec, spec])
    engine.start([spec])
    ended(engine)
    assert engine.refusals() == []
    time.sleep(0.3)
    assert (tmp_path / "ledger").read_text() == "x\n"


def test_a_fence_keeps_an_attempt_from_ever_starting(engine: Local, make: Make, tmp_path: Path) -> None:
    assert engine.fence(1, 1) and engine.fence(1, 1)
    engine.start([make(f"touch {tmp_path}/started"), make("true", run_id=2)])
    ended(engine, 2)
    assert engine.probe(1, 1) is State.UNSTARTED
    assert not (tmp_path / "started").exists()


def test_no_fence_stands_before_what_has_started(engine: Local, make: Make) -> None:
    engine.start([make("sleep 20")])
    until(lambda: engine.started(1, 1))
    assert not engine.fence(1, 1)
    engine.stop(1, 1, force=True)
    assert ended(engine).reason == "cancelled"


def test_a_stop_that_comes_first_is_heeded(engine: Local, make: Make, tmp_path: Path) -> None:
    engine.stop(1, 1)
    engine.start([make(f"touch {tmp_path}/started")])
    assert ended(engine).reason == "cancelled"
    assert not (tmp_path / "started").exists()


def test_it_starts_the_next_when_the_runner_was_killed(engine: Local, make: Make) -> None:
    engine.start([make("sleep 1; exit 5")])
    assert engine._runner is not None
    until(lambda: (engine.started(1, 1) or {}).get("child"))
    engine._runner.kill()
    engine._runner.wait()
    engine.start([make("exit 6", run_id=2)])
    assert (ended(engine, 2).exit_code, ended(engine, 1).exit_code) == (6, 5)


def test_another_engine_of_the_same_place_goes_on_with_what_runs(engine: Local, make: Make, tmp_path: Path) -> None:
    engine.start([make("sleep 0.5; exit 4")])
    until(lambda: engine.started(1, 1))
    other = Local(tmp_path)
    other.start([make("true", run_id=2)])
    assert (ended(other, 1).exit_code, ended(other, 2).exit_code) == (4, 0)
    other.close()


def test_a_killed_supervisor_leaves_a_lost_attempt(engine: Local, make: Make) -> None:
    engine.start([make("sleep 20")])
    until(lambda: (engine.started(1, 1) or {}).get("child"))
    os.kill((engine.started(1, 1) or {})["supervisor"], signal.SIGKILL)
    until(lambda: engine.probe(1, 1) is State.LOST)
    assert engine.outcome(1, 1) is None


def test_nothing_is_left_when_supervisor_and_runner_were_killed_together(engine: Local, make: Make, tmp_path: Path) -> None:
    place = str(workspace_folder(tmp_path, 1))
    env = {"PATH": os.environ["PATH"], "SCHEDULER_WORKSPACE": place, "SCHEDULER_ATTEMPT": "1"}
    engine.start(
        [make("setsid sleep 600 & sleep 600", env=env), make("sleep 600", number=2, env=env | {"SCHEDULER_ATTEMPT": "2"})]
    )
    until(lambda: len(alive("SCHEDULER_WORKSPACE=" + place)) >= 4)
    assert engine._runner is not None
    engine._runner.kill()
    os.kill((engine.started(1, 1) or {})["supervisor"], signal.SIGKILL)
    engine.sweep(1, 1)
    assert not set(alive("SCHEDULER_ATTEMPT=1")) & set(alive("SCHEDULER_WORKSPACE=" + place))
    assert engine.probe(1, 2) is State.ALIVE
    engine.stop(1, 2, force=True)


def test_it_says_why_it_refuses(engine: Local, make: Make) -> None:
    fine, strange = make("true"), make("true", run_id=2, limits={"patience": 1})
    engine.start([fine, strange])
    refusals: list[Refusal] = []
    until(lambda: refusals.extend(engine.refusals()) or refusals)
    ((run_id, number, why),) = refusals
    assert (run_id, number) == (2, 1) and "limits" in why


def test_what_a_runner_left_unanswered_the_next_one_gets(engine: Local, make: Make) -> None:
    engine.start([make("true")])
    ended(engine)
    assert engine._runner is not None
    os.kill(engine._runner.pid, signal.SIGSTOP)
    engine.start([make("exit 6", run_id=2)])
    engine._runner.kill()
    engine._runner.wait()
    until(lambda: engine.refusals() == [] and engine.outcome(2, 1))
    assert ended(engine, 2).exit_code == 6


def test_a_damaged_result_is_no_result_of_ours(engine: Local, tmp_path: Path) -> None:
    folder = attempt_folder(tmp_path, 1, 1)
    folder.mkdir(parents=True)
    (folder / "result").write_text('{"reason": ')
    outcome = engine.outcome(1, 1)
    assert outcome is not None and outcome.reason == "lost"
