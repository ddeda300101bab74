"""The grammar of a whole cron expression: its columns, its aliases, its errors; when it is due is said in cron.py."""

import re
from dataclasses import dataclass
from functools import lru_cache

from scheduler.errors import N_, Invalid, Problem
from scheduler.schedules import fields, values
from scheduler.schedules.fields import Part

LONGEST = 256
COLUMNS = (fields.MINUTE, fields.HOUR, fields.DAY, fields.MONTH, fields.WEEKDAY)
ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(frozen=True, slots=True)
class Expression:
    """A cron expression read column by column, every `H` drawn."""

    text: str
    machine: str
    second: Part
    minute: Part
    hour: Part
    day: Part
    month: Part
    weekday: Part

    @property
    def wildcard(self) -> bool:
        """Whether it follows elapsed time when the clock changes, as Debian's cron decides it: by the first character."""
        return self.second.star or self.minute.star or self.hour.star

    @property
    def either(self) -> bool:
        """Whether a day is due when the day of the month or the weekday fits, and not only when both do."""
        return not (self.day.star or self.weekday.star)


def tidy(text: object) -> str:
    """A cron text with single spaces, refused when it is empty, too long, or holds what no expression holds."""
    text = "" if text is None else text
    if not isinstance(text, str):
        values.refuse(N_("The cron expression must be text, not “%(value)s”."), value=values.shown(text))
    if len(text) > LONGEST:
        refusal = N_("The cron expression has %(count)s characters; at most %(limit)s are allowed.")
        values.refuse(refusal, count=len(text), limit=LONGEST)
    strange = re.search(r"[^!-~ \t]", text.strip())
    if strange:
        refusal = N_("A cron expression cannot hold the character “%(value)s”.")
        values.refuse(refusal, value=strange[0] if strange[0].isprintable() else ascii(strange[0])[1:-1])
    found = " ".join(text.split())
    if not found:
        values.refuse(N_("The cron expression is empty."))
    return found.lower() if found.startswith("@") else found


def expression(text: str, seed: str = "") -> Expression:
    """The expression `text` stands for; `Invalid` names each wrong column."""
    return _read(tidy(text), seed if fields.hashed(text) else "")


@lru_cache(maxsize=2048)
def _read(text: str, seed: str) -> Expression:
    if text == "@reboot":
        values.refuse(N_("“@reboot” names no time: a schedule needs one."))
    if text.startswith("@") and text not in ALIASES:
        values.refuse(N_("“%(value)s” is not one of: %(choices)s."), value=values.shown(text), choices=", ".join(ALIASES))
    columns = ALIASES.get(text, text).split()
    if len(columns) not in (5, 6):
        _refuse_count(len(columns))
    rules = COLUMNS if len(columns) == 5 else (fields.SECOND, *COLUMNS)
    problems: list[Problem] = []
    parts: list[Part] = []
    for rule, column in zip(rules, columns, strict=True):
        try:
            parts.append(fields.read(rule, column, seed))
        except Invalid as error:
            problems += error.problems
    if problems:
        raise Invalid(problems)
    machine = " ".join(part.machine for part in parts)
    resolved = " ".join(_written(part, column) for part, column in zip(parts, columns, strict=True))
    if len(parts) == 5:
        parts.insert(0, Part("0", frozenset({0})))
    found = Expression(resolved, machine, *parts)
    _refuse_special_days(found)
    return found


def _written(part: Part, column: str) -> str:
    """The column as its writer wrote it, but with every `H` resolved."""
    return part.text if fields.hashed(column) else column


def _refuse_count(count: int) -> None:
    if count == 7:
        values.refuse(N_("A cron expression has 5 fields, or 6 with seconds first; this one has 7, and years are not supported."))
    values.refuse(N_("A cron expression has 5 fields, or 6 with seconds first; this one has %(count)s."), count=count)


def _refuse_special_days(found: Expression) -> None:
    """`#`, a last weekday and `W` choose days by themselves: what they mean beside the other day field differs among crons."""
    if found.weekday.nth and not found.day.whole:
        refusal = N_("“%(value)s” cannot be combined with a day of the month: write * there.")
        values.refuse(refusal, "weekday", value=found.weekday.text)
    if found.day.nearest and not found.weekday.whole:
        values.refuse(N_("“%(value)s” cannot be combined with a weekday: write * there."), "day", value=found.day.text)
