"""Which task a crontab's line is: the one it became when it was brought in before, or a new one with its own key and name."""

import re
from collections import defaultdict, deque
from collections.abc import Container, Iterable, Iterator

from scheduler.tasks.models import Task
from scheduler.tasks.transfer.source import Entry

STEM = 90  # characters that a number is put behind
_NUMBERED = re.compile(r"(.*)-[0-9]+")


class Free:
    """Finds the first of “text”, “text-2”, “text-3” … that nobody has, and goes on from there: thousands may be alike."""

    def __init__(self, number: str, taken: Container[str]) -> None:
        self._number, self._taken = number, taken
        self._given: set[str] = set()
        self._next: dict[str, int] = {}

    def of(self, text: str) -> str:
        """One that is free, and no longer is."""
        found, stem = text, text[:STEM]
        while found in self._taken or found in self._given:
            number = self._next.get(stem, 2)
            self._next[stem] = number + 1
            found = stem + self._number.format(number)
        self._given.add(found)
        return found


class Earlier:
    """The tasks that lines of a crontab have become, each to be taken once by a line that says the same."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._keys: dict[tuple[str, str], deque[str]] = defaultdict(deque)
        self._taken: set[str] = set()
        for task in sorted(tasks, key=lambda task: (len(task.key), task.key)):
            for name in _names(task.key):
                self._keys[name, str(task.notes.get("crontab", ""))].append(task.key)

    def key(self, entry: Entry, key: str) -> str | None:
        """The key of the task that this line became; `key` is the one it would have as the first of that name."""
        for name in (key, f"{key[:STEM]}-"):
            waiting = self._keys.get((name, entry.origin), deque())
            while waiting:
                if (found := waiting.popleft()) not in self._taken:
                    self._taken.add(found)
                    return found
        return None


def candidates(there: Iterable[str], wanted: Iterable[str]) -> Iterator[str]:
    """Of the keys that are there those that lines wanting these keys may have got."""
    names = {name for key in wanted for name in (key, f"{key[:STEM]}-")}
    return (key for key in there if not names.isdisjoint(_names(key)))


def _names(key: str) -> Iterator[str]:
    """What the key may have been made from: itself, or what stands before its number."""
    yield key
    if numbered := _NUMBERED.fullmatch(key):
        yield f"{numbered[1]}-"
