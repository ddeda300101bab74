"""The grammar of one cron field: its values, its specials, its errors; when an expression is due is said in cron.py."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import NoReturn

from scheduler.errors import N_, Invalid
from scheduler.schedules import values

MONTHS = {name: number for number, name in enumerate(values.MONTHS, 1)}
WEEKDAYS = {name: number % 7 for number, name in enumerate(values.WEEKDAYS, 1)}
LAST = -1

STEP = N_("“%(value)s” is not a step: after “/” write a whole number from 1.")
RANDOM = N_("“R” (a random value) would change at each look: use “H”, which stays the same for a task.")
MIXED = N_("“%(value)s” cannot be mixed with other values in the weekday field.")


@dataclass(frozen=True, slots=True)
class Field:
    """One column of an expression: what it may hold and how its errors read."""

    name: str
    low: int
    high: int
    outside: str
    unreadable: str
    names: Mapping[str, int] = field(default_factory=dict, hash=False)
    top: int = -1
    """The highest number one may write, when that is not `high`: 7 is Sunday too."""

    @property
    def written(self) -> int:
        return max(self.high, self.top)


SECOND = Field("second", 0, 59, values.SECOND_OUTSIDE, N_("“%(value)s” cannot be read in the second field (0–59)."))
MINUTE = Field("minute", 0, 59, values.MINUTE_OUTSIDE, N_("“%(value)s” cannot be read in the minute field (0–59)."))
HOUR = Field("hour", 0, 23, values.HOUR_OUTSIDE, N_("“%(value)s” cannot be read in the hour field (0–23)."))
DAY = Field("day", 1, 31, values.DAY_OUTSIDE, N_("“%(value)s” cannot be read in the day-of-month field (1–31 or L)."))
MONTH = Field(
    "month",
    1,
    12,
    values.MONTH_OUTSIDE,
    N_("“%(value)s” cannot be read in the month field (1–12 or JAN–DEC)."),
    MONTHS,
)
WEEKDAY = Field(
    "weekday",
    0,
    6,
    N_("Weekday %(value)s is outside %(low)s–%(high)s (0 and 7 are both Sunday)."),
    N_("“%(value)s” cannot be read in the weekday field (0–7 or SUN–SAT)."),
    WEEKDAYS,
    7,
)


@dataclass(frozen=True, slots=True)
class Part:
    """One column read: plain values, and the specials of the day columns."""

    text: str
    values: frozenset[int]
    star: bool = False
    last: bool = False
    nearest: int | None = None
    nth: frozenset[tuple[int, int]] = frozenset()
    """Pairs (weekday from 0 = Sunday, which one of the month; -1 the last)."""
    machine: str = ""

    @property
    def whole(self) -> bool:
        """Whether it restricts nothing, and says so with a star."""
        return self.text in ("*", "?", "*/1")


_RANGE = re.compile(r"(\*|[^-/#*]+)(?:-([^-/#*]+))?(?:/(.*))?", re.ASCII | re.DOTALL)
_HASHED = re.compile(r"h(?:\((\d+)-(\d+)\))?(?:/(.*))?", re.ASCII)
_NTH = re.compile(r"([a-z]+|\d+)#(.+)", re.ASCII)
_LAST_WEEKDAY = re.compile(r"l([a-z]{3}|\d+)|([a-z]{3}|\d+)l", re.ASCII)
_NEAREST = re.compile(r"w(\d+)|(\d+)w", re.ASCII)


def hashed(text: str) -> bool:
    """Whether an expression or a field holds an `H`."""
    return re.search(r"(?<![a-z])h(?![a-z])", text.lower()) is not None


def read(column: Field, text: str, seed: str) -> Part:
    """The field as read, its `H` drawn once for `seed`."""
    return _read(column, text.lower(), seed if hashed(text) else "")


@lru_cache(maxsize=2048)
def _read(column: Field, text: str, seed: str) -> Part:
    text = ",".join(_drawn(column, item, seed) for item in text.split(","))
    days = column in (DAY, WEEKDAY)
    if text == "?" and days:
        return Part("?", frozenset(_span(column)), star=True, machine="*")
    if column is DAY and (match := _NEAREST.fullmatch(text)):
        day = _number(column, match[1] or match[2])
        return Part(text, frozenset(), nearest=day, machine=f"{day}w")
    items = text.split(",")
    if column is WEEKDAY and any(_NTH.fullmatch(item) or _LAST_WEEKDAY.fullmatch(item) for item in items):
        return _nth_weekdays(column, text)
    last = column is DAY and "l" in items
    found = frozenset(value for item in items if not (last and item == "l") for value in _values(column, item))
    return Part(text, found, text.startswith("*"), last, machine=_machine(column, items, last))


def _machine(column: Field, items: list[str], last: bool) -> str:
    """The field for croniter, spelled so that it cannot misread it: a leading star stays, the rest becomes plain numbers."""
    # croniter reads `a-a` as the whole field, steps over a wrapped range wrongly, and takes a star anywhere for a leading one.
    leading = items[0] if items[0].startswith("*") else ""
    others = {value for item in (items[1:] if leading else items) if item != "l" for value in _values(column, item)}
    return ",".join([leading] * bool(leading) + [str(value) for value in sorted(others)] + ["l"] * last)


def _values(column: Field, item: str) -> set[int]:
    match = _RANGE.fullmatch(item)
    if match is None:
        _unreadable(column, item)
    low, high, step = match[1], match[2], _step(column, item, match[3])
    if low == "*":
        if high is not None:
            _unreadable(column, item)
        return set(range(column.low, column.high + 1, step))
    start = _number(column, low)
    if high is None:
        return {start} if match[3] is None else set(range(start, column.high + 1, step)) or {start % 7}
    end = _number(column, high)
    size = column.high - column.low + 1
    # A range that ends before it begins goes over the end of the field: FRI-MON, 22-2.
    span = range(start, end + 1 + (size if end < start else 0), step)
    return {(value - column.low) % size + column.low for value in span}


def _number(column: Field, text: str) -> int:
    if text in column.names:
        return column.names[text]
    if not (text.isascii() and text.isdigit()):
        _unreadable(column, text)
    if len(text) > 4 or not column.low <= int(text) <= column.written:
        _fail(column, column.outside, value=values.shown(text), low=column.low, high=column.written)
    return int(text)


def _step(column: Field, item: str, text: str | None) -> int:
    if text is None:
        return 1
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or int(text) == 0:
        _fail(column, STEP, value=values.shown(text))
    return int(text)


def _nth_weekdays(column: Field, text: str) -> Part:
    pairs = set()
    for item in text.split(","):
        if match := _NTH.fullmatch(item):
            if match[2] not in ("1", "2", "3", "4", "5"):
                low_high = {"value": values.shown(match[2]), "low": 1, "high": 5}
                _fail(column, N_("“#%(value)s”: which weekday of the month is outside %(low)s–%(high)s."), **low_high)
            pairs.add((_number(column, match[1]) % 7, int(match[2])))
        elif match := _LAST_WEEKDAY.fullmatch(item):
            pairs.add((_number(column, match[1] or match[2]) % 7, LAST))
        else:
            _fail(column, MIXED, value=values.shown(text))
    machine = ",".join(f"l{day}" if which == LAST else f"{day}#{which}" for day, which in sorted(pairs))
    return Part(text, frozenset(), nth=frozenset(pairs), machine=machine)


def _drawn(column: Field, item: str, seed: str) -> str:
    """`item` with its `H` replaced by the value drawn for `seed`."""
    if item.startswith("r") and (item == "r" or item[1] in "(/"):
        _fail(column, RANDOM)
    if not hashed(item):
        return item
    match = _HASHED.fullmatch(item)
    if match is None:
        _unreadable(column, item)
    # Not every month has a 29th, and a task should not skip months because of its hash.
    low, high = column.low, 28 if column is DAY else column.high
    if match[1]:
        low, high = _number(column, match[1]), _number(column, match[2])
        if low > high:
            _unreadable(column, item)
    step = _step(column, item, match[3])
    draw = int.from_bytes(sha256(f"{seed}\0{column.name}".encode("utf-8", "surrogatepass")).digest()[:8])
    if match[3] is None:
        return str(low + draw % (high - low + 1))
    return f"{low + draw % min(step, high - low + 1)}-{high}/{step}"


def _span(column: Field) -> range:
    return range(column.low, column.high + 1)


def _unreadable(column: Field, text: str) -> NoReturn:
    _fail(column, column.unreadable, value=values.shown(text))


def _fail(column: Field, text: str, **params: object) -> NoReturn:
    raise Invalid.because(text, field=f"{values.ROOT}.{column.name}", **params)
