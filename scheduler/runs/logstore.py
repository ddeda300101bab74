"""The stored bytes of an attempt's log, and where in them its lines lie; decodes nothing."""

import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scheduler.runs.logformat import DATA, INDEX, RECORD, RESULT, STDOUT, Record, tail_names, tail_offset
from scheduler.runs.logindex import Records

BLOCK = 64 * 1024


@dataclass(frozen=True)
class Extent:
    """Where a line lies: from `start` to `end`, without its newline; `record` tells of its first byte."""

    number: int
    start: int
    end: int
    record: Record
    closed: bool  # nothing can be added to it any more


@dataclass(frozen=True)
class Gap:
    """Output that was not kept, from `start` to `end`; it stands in for the lines from `number` to before `resume`."""

    number: int
    resume: int
    start: int
    end: int


@dataclass(frozen=True)
class _Segment:
    file: int
    start: int
    end: int


class Store:
    """The files of one log as they were when it was opened; what a running task adds later, the next Store sees."""

    def __init__(self, folder: Path) -> None:
        result = _result(folder)
        self.complete = result is not None
        self._segments = _segments(folder)
        self.records = _records(folder, self._segments, result or {})
        self._block = (0, b"")
        self._final = self.complete or not _is_written(folder)
        kept = self._segments[-1].end if self._segments else 0
        if result is not None:
            self.size, self.lines = result.get("log_bytes", kept), result.get("log_lines", 0)
        elif self._final:
            self.size, self.lines = kept, self._line_before(kept)
        elif self.records.end is not None:
            # What came after that may belong to either stream: its records are not written yet.
            end = self.records.end
            self.size, self.lines = end.offset, end.line - 1 + end.continues
        else:
            self.size = self.lines = 0
        self.gaps = list(self._find_gaps())

    def close(self) -> None:
        """Close the files."""
        for segment in self._segments:
            os.close(segment.file)
        self._segments = []
        self.records.close()

    def read(self, start: int, end: int) -> bytes:
        """The bytes from `start` to `end`, or to the first one that was not kept."""
        parts = []
        for segment in self._segments:
            if segment.start <= start < min(segment.end, end):
                part = os.pread(segment.file, min(segment.end, end) - start, start - segment.start)
                parts.append(part)
                start += len(part)
        return b"".join(parts)

    def chunks(self, length: int = BLOCK) -> Iterator[tuple[int, bytes]]:
        """Every byte that was kept, in order, as pieces with their offsets."""
        for segment in self._segments:
            for offset in range(segment.start, segment.end, length):
                yield offset, self.read(offset, min(offset + length, segment.end))

    def walk(self, first: int) -> Iterator[Extent | Gap]:
        """The lines from number `first` on, and each gap in the place of what it lacks."""
        number = max(first, 1)
        for gap in (gap for gap in self.gaps if gap.resume > number):
            yield from self._walk(number, gap.number)
            yield gap
            number = gap.resume
        yield from self._walk(number, self.lines + 1)

    def locate(self, number: int) -> tuple[int, int]:
        """Where line `number` starts, and which record covers that place."""
        at = self.records.before_line(number)
        following = self.records[at + 1] if at + 1 < len(self.records) else None
        if following and following.line == number and (not following.continues or self._resumes_at(following.offset)):
            return following.offset, at + 1
        record = self.records[at]
        return self._skip_lines(record.offset, self.span_end(at), number - record.line), at

    def span_end(self, at: int) -> int:
        """Where the bytes of a record end."""
        return self.records[at + 1].offset if at + 1 < len(self.records) else self.size

    def find_newline(self, start: int, end: int) -> int:
        """The next newline, or the end of what was kept before `end`."""
        while start < end:
            origin, block = self._block
            if not origin <= start < origin + len(block):
                origin, block = self._block = start, self.read(start, start + BLOCK)
                if not block:
                    break
            found = block.find(b"\n", start - origin, end - origin)
            if found >= 0:
                return origin + found
            start = min(origin + len(block), end)
        return start

    def _walk(self, first: int, limit: int) -> Iterator[Extent]:
        if first >= limit:
            return
        start, at = self.locate(first)
        for number in range(first, limit):
            record = self.records[at]
            if at + 1 < len(self.records) and self.records[at + 1].line == number:
                at = self.records.before_line(number + 1)  # a long line: on to the record where it ends
            span_end = self.span_end(at)
            end = self.find_newline(max(start, self.records[at].offset), span_end)
            yield Extent(number, start, end, record, closed=end < self.size or self._final)
            start = end + 1
            if start >= span_end:
                start = span_end
                at = min(at + 1, len(self.records) - 1)

    def _skip_lines(self, start: int, end: int, count: int) -> int:
        """The place behind the next `count` newlines."""
        while count and (block := self.read(start, min(start + BLOCK, end))):
            there = block.count(b"\n")
            if there >= count:
                position = -1
                for _ in range(count):
                    position = block.find(b"\n", position + 1)
                return start + position + 1
            count -= there
            start += len(block)
        return start

    def _line_before(self, end: int) -> int:
        """The number of the line to which the byte before `end` belongs; 0 when there is none."""
        if end == 0:
            return 0
        record = self.records[self.records.at_offset(end - 1)]
        number, start = record.line, record.offset
        while block := self.read(start, min(start + BLOCK, end - 1)):
            number += block.count(b"\n")
            start += len(block)
        return number

    def _find_gaps(self) -> Iterator[Gap]:
        ends = [segment.end for segment in self._segments] or [0]
        resumes = [segment.start for segment in self._segments[1:]] + [self.size]
        for end, resume in zip(ends, resumes, strict=True):
            if end < resume <= self.size:
                number = self._line_before(end) + 1
                following = self.records[self.records.at_offset(resume)].line if resume < self.size else self.lines + 1
                # The rest of a line that began before the gap, or ends it, is not shown as a line of its own.
                yield Gap(number, max(number + 1, following), end, resume)

    def _resumes_at(self, offset: int) -> bool:
        return any(gap.end == offset for gap in self.gaps)


def _result(folder: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads((folder / RESULT).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:
        return {}
    return found


def _segments(folder: Path) -> list[_Segment]:
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    starts = {tail_offset(name): name for name in names} | ({0: DATA} if DATA in names else {})
    found = []
    for start in sorted(start for start in starts if start is not None):
        if (file := _open(folder / starts[start])) is not None:
            found.append(_Segment(file, start, start + os.fstat(file).st_size))
    return found


def _records(folder: Path, segments: list[_Segment], result: dict[str, Any]) -> Records:
    parts: list[int | bytes] = [b"".join(RECORD.pack(*record) for record in result.get("index") or ())]
    for segment in segments:
        file = _open(folder / (tail_names(segment.start)[1] if segment.start else INDEX))
        if file is not None:
            parts.append(file)
    records = Records(parts)
    if len(records) or not segments:
        return records
    # The supervisor died before it wrote an index: the time of the file and one stream are the best guess.
    when = os.fstat(segments[0].file).st_mtime_ns // 1000
    return Records([RECORD.pack(*Record(0, when, 1, STDOUT, 0))])


def _open(path: Path) -> int | None:
    """A task may have put a link in place of its log; nothing but a plain file is read."""
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None


def _is_written(folder: Path) -> bool:
    """Whether a supervisor is at work: it holds the lock of the folder."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
