"""The index records of a log as one sequence, read from disk in small pieces however long it is; knows nothing of lines."""

import os
from bisect import bisect_right

from scheduler.runs.logformat import END, RECORD, Record

PIECE = 128


class Records:
    """The records of every segment's index, in order: open index files, or packed records."""

    def __init__(self, parts: list[int | bytes]) -> None:
        self.end: Record | None = None  # where the output ended when the last part was written
        self._parts = parts
        self._firsts: list[int] = []
        self._count = 0
        self._piece: tuple[int, int, bytes] = (-1, -1, b"")
        for number, part in enumerate(parts):
            self._firsts.append(self._count)
            self._count += self._measure(number, part)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, at: int) -> Record:
        if not 0 <= at < self._count:
            raise IndexError(at)
        part = bisect_right(self._firsts, at) - 1
        return self._load(part, at - self._firsts[part])

    def close(self) -> None:
        """Close the files."""
        for part in self._parts:
            if isinstance(part, int):
                os.close(part)
        self._parts = []

    def at_offset(self, offset: int) -> int:
        """Which record covers the byte at `offset`."""
        return bisect_right(self, offset, key=lambda record: record.offset) - 1

    def before_line(self, number: int) -> int:
        """Which record is the last one that begins in an earlier line than `number`."""
        return bisect_right(self, number - 1, key=lambda record: record.line) - 1

    def _measure(self, number: int, part: int | bytes) -> int:
        size = os.fstat(part).st_size if isinstance(part, int) else len(part)
        count = size // RECORD.size
        self.end = None
        if count and (last := self._load(number, count - 1)).stream == END:
            self.end = last
            count -= 1
        return count

    def _load(self, part: int, at: int) -> Record:
        source = self._parts[part]
        if isinstance(source, bytes):
            return Record._make(RECORD.unpack_from(source, at * RECORD.size))
        first = at - at % PIECE
        if self._piece[:2] != (part, first) or len(self._piece[2]) <= (at - first) * RECORD.size:
            self._piece = (part, first, os.pread(source, PIECE * RECORD.size, first * RECORD.size))
        return Record._make(RECORD.unpack_from(self._piece[2], (at - first) * RECORD.size))
