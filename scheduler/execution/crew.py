"""The supervisors of a runner: new when none is free, kept for a next attempt when one is; performs nothing itself."""

import socket
import time
from contextlib import suppress

from scheduler.execution.nursery import Nursery
from scheduler.execution.protocol import Spec
from scheduler.execution.supervisor import FREE, LARGEST_PASSED

MOST_ATTEMPTS = 200  # … of one supervisor: what its memory grew by is given back
MOST_IDLE = 16
IDLE = 1.0  # seconds: who comes later gets a new one, which takes less memory


class Crew:
    """The supervisors, by the descriptor on which each says that it is free."""

    def __init__(self, nursery: Nursery) -> None:
        self.deserted = False  # whether somebody died before its task did
        self._nursery = nursery
        self._members: dict[int, _Member] = {}
        self._idle: list[_Member] = []  # the last is the one that worked last

    def __contains__(self, descriptor: int) -> bool:
        return descriptor in self._members

    @property
    def pids(self) -> set[int]:
        """Who belongs to us, busy or idle, and where they come from."""
        return {self._nursery.pid, *(member.pid for member in self._members.values())}

    @property
    def complete(self) -> bool:
        """Whether each has said its number."""
        return all(member.pid for member in self._members.values())

    @property
    def patience(self) -> float | None:
        """Seconds until somebody has been idle for too long; None when nobody is idle."""
        return max(0.0, self._idle[0].leaves_at - time.monotonic()) if self._idle else None

    def begin(self, spec: Spec) -> int | None:
        """Have somebody perform `spec`, somebody new what lasts. Answers the descriptor to listen on when there is a new one."""
        body = spec.packed() if self._idle else b""
        while self._idle and not spec.lasting and len(body) <= LARGEST_PASSED:
            member = self._idle.pop()
            with suppress(OSError):  # it died while it was idle
                member.line.send(body)
                member.attempts += 1
                return None
        line = self._nursery.bear(spec)
        self._members[line.fileno()] = _Member(line)
        return line.fileno()

    def hear(self, descriptor: int) -> bool:
        """Somebody says its number, is free, or (False) has gone; then the descriptor is closed."""
        member = self._members[descriptor]
        word = member.word()
        if word and word != FREE:
            member.pid = int(word)
            return True
        if word:
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


class _Member:
    """One supervisor as its runner sees it."""

    def __init__(self, line: socket.socket) -> None:
        line.setblocking(False)
        self.pid = 0
        self.line = line
        self.attempts = 1
        self.leaves_at = 0.0
        self.dismissed = False

    def word(self) -> bytes:
        """What it says; nothing when it has gone."""
        try:
            return self.line.recv(16)
        except OSError:
            return b""
