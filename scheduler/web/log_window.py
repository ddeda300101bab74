"""Which part of a log is in sight: its end, what came before, what is new, what surrounds a line or matches; no requests here."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from scheduler.runs.logs import GAP, Filters, Line, Log, Matches

LINES = 1000
MOST_CHARACTERS = 512 * 1024  # of one answer, however long its lines are
FAR_BEHIND = 5000
LEVELS = ("WARN", "ERROR")  # what WARN+ means


@dataclass(frozen=True)
class Wish:
    """What the toolbar asks for; empty says nothing. `match` counts from 1."""

    stream: str = ""
    warn: bool = False
    text: str = ""
    match: int = 1

    @property
    def narrowed(self) -> bool:
        """Whether only some lines are shown; a search for text shows the others too."""
        return bool(self.stream) or self.warn

    def admits(self, line: Line) -> bool:
        """Whether this line is among those shown."""
        return line.stream == GAP or ((not self.stream or line.stream == self.stream) and (not self.warn or line.level in LEVELS))


@dataclass(frozen=True)
class Window:
    """Some lines in order, and what there is around them; `skipped` lines lie before them that a live view left out."""

    lines: list[Line]
    earlier: bool = False  # there are lines before the first
    later: bool = False  # … and behind the last, beyond those a live log will still add
    skipped: int = 0
    matches: Matches | None = None
    current: int = 0  # the line number of the match to look at

    @property
    def last(self) -> int:
        """The number of the last line that will not change any more; 0 when there is none."""
        return next((line.number for line in reversed(self.lines) if not line.unfinished), 0)

    @property
    def open(self) -> int:
        """The number of the line the task may still add to; 0 when there is none."""
        return self.lines[-1].number if self.lines and self.lines[-1].unfinished else 0


def end(log: Log) -> Window:
    """The last lines."""
    lines = _from_end(log.tail(LINES))
    return Window(lines, bool(lines) and lines[0].number > 1)


def before(log: Log, number: int) -> Window:
    """The lines before `number`."""
    first = max(number - LINES, 1)
    lines = _from_end([line for line in log.read(first, number - first) if line.number < number])
    return Window(lines, bool(lines) and lines[0].number > 1)


def behind(log: Log, number: int) -> Window:
    """The lines behind `number`, page by page."""
    lines = _from_start(log.after(number, LINES))
    return Window(lines, later=bool(lines) and lines[-1].number < log.lines)


def fresh(log: Log, number: int) -> Window:
    """What is new behind `number`; who has fallen far behind gets the end instead."""
    if log.lines - number > FAR_BEHIND:
        tail = end(log)
        return replace(tail, earlier=False, skipped=tail.lines[0].number - number - 1 if tail.lines else 0)
    return replace(behind(log, number), later=False)


def around(log: Log, number: int) -> Window:
    """The lines around `number`."""
    first = max(min(number, log.lines) - LINES // 2, 1)
    lines = _near(log.read(first, LINES), number)
    return Window(lines, bool(lines) and lines[0].number > 1, bool(lines) and lines[-1].number < log.lines)


def matching(log: Log, wish: Wish) -> Window:
    """The lines around the match that `wish` counts to; the end when nothing matches."""
    found = search(log, wish)
    if not found.numbers:
        return replace(end(log), matches=found)
    current = found.numbers[min(max(wish.match, 1), len(found.numbers)) - 1]
    return replace(around(log, current), matches=found, current=current)


def narrowed(log: Log, wish: Wish) -> Window:
    """Only the lines that pass, the first of them when they are many."""
    found = search(log, wish)
    lines = _from_start(line for number in found.numbers for line in log.read(number, 1))
    more = found.total > len(lines) or found.truncated
    current = lines[min(max(wish.match, 1), len(lines)) - 1].number if lines and wish.text else 0
    return Window(lines, later=more, matches=found, current=current)


def search(log: Log, wish: Wish) -> Matches:
    """Where the text occurs among the lines that pass."""
    if not wish.warn:
        return log.search(wish.text, Filters(stream=wish.stream or None))
    parts = [log.search(wish.text, Filters(stream=wish.stream or None, level=level)) for level in LEVELS]
    numbers = sorted({number for part in parts for number in part.numbers})[:LINES]
    return Matches(sum(part.total for part in parts), tuple(numbers), any(part.truncated for part in parts))


def first_error(log: Log) -> int | None:
    """The number of the first line that tells of something wrong: an ERROR, else one of standard error."""
    for filters in (Filters(level="ERROR"), Filters(stream="stderr")):
        numbers = log.search("", filters).numbers
        if numbers:
            return numbers[0]
    return None


def _from_start(lines: Iterable[Line], room: int = MOST_CHARACTERS) -> list[Line]:
    """As many lines from the first on as fit, and at least one."""
    kept: list[Line] = []
    for line in lines:
        room -= len(line.text)
        if room < 0 and kept:
            break
        kept.append(line)
    return kept


def _from_end(lines: list[Line]) -> list[Line]:
    return _from_start(reversed(lines))[::-1]


def _near(lines: list[Line], number: int) -> list[Line]:
    """Both sides of `number`, each within half of what an answer may hold when all is too much."""
    if sum(len(line.text) for line in lines) <= MOST_CHARACTERS:
        return lines
    place = next((place for place, line in enumerate(lines) if line.number >= number), len(lines))
    left = _from_start(reversed(lines[:place]), MOST_CHARACTERS // 2)[::-1]
    return [*left, *_from_start(lines[place:], MOST_CHARACTERS // 2)]
