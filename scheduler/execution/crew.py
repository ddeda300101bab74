"""The supervisors of a runner: forked when none is free, kept for a next attempt when one is; performs nothing itself."""

import os
import socket
import sys
import time
from contextlib import suppress

from scheduler.execution.protocol import Spec
from scheduler.execution.supervisor import LARGEST_PASSED, Host, serve

MOST_ATTEMPTS = 200  # … of one supervisor: what its memory grew by is given back
MOST_IDLE = 16
IDLE = 5.0  # seconds


class Crew:
    """The supervisors, by the descriptor on which each says that it is free."""

    def __init__(self, host: Host) -> None:
        self.deserted = False  # whether somebody died before its task did
        self._host = host
        self._members: dict[int, _Member] = {}
        self._idle: list[_Member] = []  # the last is the one that worked last

    def __contains__(self, descriptor: int) -> bool:
        return descriptor in self._members

    @property
    def pids(self) -> set[int]:
        """Who belongs to us, busy or idle."""
        return {member.pid for member in self._members.values()}

    @property
    def patience(self) -> float | None:
        """Seconds until somebody has been idle for too long; None when nobody is idle."""
        return max(0.0, self._idle[0].leaves_at - time.monotonic()) if self._idle else None

    def begin(self, spec: Spec, body: bytes) -> int | None:
        """Have somebody perform `spec`, which `body` says too. Answers the descriptor to listen on when there is a new one."""
        while self._idle and len(body) <= LARGEST_PASSED:
            member = self._idle.pop()
            with suppress(OSError):  # it died while it was idle
                member.line.send(body)
                member.attempts += 1
                return None
        return self._fork(spec)

    def hear(self, descriptor: int) -> bool:
        """Somebody is free, or (False) has gone; then the descriptor is closed."""
        member = self._members[descriptor]
        if member.says_free():
            member.leaves_at = time.monotonic() + IDLE
            self._idle.append(member)
            return True
        self.deserted |= not member.dismissed
        del self._members[descriptor]
        if member in self._idle:
            self._idle.remove(member)
        member.line.close()
        return False

    def dismiss(self) -> None:
        """Let those go who have been idle for long, have worked much, or are too many."""
        now, surplus = time.monotonic(), len(self._idle) - MOST_IDLE
        for place, member in enumerate(tuple(self._idle)):
            if place < surplus or member.leaves_at <= now or member.attempts >= MOST_ATTEMPTS:
                self._idle.remove(member)
                member.dismissed = True
                member.line.shutdown(socket.SHUT_WR)

    def _fork(self, spec: Spec) -> int:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                pid = os.fork()
            except OSError:
                ours.close()
                raise
            if pid == 0:
                _supervise(spec, self._host, theirs)
        self._members[ours.fileno()] = _Member(pid, ours)
        return ours.fileno()


class _Member:
    """One supervisor as its runner sees it."""

    def __init__(self, pid: int, line: socket.socket) -> None:
        line.setblocking(False)
        self.pid = pid
        self.line = line
        self.attempts = 1
        self.leaves_at = 0.0
        self.dismissed = False

    def says_free(self) -> bool:
        try:
            return bool(self.line.recv(1))
        except OSError:
            return False


def _supervise(first: Spec, host: Host, line: socket.socket) -> None:
    """Be a supervisor in the forked process, and never return."""
    try:
        own = host.daemon.highest + 1
        os.dup2(line.fileno(), own, inheritable=False)
        # The lock of the runner and its connections would live as long as we do.
        os.closerange(own + 1, os.sysconf("SC_OPEN_MAX"))
        serve(first, host, own)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)
