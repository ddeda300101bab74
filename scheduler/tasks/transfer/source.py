"""What any file amounts to once it is read: entries with the line each stands on, and what there is to say about lines."""

from dataclasses import dataclass, field
from typing import Any

from scheduler.errors import Problem

MOST_TASKS = 20_000
LARGEST = 20 * 1024 * 1024  # bytes


@dataclass(frozen=True)
class Located(Problem):
    """A problem with the line of the file it is on; 0 where it is on none."""

    line: int = 0


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
    role: str  # task, setting, comment, blank, lost, wrong
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


def located(entry: Entry, problem: Problem) -> Located:
    """`problem` with its place in the file: `line 12: tasks[3].schedule_config`."""
    path = ".".join(filter(None, (entry.where, problem.field)))
    return on_line(entry.line, path, problem)


def on_line(line: int, path: str, problem: Problem) -> Located:
    """`problem` on a line, under a path."""
    place = ": ".join(filter(None, (f"line {line}" if line else "", path)))
    return Located(place, problem.text, problem.params, line)
