"""Watching a task until nothing of it is left: its output, its deadline, a stop, its leftovers; writes no result."""

import math
import os
import select
import signal
import time
from collections.abc import Callable

from scheduler.execution import kernel, tree
from scheduler.execution.output import Output
from scheduler.execution.protocol import STOP, Spec

LEFTOVER_GRACE = 1.0
DRAIN = 2.0
AGAIN = 0.05  # between two rounds of SIGKILL, for what forked during the first
PROGRESS_PAUSE = 1.0

FORCED = b"kill"


class Watch:
    """The child of a supervisor and all that descends from it. Times are monotonic, and None means never.

    running → (deadline or stop) terminating → (grace over) killing → childless → pipes drained. A child that ends by itself
    goes straight to childless, or through terminating when it leaves something behind.
    """

    def __init__(self, spec: Spec, folder: int, output: Output) -> None:
        self.status: int | None = None
        self.ended: float | None = None
        self.stopped_for: str | None = None
        self.stopped_with: str | None = None
        self.failure = b""
        self.peak_memory_kb = 0
        self.cpu_seconds = 0.0
        self.left_behind = 0
        self._grace = spec.grace
        self._folder = folder
        self._output = output
        self._child = 0
        self._deadline = time.monotonic() + spec.timeout if spec.timeout else None
        self._kill_at: float | None = None
        self._drain_until: float | None = None
        self._progress_after = 0.0
        self._poll = select.poll()

    def until_over(self, child: int, signals: int, failure: int | None) -> None:
        """Return when child, descendants and output have ended."""
        self._child = child
        # Not ours to keep: a ring of references would stay in the memory of a supervisor, which collects no garbage.
        readers: dict[int, Callable[[int], bool]] = {signals: self._take_signals}
        if failure is not None:
            readers[failure] = self._take_failure
        readers |= dict.fromkeys(self._output.open, self._output.read)
        for descriptor in readers:
            self._poll.register(descriptor, select.POLLIN)
        while not self._is_over():
            for descriptor, _ in self._poll.poll(self._patience()):
                if not readers[descriptor](descriptor):
                    self._poll.unregister(descriptor)
            self._act(time.monotonic())
        for pipe in list(self._output.open):
            self._output.shut(pipe)

    def _is_over(self) -> bool:
        if self._drain_until is None:
            return False
        return not self._output.open or time.monotonic() >= self._drain_until

    def _patience(self) -> int | None:
        """Milliseconds until something must be done unasked."""
        progress = self._progress_after if self._output.markers.fresh else None
        earliest = math.inf
        for at in (self._deadline, self._kill_at, self._drain_until, self._output.sink.flush_at, progress):
            if at is not None and at < earliest:
                earliest = at
        return None if earliest == math.inf else max(0, math.ceil((earliest - time.monotonic()) * 1000))

    def _take_signals(self, descriptor: int) -> bool:
        if signal.SIGTERM in kernel.read_signals(descriptor):
            self._heed_stop()
        self._reap()
        return True

    def _take_failure(self, descriptor: int) -> bool:
        self.failure = os.read(descriptor, 4096)
        os.close(descriptor)
        return False

    def _heed_stop(self) -> None:
        """The signal only wakes: without the file it was meant for an attempt before this one."""
        word = stop_word(self._folder)
        if word is not None:
            self._stop("cancelled")
        if word == FORCED:
            self._kill_at = time.monotonic()

    def _stop(self, why: str) -> None:
        if self.stopped_for is None and self.status is None:
            self.stopped_for, self.stopped_with = why, "TERM"
            self._deadline = None
            self._kill_at = time.monotonic() + self._grace
            tree.terminate(os.getpid())

    def _reap(self) -> None:
        """Wait for all that has ended: the child, and descendants that became ours when their parents died."""
        before = self.status
        try:
            while (found := os.wait4(-1, os.WNOHANG))[0]:
                pid, status, usage = found
                self.peak_memory_kb = max(self.peak_memory_kb, usage.ru_maxrss)
                self.cpu_seconds += usage.ru_utime + usage.ru_stime
                if pid == self._child:
                    self.status, self.ended = status, time.monotonic()
                    self._deadline = None
        except ChildProcessError:
            self._kill_at, self._drain_until = None, time.monotonic() + DRAIN
        else:
            if before is None and self.status is not None:
                self._clear_leftovers()

    def _clear_leftovers(self) -> None:
        if self.stopped_for is None:
            self.left_behind = tree.terminate(os.getpid())
        last = time.monotonic() + min(self._grace, LEFTOVER_GRACE)
        self._kill_at = last if self._kill_at is None else min(self._kill_at, last)

    def _act(self, now: float) -> None:
        if _is_past(self._deadline, now):
            self._stop("timeout")
        if _is_past(self._kill_at, now):
            self._kill(now)
        if _is_past(self._output.sink.flush_at, now):
            self._output.sink.flush()
        if self._output.markers.fresh and now >= self._progress_after:
            self._output.save_progress()
            self._progress_after = now + PROGRESS_PAUSE

    def _kill(self, now: float) -> None:
        tree.kill(os.getpid())
        self._kill_at = now + AGAIN
        if self.status is None:
            self.stopped_with = "KILL"


def stop_word(folder: int) -> bytes | None:
    """What the stop file says, or None when nobody wants a stop."""
    if not os.access(STOP, os.F_OK, dir_fd=folder, follow_symlinks=False):
        return None
    descriptor = os.open(STOP, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=folder)
    with open(descriptor, "rb", buffering=0) as file:
        return file.read(16).strip()


def _is_past(at: float | None, now: float) -> bool:
    return at is not None and now >= at
