"""The runner: hand-over, garbage, deaths of runner and supervisor, one start per attempt."""

import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.execution import launcher, sockets
from scheduler.execution.client import Client, Refused
from scheduler.execution.launcher import start_runner
from scheduler.execution.protocol import State, fence, is_locked, probe, read_start
from tests.execution.conftest import PATH, Station, alive, children, finished, log_of, running, stationed
from tests.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    """One of its own for each test, since they end badly here."""
    with stationed(tmp_path) as own:
        yield own


def supervisors(runner: int) -> list[int]:
    """Those of a runner, zombies included; its first child is where they come from."""
    return children(runner)[1:]


def test_it_carries_neither_the_web_framework_nor_threads() -> None:
    # Threads would add 120 copied pages to every fork.
    code = launcher.BOOT.rpartition("main(")[0] + "print(*sys.modules)"
    modules = subprocess.check_output([sys.executable, "-I", "-S", "-c", code, str(launcher.ROOT)]).decode().split()
    assert "scheduler.execution.supervisor" in modules
    assert not {"flask", "sqlalchemy", "threading", "subprocess", "random"} & set(modules)


def test_it_starts_an_attempt_once_however_often_it_is_handed_over(station: Station) -> None:
    spec = station.spec("echo once")
    for _ in range(3):
        station.submit(spec)
    finished(Path(spec.dir))
    until(lambda: not supervisors(station.runner.pid))
    assert log_of(Path(spec.dir)) == b"once\n"


def test_it_never_starts_what_has_a_tombstone(station: Station) -> None:
    spec = station.spec("echo no")
    assert fence(Path(spec.dir))
    station.submit(spec)
    until(lambda: not supervisors(station.runner.pid))
    assert (probe(Path(spec.dir)), fence(Path(spec.dir))) == (State.UNSTARTED, True)


def test_it_refuses_a_fence_once_somebody_has_started(station: Station) -> None:
    folder = station.start(":")
    finished(folder)
    assert not fence(folder)


def test_it_loses_an_attempt_whose_supervisor_is_killed_and_leaves_no_process(station: Station, tmp_path: Path) -> None:
    folder = station.start("setsid sleep 600 & sleep 600", env={"PATH": PATH, "COOKIE": str(tmp_path)})
    supervisor = running(folder)
    assert probe(folder) is State.ALIVE
    os.kill(supervisor, signal.SIGKILL)
    until(lambda: not alive(f"COOKIE={tmp_path}"))
    until(lambda: probe(folder) is State.LOST)


def test_a_supervisor_performs_one_attempt_after_the_other(station: Station) -> None:
    supervisors = []
    for number in range(5):  # who is idle for a second leaves: a machine that stalls brings another, but not each time
        folder = station.start(f"echo {number}; exit 4", env={"PATH": PATH, "NAME": "other"})
        assert (finished(folder)["exit_code"], log_of(folder)) == (4, f"{number}\n".encode())
        until(lambda folder=folder: not is_locked(folder))  # type: ignore[misc]
        supervisors.append((read_start(folder) or {})["supervisor"])
    assert len(set(supervisors)) < 5


def test_what_is_likely_to_last_gets_a_new_supervisor(station: Station) -> None:
    first = station.start(":")
    finished(first)
    until(lambda: not is_locked(first))
    second = station.start(":", lasting=True)
    finished(second)
    assert (read_start(first) or {})["supervisor"] != (read_start(second) or {})["supervisor"]


def test_nothing_of_an_attempt_is_seen_in_the_next_one(station: Station) -> None:
    hungry = f"{sys.executable} -S -c 'x = b\"x\" * 60_000_000'; echo said"
    busy, idle = finished(station.start(hungry)), finished(station.start(":"))
    assert idle["peak_memory_kb"] < busy["peak_memory_kb"] - 20_000
    assert idle["log_bytes"] == 0 and idle["last_line"] == ""


def test_a_signal_meant_for_an_attempt_before_does_not_stop_this_one(station: Station) -> None:
    folder = station.start("sleep 0.3; exit 5")
    os.kill(running(folder), signal.SIGTERM)
    assert finished(folder)["exit_code"] == 5


def test_the_next_attempt_starts_although_an_idle_supervisor_died(station: Station) -> None:
    first = station.start(":")
    finished(first)
    until(lambda: not is_locked(first))
    supervisor = (read_start(first) or {})["supervisor"]
    os.kill(supervisor, signal.SIGKILL)
    until(lambda: not Path("/proc", str(supervisor)).exists())
    assert finished(station.start("exit 6"))["exit_code"] == 6


