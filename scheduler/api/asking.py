"""What stands in the query of a request, read strictly: numbers, flags, words, instants, pages; a wrong one is refused."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import request

from scheduler.api import times
from scheduler.errors import N_, Invalid

LONGEST = 200
LAST_PAGE = 10_000_000
FLAGS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True)
class Paging:
    """Which page of a list, and how long pages are."""

    page: int
    size: int

    @property
    def first(self) -> int:
        """How many come before it."""
        return (self.page - 1) * self.size


def paging() -> Paging:
    """`page` from 1, `size` 20 unless told, at most 100."""
    return Paging(number("page", 1, (1, LAST_PAGE)), number("size", 20, (1, 100)))


def number(name: str, default: int, bounds: tuple[int, int]) -> int:
    """A whole number within `bounds`."""
    return read_number(given, name, bounds) if (given := request.args.get(name)) is not None else default


def read_number(text: str, name: str, bounds: tuple[int, int]) -> int:
    """`text` as a whole number within `bounds`."""
    if not re.fullmatch("-?[0-9]{1,18}", text):
        raise Invalid.because(N_("“%(value)s” is not a whole number."), field=name, value=text[:60])
    found = int(text)
    if not bounds[0] <= found <= bounds[1]:
        problem = N_("%(value)s is outside %(low)s–%(high)s.")
        raise Invalid.because(problem, field=name, value=found, low=bounds[0], high=bounds[1])
    return found


def flag(name: str) -> bool | None:
    """True, false, or None when nothing is said."""
    given = request.args.get(name)
    if given is None:
        return None
    return FLAGS[word(name, FLAGS).lower()]


def word(name: str, choices: Collection[str]) -> str:
    """One of `choices`, as they are written, whatever its capitals; empty when nothing is said."""
    given = request.args.get(name)
    if given is None:
        return ""
    found = next((choice for choice in choices if choice.lower() == given.lower()), None)
    if found is None:
        problem = N_("“%(value)s” is not one of: %(choices)s.")
        raise Invalid.because(problem, field=name, value=given[:60], choices=", ".join(choices))
    return found


def text(name: str) -> str:
    """Any short text; empty when nothing is said."""
    given = request.args.get(name, "")
    if len(given) > LONGEST:
        raise Invalid.because(N_("Too long: at most %(max_length)s characters."), field=name, max_length=LONGEST)
    if "\0" in given:
        raise Invalid.because(N_("This must not contain NUL characters."), field=name)
    return given


def moment(name: str, zone: ZoneInfo) -> datetime | None:
    """An instant, on the clock of `zone` when it names no offset."""
    given = text(name)
    if "T" in given:
        given = given.replace(" ", "+")  # an offset whose plus was not written as %2B
    return times.read(given, name, zone) if given else None
