"""Leading where one machine has the database to itself: a lock the kernel frees when its holder dies."""

import fcntl
import logging
import os
import signal
from contextlib import suppress
from pathlib import Path

from scheduler import clock
from scheduler.daemon.leader import Leadership, Term, begin

FROZEN = 60  # looks at a holder that gives no sign of life
APART = 0.4  # seconds at least between two looks that count

_log = logging.getLogger("SchedulerEngine")


class FlockTerm(Term):
    """Holds the lock until `resign` or the end of the process; its sign of life is the time of the locked file."""

    def __init__(self, descriptor: int, epoch: int) -> None:
        super().__init__(epoch)
        self._descriptor = descriptor

    def show(self) -> None:
        if not self.over:
            os.utime(self._descriptor)

    def resign(self) -> None:
        if not self.over:
            self.over = True
            os.close(self._descriptor)


class FlockLeadership(Leadership):
    """Who has the lock leads.

    A process that is stopped keeps its locks. Who waits for this one counts the seconds in which its holder, a process
    of this machine and user, gave no sign of life, and in the end kills it: frozen, it does nothing that would be missed.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._sign = 0
        self._looks = 0
        self._looked = 0.0

    def take(self) -> Term | None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
            return FlockTerm(descriptor, begin(self.holder) or 0)
        except BlockingIOError:
            os.close(descriptor)
            self._look()
            return None
        except BaseException:
            os.close(descriptor)
            raise

    def elsewhere(self) -> bool:
        return False

    def _look(self) -> None:
        """Count the looks since the holder's last sign of life."""
        sign, now = self._path.stat().st_mtime_ns, clock.monotonic()
        if sign != self._sign:
            self._sign, self._looked, self._looks = sign, now, 0
        elif now - self._looked >= APART:
            self._looked = now
            self._looks += 1
        if self._looks >= FROZEN:
            self._looks = 0
            self._end_holder()

    def _end_holder(self) -> None:
        """Kill the process that wrote its number into the file, if it is one that has the file open."""
        text = self._path.read_text().strip()
        if not text.isdigit() or int(text) == os.getpid():
            return
        with suppress(ProcessLookupError, FileNotFoundError, PermissionError):
            process = os.pidfd_open(int(text))
            try:
                if _has_open(int(text), self._path):
                    _log.error("event=leader_frozen pid=%s looks=%s action=kill", text, FROZEN)
                    signal.pidfd_send_signal(process, signal.SIGKILL)
            finally:
                os.close(process)


def _has_open(pid: int, path: Path) -> bool:
    ours = path.stat()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            if os.path.samestat(link.stat(), ours):
                return True
    return False