def test_idle_supervisors_leave_with_the_runner(station: Station) -> None:
    first = station.start(":")
    finished(first)
    supervisor = Path("/proc", str((read_start(first) or {})["supervisor"]))
    station.runner.kill()
    until(lambda: not supervisor.exists() or " Z " in (supervisor / "stat").read_text())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_lets_attempts_finish_without_a_runner(station: Station, number: int) -> None:
    folder = station.start("echo begun; sleep 0.3; echo done; exit 6")
    running(folder)
    os.kill(station.runner.pid, number)
    station.runner.wait(30)
    assert (finished(folder)["exit_code"], log_of(folder)) == (6, b"begun\ndone\n")


def test_it_leaves_when_the_server_does(station: Station) -> None:
    assert station.runner.stdin is not None
    station.runner.stdin.close()
    assert station.runner.wait(30) == 0
    assert not (station.instance / "run" / "runner.sock").exists()


def test_it_stays_without_a_lifeline_until_told(tmp_path: Path) -> None:
    runner = start_runner(tmp_path, lifeline=False)
    Client(tmp_path, patience=5).close()
    runner.terminate()
    assert runner.wait(30) == 0


def test_it_is_alone_in_its_instance(station: Station) -> None:
    second = start_runner(station.instance, lifeline=False)
    assert second.wait(30) == 1
    log = station.instance / "logs" / "runner.log"
    assert "Another runner serves" in log.read_text()
    log.write_text("")


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">I", 3) + b"{]}",
        struct.pack(">I", 2) + b"[]",
        struct.pack(">I", 100_000) + b"[" * 100_000,
        sockets.frame({"version": 99}),
        sockets.frame({"version": 1, "argv": []}),
        b"\0\0",
    ],
)
def test_it_survives_garbage(station: Station, garbage: bytes) -> None:
    with sockets.connect(station.instance / "run" / "runner.sock", timeout=5) as peer:
        peer.sendall(garbage)
        peer.shutdown(socket.SHUT_WR)
        answer = peer.recv(4096)
    assert answer == b"" or b"error" in answer
    assert station.perform("exit 3")[0]["exit_code"] == 3


def test_it_serves_others_while_one_is_slow(station: Station) -> None:
    with sockets.connect(station.instance / "run" / "runner.sock", timeout=5) as slow:
        slow.sendall(b"\0\0")
        assert station.perform("exit 3")[0]["exit_code"] == 3


def test_it_says_why_it_refuses(station: Station) -> None:
    with pytest.raises(Refused, match="the limits are"):
        station.start(":", limits={"luck": 3})


def test_it_leaves_no_zombie_after_200_runs(station: Station) -> None:
    specs = [station.spec("sh -c : & :") for _ in range(200)]
    with Client(station.instance) as client:
        assert client.submit_many(specs) == [None] * 200
    for spec in specs:
        assert finished(Path(spec.dir))["exit_code"] == 0
    until(lambda: not supervisors(station.runner.pid))


def test_it_works_where_sigchld_was_ignored(tmp_path: Path) -> None:
    code = (
        "import signal, sys; from pathlib import Path; from scheduler.execution.launcher import start_runner;"
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN); print(start_runner(Path(sys.argv[1]), lifeline=False).pid)"
    )
    runner = subprocess.check_output([sys.executable, "-W", "ignore", "-c", code, str(tmp_path)])
    Client(tmp_path, patience=5).close()
    folder = Station(tmp_path, None).start("exit 9")  # type: ignore[arg-type]
    assert finished(folder)["exit_code"] == 9
    os.kill(int(runner), signal.SIGTERM)


def test_it_pokes_the_daemon(station: Station) -> None:
    with sockets.receive(station.instance / "run" / "daemon.sock") as daemon:
        daemon.settimeout(5)
        folder = station.start(":")
        assert daemon.recv(100) == f"{folder.parent.name}/1\n".encode()


def test_it_works_at_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    with stationed(deep) as station, sockets.receive(deep / "run" / "daemon.sock") as daemon:
        daemon.settimeout(5)
        result, _ = station.perform("exit 2")
        assert (result["exit_code"], daemon.recv(100)) == (2, b"1/1\n")


def test_it_describes_who_performs(station: Station) -> None:
    folder = station.start("sleep 600")
    supervisor = running(folder)
    start = read_start(folder) or {}
    assert children(supervisor) == [start["child"]]
    assert start["host"] == os.uname().nodename
    os.kill(start["child"] or 0, signal.SIGKILL)
    finished(folder)
