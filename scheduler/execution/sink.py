"""Writing the log of one attempt: bytes as they come, an index of times and lines, a cap that keeps both ends."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from scheduler.execution import kernel
from scheduler.runs.logformat import DATA, END, INDEX, RECORD, Record, tail_names

MERGE = 10_000  # microseconds within which the output of one stream is one record
SPAN = 256 * 1024  # bytes after which there is a new record all the same, so that readers never search far
FLUSH = 0.25
INLINE = 64
SMALLEST_CAP = 64 * 1024
TAILS = 4
WRITEBACK = 4 * 1024 * 1024

_AND_END = 2 * RECORD.size
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class Sink:
    """The log of one attempt, from its first byte to its last; files appear only when there is something to write.

    Output up to half the cap is one data file. The rest goes to tail segments, of which the oldest is dropped when a fifth
    would begin. A write that fails ends the log but not the counting: the task must not notice.
    """

    def __init__(self, folder: int, cap: int) -> None:
        cap = max(cap, SMALLEST_CAP)
        self.size = 0
        self.cut = False
        self.error: str | None = None
        self.flush_at: float | None = None
        self._folder = folder
        self._tail_capacity = cap // 2 // TAILS
        self._segments = [_Segment(folder, (DATA, INDEX), cap // 2)]
        self._line = 1
        self._unfinished = False
        self._stream = END
        self._recorded_at = self._recorded_size = 0

    @property
    def lines(self) -> int:
        """How many lines there have been, an unfinished one included."""
        return self._line - 1 + self._unfinished

    def write(self, stream: int, data: bytes) -> None:
        """Append what `stream` printed."""
        now = time.time_ns() // 1000
        due = self._turn_to(stream) or self._is_due(now)
        while data:
            room = self._segments[-1].room
            if room < 1:
                self._roll()
                due = True
                continue
            part, data = (data, b"") if len(data) <= room else (data[:room], data[room:])
            if due:
                self._record(now)
                due = False
            self._put(part)
        if self.flush_at is None:
            self.flush_at = time.monotonic() + FLUSH

    def flush(self) -> None:
        """Bring the index up to date for those who read along."""
        self.flush_at = None
        end = RECORD.pack(self.size, time.time_ns() // 1000, self._line, END, self._unfinished)
        self._try(self._segments[-1].flush, end)

    def close(self) -> list[Record] | None:
        """Make everything durable; answers the index of a log too small to have an index file."""
        inline = self._segments[0].small_index() if len(self._segments) == 1 else None
        if inline is None:
            self.flush()
        for segment in self._segments:
            self._try(segment.sync)
            segment.close()
        return inline

    def _turn_to(self, stream: int) -> bool:
        """Whether another stream speaks now, which ends the line of the one before."""
        if stream == self._stream:
            return False
        self._line += self._unfinished
        self._unfinished = False
        self._stream = stream
        return True

    def _is_due(self, now: int) -> bool:
        return not 0 <= now - self._recorded_at < MERGE or self.size - self._recorded_size >= SPAN

    def _record(self, now: int) -> None:
        self._segments[-1].add(self.size, now, self._line, self._stream, self._unfinished)
        self._recorded_at, self._recorded_size = now, self.size

    def _put(self, part: bytes) -> None:
        self._try(self._segments[-1].write, part)
        self.size += len(part)
        self._line += part.count(b"\n")
        self._unfinished = part[-1] != 0x0A

    def _roll(self) -> None:
        self.flush()
        self._segments.append(_Segment(self._folder, tail_names(self.size), self._tail_capacity))
        if len(self._segments) > 1 + TAILS:
            self._segments.pop(1).remove()
            self.cut = True

    def _try(self, write: Callable[..., None], *what: Any) -> None:
        if self.error is not None:
            return
        try:
            write(*what)
        except OSError as error:
            self.error = error.strerror
            self.cut = True


class _Segment:
    """A data file and its index, within a capacity that both share."""

    def __init__(self, folder: int, names: tuple[str, str], capacity: int) -> None:
        self._folder = folder
        self._names = names
        self._capacity = capacity
        self._files: dict[str, int] = {}
        self._written = 0
        self._on_its_way = 0
        self._indexed = 0
        self._pending = bytearray()

    @property
    def room(self) -> int:
        """How many bytes of output still fit, beside a record for them and the end mark."""
        return self._capacity - self._written - self._indexed - len(self._pending) - _AND_END

    def add(self, *record: int) -> None:
        self._pending += RECORD.pack(*record)

    def write(self, data: bytes) -> None:
        file = self._open(self._names[0])
        self._written += len(data)
        while (done := os.write(file, data)) < len(data):
            data = data[done:]
        if self._written - self._on_its_way >= WRITEBACK:
            kernel.start_writeback(file, self._on_its_way, self._written - self._on_its_way)
            self._on_its_way = self._written

    def flush(self, end: bytes) -> None:
        """Write the records that wait, and an end mark which the next flush will overwrite."""
        if self._written:
            os.pwrite(self._open(self._names[1]), self._pending + end, self._indexed)
            self._indexed += len(self._pending)
            self._pending.clear()

    def small_index(self) -> list[Record] | None:
        """The whole index, when it is short and was never written."""
        if self._indexed or len(self._pending) > INLINE * RECORD.size:
            return None
        return [Record._make(fields) for fields in RECORD.iter_unpack(self._pending)]

    def sync(self) -> None:
        for file in self._files.values():
            os.fsync(file)

    def close(self) -> None:
        for file in self._files.values():
            os.close(file)

    def remove(self) -> None:
        self.close()
        for name in self._names:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._folder)

    def _open(self, name: str) -> int:
        if name not in self._files:
            self._files[name] = os.open(name, _CREATE, 0o600, dir_fd=self._folder)
        return self._files[name]
