"""The two pipes of a task on their way into the log: read, masked, listened to, written; knows nothing of processes."""

import fcntl
import json
import os
from contextlib import suppress

from scheduler.execution.protocol import PROGRESS, Result, Spec
from scheduler.execution.screening import Markers, Mask, last_line
from scheduler.execution.sink import Sink
from scheduler.runs.logformat import STDERR, STDOUT

CHUNK = 64 * 1024
TAIL = 4096
WIDE = 1024 * 1024

SILENCE: Result = {
    "log_bytes": 0,
    "log_lines": 0,
    "log_cut": False,
    "log_error": None,
    "last_line": "",
    "last_error_line": "",
    "progress": None,
    "summary": None,
    "metrics": {},
    "index": [],
}

_REPLACE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW


class Output:
    """Standard output and standard error of one task, until both are closed."""

    def __init__(self, spec: Spec, folder: int) -> None:
        self.sink = Sink(folder, spec.log_max_bytes)
        self.markers = Markers()
        self._folder = folder
        self.open: dict[int, _Stream] = {}
        self._streams = [_Stream(STDOUT, spec), _Stream(STDERR, spec)]
        self._latest = self._streams[0]

    def pipes(self) -> tuple[int, int]:
        """Open both; answers the ends for the task."""
        ends = []
        for stream in self._streams:
            reading, writing = os.pipe()
            self.open[reading] = stream
            ends.append(writing)
        return ends[0], ends[1]

    def read(self, pipe: int) -> bool:
        """Take in what `pipe` holds; False when it has ended."""
        data = os.read(pipe, CHUNK)
        stream = self.open[pipe]
        if not data:
            self.shut(pipe)
            return False
        if len(data) == CHUNK and not stream.wide:
            stream.widen(pipe)
        self._pass(stream, stream.mask(data) if stream.mask else data)
        return True

    def shut(self, pipe: int) -> None:
        """Stop reading `pipe`."""
        os.close(pipe)
        stream = self.open.pop(pipe)
        if stream.mask:
            self._pass(stream, stream.mask.rest())

    def save_progress(self) -> None:
        """Show the latest progress to those who look at the folder."""
        self.markers.fresh = False
        with suppress(OSError):  # a full disk; the result will tell
            file = os.open(f"{PROGRESS}.tmp", _REPLACE, 0o600, dir_fd=self._folder)
            with open(file, "w") as writer:
                json.dump(self.markers.progress, writer)
            os.rename(f"{PROGRESS}.tmp", PROGRESS, src_dir_fd=self._folder, dst_dir_fd=self._folder)

    def finish(self) -> Result:
        """Close the log; answers the fields of a result that the output decides."""
        if not self.sink.size:
            return SILENCE
        self.markers.end()
        index = self.sink.close()
        return {
            "log_bytes": self.sink.size,
            "log_lines": self.sink.lines,
            "log_cut": self.sink.cut,
            "log_error": self.sink.error,
            "last_line": last_line(self._latest.tail),
            "last_error_line": last_line(self._streams[1].tail),
            "progress": self.markers.progress,
            "summary": self.markers.summary,
            "metrics": self.markers.metrics,
            "index": None if index is None else [list(record) for record in index],
        }

    def _pass(self, stream: "_Stream", data: bytes) -> None:
        if not data:
            return
        self.sink.write(stream.number, data)
        stream.tail = data[-TAIL:] if len(data) >= TAIL else (stream.tail + data)[-TAIL:]
        if not data.isspace():
            self._latest = stream
        if stream.number == STDOUT:
            self.markers.feed(data)


class _Stream:
    """One of the two, with what is remembered of it between chunks."""

    def __init__(self, number: int, spec: Spec) -> None:
        self.number = number
        self.mask = Mask(spec.masks) if any(spec.masks) else None
        self.tail = b""
        self.wide = False

    def widen(self, pipe: int) -> None:
        """Give a task that prints much a larger pipe, so that neither of us waits for the other at every chunk."""
        self.wide = True
        with suppress(OSError):  # the user's share of pipe memory is used up
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, WIDE)
