"""One leads, the others wait, and neither the dead nor the frozen lead anybody."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from scheduler import nodes
from scheduler.daemon import flock
from scheduler.daemon.flock import FlockLeadership
from scheduler.daemon.leader import Deposed, Leadership, Term
from scheduler.database import db, guarded, transaction
from tests.conftest import FrozenClock

pytestmark = pytest.mark.usefixtures("app")

HOLD = """
import fcntl, os, sys, time
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print(os.getpid(), file=file, flush=True)
print("held", flush=True)
time.sleep(600)
"""


def taken(leadership: Leadership) -> Term:
    term = leadership.take()
    assert term is not None
    return term


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[bytes]:
    """Another process that has the lock and has written its number into it."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout and process.stdout.readline()
    return process


def test_one_at_a_time(tmp_path: Path) -> None:
    first, second = FlockLeadership(tmp_path / "run" / "lock"), FlockLeadership(tmp_path / "run" / "lock")
    term = taken(first)
    assert (term.held, second.take()) == (True, None)
    term.resign()
    assert (term.held, taken(second).held) == (False, True)


def test_to_resign_twice_is_harmless(tmp_path: Path) -> None:
    term = taken(FlockLeadership(tmp_path / "lock"))
    term.resign()
    following = taken(FlockLeadership(tmp_path / "lock"))
    term.resign()
    assert following.held and FlockLeadership(tmp_path / "lock").take() is None


def test_each_leader_has_a_number_of_its_own(tmp_path: Path) -> None:
    first = taken(FlockLeadership(tmp_path / "lock"))
    first.resign()
    second = taken(FlockLeadership(tmp_path / "lock"))
    lease = db.session.get_one(nodes.Lease, nodes.LEADER)
    assert (first.epoch, second.epoch, lease.epoch, lease.pid) == (1, 2, 2, os.getpid())


def test_a_killed_leader_leads_no_more(tmp_path: Path, holder: subprocess.Popen[bytes]) -> None:
    other = FlockLeadership(tmp_path / "lock")
    assert other.take() is None
    holder.kill()
    holder.wait()
    assert taken(other).held


def test_one_that_is_frozen_is_ended_by_who_waits(tmp_path: Path, holder: subprocess.Popen[bytes], clock: FrozenClock) -> None:
    holder.send_signal(signal.SIGSTOP)
    other = FlockLeadership(tmp_path / "lock")
    for _ in range(flock.FROZEN):
        assert other.take() is None
        clock.move(seconds=0.5)
    assert holder.poll() is None
    other.take()
    assert holder.wait(30) == -signal.SIGKILL
    assert taken(other).held


def test_one_that_shows_itself_is_left_alone(tmp_path: Path, holder: subprocess.Popen[bytes], clock: FrozenClock) -> None:
    other = FlockLeadership(tmp_path / "lock")
    for second in range(2 * flock.FROZEN):
        os.utime(tmp_path / "lock", (second, second))
        assert other.take() is None
        clock.move(seconds=0.5)
    assert holder.poll() is None
    holder.kill()
    holder.wait()


def test_looks_in_quick_succession_count_once(tmp_path: Path, holder: subprocess.Popen[bytes]) -> None:
    other = FlockLeadership(tmp_path / "lock")
    for _ in range(2 * flock.FROZEN):
        assert other.take() is None
    assert holder.poll() is None
    holder.kill()
    holder.wait()


def test_a_number_that_is_another_processs_by_now_ends_nobody(tmp_path: Path, clock: FrozenClock) -> None:
    term = taken(FlockLeadership(tmp_path / "lock"))
    innocent = subprocess.Popen(["sleep", "60"])
    (tmp_path / "lock").write_text(f"{innocent.pid}\n")
    other = FlockLeadership(tmp_path / "lock")
    for _ in range(2 * flock.FROZEN):
        assert other.take() is None
        clock.move(seconds=0.5)
    assert innocent.poll() is None
    innocent.kill()
    innocent.wait()
    term.resign()


def test_the_lock_is_not_passed_on_to_programs(tmp_path: Path) -> None:
    term = taken(FlockLeadership(tmp_path / "lock"))
    descriptors = [int(name) for name in os.listdir("/proc/self/fd")]
    target = os.path.realpath(tmp_path / "lock")
    held = [one for one in descriptors if os.path.realpath(f"/proc/self/fd/{one}") == target]
    assert held and not any(os.get_inheritable(one) for one in held)
    term.resign()


def test_who_has_resigned_writes_nothing(app: Flask) -> None:
    term = Term()
    with guarded(term.check):
        with transaction() as session:
            assert session.is_active
        term.resign()
        with pytest.raises(Deposed), transaction():
            pytest.fail("it was let in")


def test_what_is_forbidden_one_thread_is_not_forbidden_the_others(app: Flask) -> None:
    term = Term()
    term.resign()
    with guarded(term.check), pytest.raises(Deposed), transaction():
        pass
    with transaction() as session:
        assert session.is_active
