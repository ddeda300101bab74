"""Supervisors that die: their runs are lost within ten seconds, and none of their processes, however hidden, lives on."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from scheduler.execution.protocol import START, is_locked
from scheduler.runs.folders import attempt_folder
from scheduler.runs.models import Run
from tests.flows.conftest import Site
from tests.waiting import until

pytestmark = pytest.mark.slow

HIDDEN = "setsid nohup sleep 60 >/dev/null 2>&1 & (setsid sh -c 'setsid sleep 60 & sleep 60' &) ; sleep 60"


@pytest.fixture
def stranger() -> Iterator["subprocess.Popen[bytes]"]:
    """A process of somebody else's, which any wrong signal would end."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def begun(site: Site, command: str, processes: int) -> Run:
    run = site.run(site.task(command))
    until(lambda: len(site.processes()) >= processes)
    return run


def test_a_killed_supervisor_is_noticed_and_its_hidden_grandchildren_end(site: Site) -> None:
    site.start()
    run = begun(site, HIDDEN, 4)
    site.kill_supervisor(run)
    until(lambda: not site.processes(), 10)
    assert site.until_over(run, patience=10) == ["lost"]


def test_a_supervisor_that_dies_after_server_and_runner_leaves_nothing_once_a_server_is_back(site: Site) -> None:
    server = site.start()
    run = begun(site, HIDDEN, 4)
    server.kill()
    server.wait()
    until(lambda: not (site.instance / "run" / "runner.sock").exists())
    site.kill_supervisor(run)
    site.start()
    assert site.until_over(run, patience=10) == ["lost"]
    until(lambda: not site.processes(), 5)


def test_a_killed_runner_costs_nothing(site: Site) -> None:
    site.start()
    going = begun(site, "sleep 3; echo done; exit 7", 1)
    os.kill(runner_of(site), signal.SIGKILL)
    following = site.run(site.task("echo next"))
    assert site.until_over(following, going) == ["success", "technical_failure"]
    assert (going.exit_code, going.attempts, site.output(going)) == (7, 1, b"done\n")


def runner_of(site: Site) -> int:
    """The process that forks the supervisors of this installation."""
    marks = b"scheduler.execution.runner", f"\0{site.instance}\0".encode()
    family = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            if all(mark in path.read_bytes() for mark in marks):
                family.add(int(path.parent.name))
    (found,) = [pid for pid in family if parent(pid) not in family]  # its supervisors look like it
    return found


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.parametrize(("stopped", "end"), [(False, "lost"), (True, "cancelled")])
def test_after_a_reboot_what_ran_is_over_and_no_stranger_is_signalled(
    site: Site, stranger: "subprocess.Popen[bytes]", stopped: bool, end: str
) -> None:
    server = site.start()
    run = begun(site, "sleep 60", 1)
    server.kill()
    server.wait()
    site.kill_supervisor(run)
    for process in site.processes():
        os.kill(process, signal.SIGKILL)
    folder = attempt_folder(site.instance, run.id, 1)
    until(lambda: not is_locked(folder))
    start = json.loads((folder / START).read_bytes())  # as after a reboot: another boot, and our numbers are others' now
    other = {"boot_id": "00000000-0000-0000-0000-000000000000", "supervisor": stranger.pid, "child": stranger.pid}
    (folder / START).write_text(json.dumps(start | other))
    if stopped:
        site.stop(run)
    site.start()
    assert site.until_over(run, patience=10) == [end]
    assert stranger.poll() is None
