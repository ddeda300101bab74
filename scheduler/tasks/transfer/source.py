"""What any file amounts to once it is read: entries with the line each stands on, and what there is to say about lines."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any, TypeVar

from scheduler.errors import N_, Forbidden, Problem, SchedulerError

MOST_TASKS = 20_000
LARGEST = 20 * 1024 * 1024  # bytes
ENOUGH = 2000  # things wrong with a file, after which no more are looked for: whatever it is, it is refused at once
UNREAD = "unread"
CORRECT_LINE = N_("Correct the line, or put a “#” in front of it, and bring the file in again.")
CORRECT_ENTRY = N_("Correct the entry, or take it out of the file, and bring the file in again.")
ASK_OTHERS = N_("Take the entry out of the file, or have somebody bring it in who may do that.")
KEEP = N_("Bring the file in without replacing, or have somebody do it who may delete this.")

T = TypeVar("T")


@dataclass(frozen=True)
class Located(Problem):
    """A problem with the line of the file it is on, 0 where it is on none; with what stands there, and what to do about it."""

    line: int = 0
    path: str = ""  # below the entry's name or alone: `tasks[3].schedule_config`
    about: str = ""  # the text of a crontab's line; else the entry's key or name
    remedy: str = ""  # a catalogue sentence


@dataclass
class Entry:
    """One task, group or recipe of a file: `whole` when what it leaves out means the default, and not what stands already."""

    line: int
    where: str  # "tasks[3]"; empty in a crontab
    values: dict[str, Any]
    whole: bool = True
    origin: str = ""  # the crontab's line: such an entry never changes a task that came from elsewhere
    notes: list[Problem] = field(default_factory=list)


@dataclass
class Line:
    """One line of a crontab and what became of it: a task, a setting, nothing because nothing is said, or nothing at all."""

    number: int
    text: str
    role: str  # task, setting, comment, blank, lost, wrong, unread
    becomes: str = ""
    notes: list[Problem] = field(default_factory=list)


@dataclass
class Source:
    """A file that was read: its groups and tasks, its lines where lines mean something, what is to be said of all of it."""

    format: str
    entries: list[Entry] = field(default_factory=list)
    groups: list[Entry] = field(default_factory=list)
    recipes: list[Entry] = field(default_factory=list)
    rules: list[Entry] = field(default_factory=list)
    has_recipes: bool = False  # it speaks of them at all, be it to say that there are none
    has_rules: bool = False
    lines: list[Line] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    problems: list[Located] = field(default_factory=list)


MORE = Problem("", N_("With %(limit)s things wrong the rest was not looked at: correct these and look again."), {"limit": ENOUGH})


def enough(problems: Sequence[Located]) -> bool:
    """Whether so much is wrong that no more is looked for; `MORE` says so."""
    return len(problems) >= ENOUGH


def while_few(entries: Iterable[T], problems: Sequence[Located]) -> Iterator[T]:
    """The entries one by one, as long as those before have not made `problems` of them enough."""
    return takewhile(lambda _: not enough(problems), entries)


def tell_line(source: Source, entry: Entry, error: SchedulerError) -> None:
    """Of a crontab's line that no task can be made of: that it is wrong, and why."""
    if source.lines:
        line = source.lines[entry.line - 1]
        line.role, line.becomes = "wrong", ""
        line.notes = [*line.notes, *(one for one in error.problems if one not in line.notes)]


def tell_of_rest(source: Source, entries: Iterable[Entry]) -> None:
    """That not everything was looked at, and of a crontab which lines."""
    source.notes += [MORE] if MORE not in source.notes else []
    for entry in entries if source.lines else ():
        line = source.lines[entry.line - 1]
        line.role, line.becomes, line.notes = UNREAD, "", []


def located(entry: Entry, problem: Problem) -> Located:
    """`problem` with its place in the file: `line 12: tasks[3].schedule_config`."""
    path = ".".join(filter(None, (entry.where, problem.field)))
    return on_line(entry.line, path, problem, _about(entry), CORRECT_LINE if entry.origin else CORRECT_ENTRY)


def refused(entry: Entry, error: SchedulerError) -> list[Located]:
    """What `error` says of an entry; who may not do it at all is told to ask somebody who may."""
    found = [located(entry, problem) for problem in error.problems]
    if not entry.line and not entry.values:  # the file lacks it
        return [replace(one, remedy=KEEP) for one in found]
    return [replace(one, remedy=ASK_OTHERS) for one in found] if isinstance(error, Forbidden) else found


def on_line(line: int, path: str, problem: Problem, about: str = "", remedy: str = CORRECT_ENTRY) -> Located:
    """`problem` on a line, under a path."""
    place = ": ".join(filter(None, (f"line {line}" if line else "", path)))
    return Located(place, problem.text, problem.params, line, path, about, remedy)


def _about(entry: Entry) -> str:
    """The entry as people know it; what is no text is no name."""
    told = (entry.origin, entry.values.get("key"), entry.values.get("name"))
    return next((one for one in told if one and isinstance(one, str)), "")
