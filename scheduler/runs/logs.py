"""Reading an attempt's log as lines, whatever its size: pages, the end, what is new, a search, the bytes; writes nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from scheduler import clock
from scheduler.runs.logformat import STREAMS
from scheduler.runs.logstore import Extent, Gap, Store

LONGEST_LINE = 8 * 1024
GAP = "gap"
LEVELS = ("DEBUG", "INFO", "WARN", "ERROR")

SEARCH_SECONDS = 2.0
SEARCH_NUMBERS = 1000
SEARCH_CHUNK = 256 * 1024

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEVEL_REACH = 60
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# A word alone in capitals, or in any case where a colon, a bracket or level= marks it as a level.
_WORDS = r"(?P<{0}ERROR>ERROR|FATAL|CRITICAL)|(?P<{0}WARN>WARN(?:ING)?)|(?P<{0}INFO>INFO)|(?P<{0}DEBUG>DEBUG)"
_LEVEL = re.compile(
    rf"\b(?:{_WORDS.format('A')})\b|(?i:\b(?:{_WORDS.format('B')})(?=[:\]])|\blevel=\"?(?:{_WORDS.format('C')})\b)"
)
_NEEDLES = {"ERROR": (b"error", b"fatal", b"critical"), "WARN": (b"warn",), "INFO": (b"info",), "DEBUG": (b"debug",)}


@dataclass(frozen=True)
class Line:
    """One line as shown. `stream` is stdout, stderr, or gap for the place where output was not kept."""

    number: int
    at: datetime | None
    stream: str
    level: str | None
    text: str
    cut: bool = False  # the line is longer than `text`
    unfinished: bool = False  # the task may still add to it


@dataclass(frozen=True)
class Dropped:
    """What was not kept."""

    bytes: int
    lines: int


@dataclass(frozen=True)
class Filters:
    """Which lines of a search count; None: all."""

    stream: str | None = None
    level: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Matches:
    """What a search found: how many lines, the numbers of the first of them; `truncated` when it gave up early."""

    total: int
    numbers: tuple[int, ...]
    truncated: bool


def open_log(folder: Path) -> "Log":
    """The log of an attempt as it is now; an empty one when nothing was printed, or when it is gone."""
    return Log(Store(folder))


class Log:
    """A log at one moment. `size` and `lines` count what was printed, `dropped` what of it was not kept."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.size = store.size
        self.lines = store.lines
        self.complete = store.complete
        self.dropped = Dropped(sum(gap.end - gap.start for gap in store.gaps), sum(gap.resume - gap.number for gap in store.gaps))

    def close(self) -> None:
        """Close the files."""
        self._store.close()

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def read(self, first: int, limit: int) -> list[Line]:
        """At most `limit` lines, from number `first` on; a gap counts as one."""
        return [self._line(place) for place in islice(self._store.walk(first), limit)]

    def tail(self, limit: int) -> list[Line]:
        """The last `limit` lines."""
        return self.read(self.lines - limit + 1, limit)

    def after(self, number: int, limit: int) -> list[Line]:
        """The lines behind `number`: for polling, with the number of the last line that was not `unfinished`."""
        return self.read(number + 1, limit)

    def raw(self) -> Iterator[bytes]:
        """Exactly what was printed, in pieces, with a line in each place where something was not kept."""
        expected = 0
        for offset, part in self._store.chunks():
            if offset > expected:
                yield _marker(offset - expected)
            yield part
            expected = offset + len(part)
        if expected < self.size:
            yield _marker(self.size - expected)

    def search(self, query: str, filters: Filters | None = None) -> Matches:
        """The lines that contain `query`, in any case of ASCII letters, and pass the filters; gives up after two seconds."""
        filters = filters or Filters()
        wanted = filters.level and filters.level.upper().replace("WARNING", "WARN")
        needles = (query.encode().lower(),) if query else _NEEDLES.get(wanted or "", ())
        places = self._containing(needles) if needles else self._everything(filters.stream)
        deadline = clock.monotonic() + SEARCH_SECONDS
        numbers: list[int] = []
        total, truncated = 0, False
        for place in places:
            if isinstance(place, Extent) and self._passes(place, filters, wanted):
                total += 1
                if total <= SEARCH_NUMBERS:
                    numbers.append(place.number)
            if clock.monotonic() > deadline:
                truncated = True
                break
        return Matches(total, tuple(numbers), truncated)

    def _everything(self, stream: str | None) -> Iterator[Extent | Gap]:
        """All lines, or those of one stream, which the index finds without looking at the others."""
        wanted = next((number for number, name in STREAMS.items() if name == stream), None)
        if wanted is None:
            yield from self._store.walk(1)
            return
        for at in range(len(self._store.records)):
            record = self._store.records[at]
            if record.stream != wanted:
                continue
            end = self._store.span_end(at)
            for place in self._store.walk(record.line + record.continues):
                if isinstance(place, Gap) or place.start >= end:
                    break
                yield place

    def _containing(self, needles: tuple[bytes, ...]) -> Iterator[Extent]:
        """The lines in which one of the lower-case `needles` occurs, found without looking at the others."""
        overlap = max(map(len, needles)) - 1
        place: Extent | None = None
        before, expected, searched = b"", 0, 0
        for offset, part in self._store.chunks(SEARCH_CHUNK):
            before = before if offset == expected else b""
            block, origin = (before + part).lower(), offset - len(before)
            while (found := _find_first(block, needles, max(0, searched - origin))) >= 0:
                before_it, place = place, self._place_of(origin + found, place)
                if before_it is None or before_it.number != place.number:
                    yield place
                searched = max(place.end, origin + found + 1)
            before, expected = part[max(0, len(part) - overlap) :], offset + len(part)

    def _place_of(self, offset: int, last: Extent | None) -> Extent:
        """The line around `offset`, counted on from the `last` one found where that is nearer than a record."""
        store = self._store
        at = store.records.at_offset(offset)
        record = store.records[at]
        near = last and last.start >= record.offset and last
        number, known = (near.number, near.start) if near else (record.line, record.offset)
        ahead = store.read(known, offset)
        number += ahead.count(b"\n")
        start = known + ahead.rfind(b"\n") + 1
        return Extent(number, start, store.find_newline(offset, store.span_end(at)), record, closed=True)

    def _passes(self, place: Extent, filters: Filters, level: str | None) -> bool:
        if filters.stream and STREAMS.get(place.record.stream) != filters.stream:
            return False
        at = _when(place.record.time)
        if (filters.since and at < filters.since) or (filters.until and at > filters.until):
            return False
        return not level or _level(self._text(place)[0]) == level

    def _line(self, place: Extent | Gap) -> Line:
        if isinstance(place, Gap):
            text = _marker(place.end - place.start).decode().strip()
            return Line(place.number, None, GAP, None, text, cut=True)
        text, cut = self._text(place)
        stream = STREAMS.get(place.record.stream, "stdout")
        return Line(place.number, _when(place.record.time), stream, _level(text), text, cut, not place.closed)

    def _text(self, place: Extent) -> tuple[str, bool]:
        """What a terminal would show of a line in the end, and whether that is only its beginning."""
        if place.end - place.start <= LONGEST_LINE:
            return _last_state(self._store.read(place.start, place.end)), False
        end = self._store.read(place.end - LONGEST_LINE, place.end)
        if b"\r" in end.rstrip(b"\r"):
            return _last_state(end), False
        return _whole(self._store.read(place.start, place.start + LONGEST_LINE)).decode(errors="replace"), True


def _last_state(data: bytes) -> str:
    return data.rstrip(b"\r").rpartition(b"\r")[2].decode(errors="replace")


def _whole(data: bytes) -> bytes:
    """`data` without a character that its end has cut in two."""
    for back in range(1, 4):
        byte = data[-back] if len(data) >= back else 0
        if byte >= 0xC0:
            length = 2 + (byte >= 0xE0) + (byte >= 0xF0)
            return data[:-back] if length > back else data
        if byte < 0x80:
            break
    return data


def _level(text: str) -> str | None:
    found = _LEVEL.search(_COLOUR.sub("", text[: 2 * _LEVEL_REACH])[:_LEVEL_REACH])
    return found.lastgroup[1:] if found and found.lastgroup else None


def _find_first(block: bytes, needles: tuple[bytes, ...], start: int) -> int:
    found = [place for needle in needles if (place := block.find(needle, start)) >= 0]
    return min(found, default=-1)


def _marker(count: int) -> bytes:
    return b"\n[... %d bytes were not kept ...]\n" % count


def _when(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
