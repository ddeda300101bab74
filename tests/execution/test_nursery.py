"""Where supervisors come from: how little each of them keeps for itself, and what happens when that place is gone."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.execution.protocol import State, probe, read_start
from scheduler.execution.rehearsal import FOLDER
from tests.execution.conftest import Station, children, finished, log_of, nursery, running, stationed
from tests.waiting import until

pytestmark = pytest.mark.slow

# A process that Python merely forked, and that does nothing at all.
BARE = """
import gc, os, signal
gc.freeze()
pid = os.fork() or signal.pause()
print(pid, flush=True)
signal.pause()
"""


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    """One of its own for each test, since they end badly here."""
    with stationed(tmp_path):
        pass  # now Python has compiled what a runner is made of
    with stationed(tmp_path) as own:
        nursery(own.runner.pid)  # is done with its rehearsal
        yield own


@pytest.fixture
def bare() -> Iterator[int]:
    """What a forked process that does nothing keeps for itself, in KB."""
    command = [sys.executable, "-I", "-S", "-c", BARE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={"LD_BIND_NOW": "1"}, start_new_session=True) as parent:
        assert parent.stdout is not None
        yield private_kb(int(parent.stdout.readline()))
        os.killpg(parent.pid, signal.SIGKILL)


def private_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def test_a_supervisor_whose_task_runs_keeps_little_for_itself(station: Station, bare: int) -> None:
    folder = station.start("echo begun; exec sleep 600")
    until(lambda: (folder / "output.idx").exists())
    assert private_kb(running(folder)) < 6 * bare  # 7.7 unrehearsed, 9.5 forked from the runner


def test_so_does_one_that_performed_others_before(station: Station, bare: int) -> None:
    for _ in range(9):
        finished(station.start("echo"))
    folder = station.start("echo begun; exec sleep 600")
    until(lambda: (folder / "output.idx").exists())
    assert private_kb(running(folder)) < 8 * bare


def used(station: Station, count: int) -> tuple[int, int]:
    """A supervisor that has performed so many attempts more, and its private memory."""
    for _ in range(count):
        finished(station.start(":"))
    folder = station.start("echo begun; sleep 0.5")
    until((folder / "output.idx").exists)
    supervisor, size = running(folder), private_kb(running(folder))
    finished(folder)
    return supervisor, size


def test_a_supervisor_keeps_nothing_of_what_it_performed(station: Station, bare: int) -> None:
    pairs = ((used(station, 10), used(station, 90)) for _ in range(5))
    (_, before), (_, after) = next(pair for pair in pairs if pair[0][0] == pair[1][0])  # who is idle for a second leaves
    assert after - before < bare  # twice of it when it kept what watched each


def test_it_is_replaced_when_it_was_killed(station: Station) -> None:
    before = nursery(station.runner.pid)
    os.kill(before, signal.SIGKILL)
    until(lambda: before not in children(station.runner.pid))
    assert station.perform("exit 3")[0]["exit_code"] == 3
    assert nursery(station.runner.pid) != before


def test_without_it_who_loses_its_supervisor_is_ended_and_nobody_else(station: Station) -> None:
    lost, kept = station.start("exec sleep 600"), station.start("sleep 0.5; exit 4")
    supervisors = running(lost), running(kept)
    os.kill(nursery(station.runner.pid), signal.SIGKILL)
    os.kill(supervisors[0], signal.SIGKILL)
    task = Path("/proc", str((read_start(lost) or {})["child"]))
    until(lambda: not task.exists())
    assert finished(kept)["exit_code"] == 4
    until(lambda: probe(lost) is State.LOST)


def test_nobody_waits_for_its_rehearsal(tmp_path: Path) -> None:
    with stationed(tmp_path) as station:
        assert station.perform("exit 3")[0]["exit_code"] == 3


def test_it_leaves_with_its_runner(station: Station) -> None:
    place = Path("/proc", str(nursery(station.runner.pid)))
    station.runner.kill()
    until(lambda: not place.exists() or " Z " in (place / "stat").read_text())


def test_a_supervisor_gets_a_spec_of_any_size(station: Station) -> None:
    folder = station.start("/bin/sh", "-c", 'wc -c < "$0"', "{dir}/large", files={"large": "x" * 3_000_000})
    finished(folder)
    assert log_of(folder).strip() == b"3000000"


def test_a_rehearsal_clears_away_what_it_left_and_what_lay_there(tmp_path: Path) -> None:
    remains = tmp_path / FOLDER.format(pid=2**22 + 1) / "3"  # more than there can be
    remains.mkdir(parents=True)
    (remains / "start").touch()
    with stationed(tmp_path) as station:
        nursery(station.runner.pid)
        assert not list(tmp_path.glob(FOLDER.format(pid="*")))
