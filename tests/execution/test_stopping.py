"""Stop means stop: nothing of a process tree survives, whatever its shape."""

import sys
from pathlib import Path

import pytest

from scheduler.execution.protocol import State, probe, request_stop
from tests.execution.conftest import PATH, Station, alive, finished, log_of
from tests.waiting import until

pytestmark = pytest.mark.slow

IGNORING = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
DAEMON = "import os, time; [os.fork() and os._exit(0) or os.setsid() for _ in '12']; print('ready', flush=True); time.sleep(600)"
SHAPES = {
    "child": "echo ready; sleep 600",
    "background": "sleep 600 & echo ready; sleep 600",
    "setsid": "setsid sleep 600 & echo ready; sleep 600",
    "double fork": f'{sys.executable} -c "{DAEMON}"; sleep 600',
    "TERM ignored": f'{sys.executable} -c "{IGNORING}"; sleep 600',
    "nohup": "nohup sleep 600 & echo ready; sleep 600",
}


@pytest.fixture
def cookie(tmp_path: Path) -> dict[str, str]:
    return {"PATH": PATH, "COOKIE": str(tmp_path)}


@pytest.mark.parametrize("shape", SHAPES)
def test_it_leaves_nothing_alive_after_a_timeout(station: Station, cookie: dict[str, str], shape: str) -> None:
    result, _ = station.perform(SHAPES[shape], env=cookie, timeout=0.6, grace=0.3)
    assert result["reason"] == "timeout"
    assert alive(f"COOKIE={cookie['COOKIE']}") == []


@pytest.mark.parametrize("shape", SHAPES)
def test_it_leaves_nothing_alive_after_a_stop(station: Station, cookie: dict[str, str], shape: str) -> None:
    folder = station.start(SHAPES[shape], env=cookie, grace=0.3)
    until(lambda: b"ready" in log_of(folder))
    request_stop(folder)
    assert finished(folder)["reason"] == "cancelled"
    assert alive(f"COOKIE={cookie['COOKIE']}") == []


def test_it_kills_what_a_finished_task_leaves_behind(station: Station, cookie: dict[str, str]) -> None:
    station.perform("setsid sh -c 'trap : TERM; while :; do sleep 600; done' & sleep 0.2", env=cookie, grace=0.2)
    assert alive(f"COOKIE={cookie['COOKIE']}") == []


@pytest.mark.parametrize(("command", "left"), [("setsid sleep 600 & sleep 0.2", 1), ("sleep 0.1 & wait", 0)])
def test_it_counts_what_a_finished_task_leaves_behind(station: Station, command: str, left: int) -> None:
    assert station.perform(command)[0]["left_behind"] == left


def test_it_lets_a_task_end_by_itself_within_the_grace(station: Station) -> None:
    folder = station.start("trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.05; done", grace=5)
    until(lambda: b"ready" in log_of(folder))
    request_stop(folder)
    result = finished(folder)
    assert (result["reason"], result["exit_code"], result["stopped_with"]) == ("cancelled", 5, "TERM")
    assert b"bye\n" in log_of(folder)


def test_it_kills_at_once_when_forced(station: Station) -> None:
    folder = station.start("trap '' TERM; echo ready; while :; do sleep 0.05; done", grace=60)
    until(lambda: b"ready" in log_of(folder))
    request_stop(folder)
    request_stop(folder, force=True)
    result = finished(folder)
    assert (result["reason"], result["signal"], result["stopped_with"]) == ("cancelled", 9, "KILL")


def test_it_keeps_the_grace_when_asked_twice(station: Station) -> None:
    folder = station.start("trap '' TERM; echo ready; sleep 0.5; sleep 0.5", grace=60)
    until(lambda: b"ready" in log_of(folder))
    request_stop(folder)
    request_stop(folder)
    assert finished(folder)["stopped_with"] == "TERM"


def test_it_wakes_a_suspended_task_so_that_it_can_end(station: Station) -> None:
    folder = station.start("trap 'exit 3' TERM; echo ready; kill -STOP $$; sleep 0.01", grace=30)
    until(lambda: b"ready" in log_of(folder))
    request_stop(folder)
    assert finished(folder)["exit_code"] == 3


def test_it_starts_nothing_when_the_stop_came_first(station: Station) -> None:
    spec = station.spec("echo no")
    folder = Path(spec.dir)
    request_stop(folder)
    assert probe(folder) is State.UNSTARTED
    station.submit(spec)
    assert finished(folder)["reason"] == "cancelled"
    assert log_of(folder) == b""
