"""Finding and signalling every descendant of a process, or all that bear a mark; waiting for them is their parent's affair."""

import os
import signal
import time
from collections.abc import Container, Iterator
from contextlib import suppress

ROUNDS, PAUSE = 50, 0.02


def descendants(root: int, spare: Container[int] = ()) -> Iterator[int]:
    """The children of `root`, theirs, and so on; those in `spare` are left out with all below them."""
    for child in _children(root):
        if child not in spare:
            yield child
            yield from descendants(child)


def signal_all(root: int, number: int, spare: Container[int] = ()) -> int:
    """Send a signal to everything below `root`; how many processes that are.

    Whole process groups are hit where possible: the kernel does that in one step, so not even a fork bomb slips through.
    """
    own = os.getpgrp()
    groups: set[int] = set()
    single: set[int] = set()
    found = list(descendants(root, spare))
    for pid in found:
        with suppress(ProcessLookupError):
            group = os.getpgid(pid)
            if group == own:
                single.add(pid)
            else:
                groups.add(group)
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, number)
    for pid in single:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    return len(found)


def terminate(root: int) -> int:
    """Ask everything below `root` to end, and wake what is suspended so that it can; how many processes that are."""
    count = signal_all(root, signal.SIGTERM)
    if count:
        signal_all(root, signal.SIGCONT)
    return count


def kill(root: int, spare: Container[int] = ()) -> bool:
    """End everything below `root` for good; False when nothing was left. What forked meanwhile needs another call."""
    return signal_all(root, signal.SIGKILL, spare) > 0


def kill_bearers(entries: set[bytes]) -> bool:
    """End every process with all these `NAME=value` in its environment; False when some are left after a second of trying."""
    for _ in range(ROUNDS):
        bearers = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if entries <= _environment(pid)]
        if not bearers:
            return True
        for pid in bearers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(PAUSE)  # what forked meanwhile needs another round
    return False


def _environment(pid: int) -> set[bytes]:
    """What a process was started with; nothing when it has ended or is somebody else's."""
    with suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:
        return set(file.read().split(b"\0"))
    return set()


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb", buffering=0) as file:
                found += map(int, file.read().split())
    return found
