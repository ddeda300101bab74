"""One leads, the others wait, and the dead lead nobody."""

import os
import signal
from pathlib import Path

from scheduler.daemon.leader import Leadership


def test_one_at_a_time(tmp_path: Path) -> None:
    first, second = Leadership(tmp_path / "run" / "lock"), Leadership(tmp_path / "run" / "lock")
    assert (first.take(), first.take(), second.take()) == (True, True, False)
    assert (first.held, second.held) == (True, False)
    first.resign()
    assert (first.held, second.take()) == (False, True)


def test_to_resign_twice_is_harmless(tmp_path: Path) -> None:
    only, other = Leadership(tmp_path / "lock"), Leadership(tmp_path / "lock")
    only.resign()
    assert other.take()
    only.resign()
    assert not Leadership(tmp_path / "lock").take()


def test_a_killed_leader_leads_no_more(tmp_path: Path) -> None:
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(tell, b"1" if Leadership(tmp_path / "lock").take() else b"0")
        signal.pause()
    assert os.read(ready, 1) == b"1"
    other = Leadership(tmp_path / "lock")
    assert not other.take()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert other.take()


def test_the_lock_is_not_passed_on_to_programs(tmp_path: Path) -> None:
    leader = Leadership(tmp_path / "lock")
    leader.take()
    descriptors = [int(name) for name in os.listdir("/proc/self/fd")]
    target = os.path.realpath(tmp_path / "lock")
    held = [one for one in descriptors if os.path.realpath(f"/proc/self/fd/{one}") == target]
    assert held and not any(os.get_inheritable(one) for one in held)
    leader.resign()
