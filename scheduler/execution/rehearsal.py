"""What a nursery does before its first supervisor, so that none has to do it for itself; none of it is anybody's run."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from scheduler.execution import kernel
from scheduler.execution.protocol import Spec
from scheduler.execution.sink import SMALLEST_CAP, Sink
from scheduler.execution.sockets import Doorbell
from scheduler.execution.supervisor import Host, serve
from scheduler.runs.logformat import STDOUT

TIMES = 12  # Python has adapted a function to what it meets there after the eighth call
FOLDER = "run/rehearsal.{pid}"

# How Python 3.11 divides its memory: pools with blocks of one size, and of each size first what is free in old pools.
SMALLEST, LARGEST, STEP = 32, 512, 16
POOL, HEADER = 16 * 1024, 48
MOST_GAPS = 1000
_EMPTY = sys.getsizeof(b"")
_gaps: list[bytes | float] = []

COMMAND = "echo; echo >&2"


def rehearse(instance: Path, host: Host) -> Iterator[None]:
    """Perform attempts that do nothing, in this very process; between them others may have their turn.

    What is filled in, cached or adapted at the first calls of a function lies in pages that each supervisor would have to
    write, and so to copy, again. Leaves descriptors open. OSError when there is no room for it.
    """
    _clear_remains(instance)
    folder = instance / FOLDER.format(pid=os.getpid())
    # With signals and a daemon of its own: a SIGTERM is the runner's, and waits.
    own = host._replace(signals=kernel.signal_file((signal.SIGCHLD,)), daemon=Doorbell(folder.parent / "nobody"))
    for number in range(TIMES):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            ours.shutdown(socket.SHUT_WR)
            serve(Spec.unpacked(_spec(folder, number).packed()), own, theirs.fileno())
        yield
    _print(folder)
    _clear(folder)


def _print(folder: Path) -> None:
    """What happens when a task has printed something and goes on, for which there is no time in an attempt."""
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    sink = Sink(place, SMALLEST_CAP)
    for _ in range(TIMES):
        sink.write(STDOUT, b"\n")
        sink.flush()
    sink.close()
    os.close(place)


def fill_gaps() -> None:
    """Occupy what is free between the objects of this process, for good.

    Supervisors would put theirs there, and copy a page for each few of them; so they put them side by side on fresh ones.
    """
    for size in range(SMALLEST, LARGEST + 1, STEP):
        for number in range(MOST_GAPS):
            _gaps.append(bytes(size - _EMPTY) if size > _EMPTY else float(number))
            if id(_gaps[-1]) % POOL == HEADER:
                break


def _spec(folder: Path, number: int) -> Spec:
    argv = ["/bin/sh", "-c", COMMAND]
    return Spec(0, number, str(folder / str(number)), str(folder / "workspace"), argv, {}, timeout=1.0)


def _clear_remains(instance: Path) -> None:
    """Of those that died at it."""
    for folder in instance.glob(FOLDER.format(pid="*")):
        if not os.path.exists(f"/proc{folder.suffix.replace('.', '/')}"):
            _clear(folder)


def _clear(folder: Path) -> None:
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            os.unlink(f"{place}/{name}")
        os.rmdir(place)
