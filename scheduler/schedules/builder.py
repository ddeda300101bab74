"""The builder's data: what its controls offer, a cron text as a builder kind of the same meaning, a pasted crontab line."""

import re
from collections.abc import Mapping
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

from scheduler.errors import N_, Invalid
from scheduler.schedules import sentences, values
from scheduler.schedules.calendar import Daily, Monthly, Weekly, Yearly, day_in_month
from scheduler.schedules.expression import Expression, expression
from scheduler.schedules.fields import hashed
from scheduler.schedules.interval import Interval
from scheduler.schedules.once import Once

UNITS = (
    ("seconds", N_("seconds")),
    ("minutes", N_("minutes")),
    ("hours", N_("hours")),
    ("days", N_("days")),
)
WEEKDAYS = tuple(zip(values.WEEKDAYS, (*sentences.WEEKDAYS[1:], sentences.WEEKDAYS[0]), strict=True))
MONTHS = tuple(enumerate(sentences.MONTHS, 1))
MISSING = (("last", N_("Run on the last day instead")), ("skip", N_("Skip that month")))
EXAMPLES = (
    ("*/5 * * * *", N_("Every 5 minutes")),
    ("0 * * * *", N_("Every hour, on the hour")),
    ("0 2 * * *", N_("Every night at two")),
    ("30 9 * * 1-5", N_("Working days at half past nine")),
    ("0 3 * * 0", N_("Sundays at three in the night")),
    ("0 0 1 * *", N_("The first of each month")),
    ("0 23 L * *", N_("The last evening of each month")),
    ("H H * * *", N_("Once a day, spread over the day")),
)
STARTING: dict[str, dict[str, Any]] = {
    "interval": {"interval": 30, "unit": "minutes"},
    "daily": {"times": ["02:00"]},
    "weekly": {"days": ["mon"], "times": ["02:00"]},
    "monthly": {"days": [1], "times": ["02:00"], "missing": "last"},
    "yearly": {"month": 1, "day": 1, "times": ["02:00"], "missing": "last"},
    "once": {"at": ""},
    "cron": {"cron": "0 2 * * *"},
    "manual": {},
}
MOST_TIMES = 24

_REST = r"[\w*,/\-#?()]*\s+"
_LINE = re.compile(rf"((?:[\d*hH]{_REST}){{2}}(?:[\w*?]{_REST}){{3}}|@[A-Za-z]+\s+)(\S.*)", re.ASCII)


def from_cron(text: str) -> tuple[str, dict[str, Any]] | None:
    """The builder's kind and configuration that are due exactly when the cron text is, clock changes included; else None."""
    found = expression(text)
    if hashed(text) and not text.startswith("@"):
        return None
    times = _times(found)
    if not times or found.day.nearest or found.weekday.nth:
        return None
    days = _days(found)
    return (days[0], {**days[1], "times": times, **days[2]}) if days else None


def convert(kind: str, config: Mapping[str, Any], target: str) -> dict[str, Any]:
    """A configuration for `target` that keeps what it can of another kind's: the same meaning, else the times, else a start."""
    if kind == target:
        return dict(config)
    try:
        return _converted(kind, config, target)
    except Invalid:
        # Half-typed values are no reason to lose the form: begin anew.
        return dict(STARTING[target])


def split_crontab_line(text: str) -> tuple[str, str] | None:
    """The schedule and the command of a pasted crontab line; None for anything else, a bare expression too."""
    line = text.strip()
    if "\n" in line or len(line) > 10_000:
        return None
    match = _LINE.fullmatch(line)
    if match is None or _reads(line):
        return None
    return " ".join(match[1].split()), match[2]


def _reads(text: str) -> bool:
    try:
        expression(text)
    except Invalid:
        return False
    return True


def _times(found: Expression) -> list[str]:
    if found.wildcard or len(found.hour.values) * len(found.minute.values) * len(found.second.values) > MOST_TIMES:
        return []
    hours, minutes, seconds = (sorted(part.values) for part in (found.hour, found.minute, found.second))
    clocks = [time(hour, minute, second) for hour in hours for minute in minutes for second in seconds]
    return [values.clock_text(clock) for clock in clocks]


def _days(found: Expression) -> tuple[str, dict[str, Any], dict[str, Any]] | None:
    """The kind, and its configuration before and after the times."""
    all_days = len(found.day.values) == 31
    all_weekdays = len(found.weekday.values) == 7
    all_months = len(found.month.values) == 12
    if (all_days and all_weekdays) or (found.either and (all_days or all_weekdays)):
        return ("daily", {}, {}) if all_months else None
    if all_days:
        names = [values.WEEKDAYS[day] for day in sorted((day - 1) % 7 for day in found.weekday.values)]
        return ("weekly", {"days": names}, {}) if all_months else None
    if not all_weekdays:
        return None
    if all_months:
        days = [*sorted(found.day.values), *(["last"] if found.day.last else [])]
        return "monthly", {"days": days}, {"missing": "skip"}
    return _yearly(found)


def _yearly(found: Expression) -> tuple[str, dict[str, Any], dict[str, Any]] | None:
    if len(found.month.values) > 1 or len(found.day.values) + found.day.last > 1:
        return None
    month = next(iter(found.month.values))
    if found.day.last:
        return "yearly", {"month": month, "day": 31}, {"missing": "last"}
    day = next(iter(found.day.values))
    return (
        None if day_in_month(2000, month, day, "skip") is None else ("yearly", {"month": month, "day": day}, {"missing": "skip"})
    )


def _converted(kind: str, config: Mapping[str, Any], target: str) -> dict[str, Any]:
    start = dict(STARTING[target])
    if kind == "cron":
        same = from_cron(str(config.get("cron", "")))
        if same is None:
            return start
        kind, config = same
        if kind == target:
            return config
    if target == "cron":
        written = _as_cron(kind, config)
        return {"cron": written} if written else start
    return {key: config[key] if key in ("times", "missing") and key in config else value for key, value in start.items()}


def _as_cron(kind: str, config: Mapping[str, Any]) -> str | None:
    """The one expression that a configuration amounts to, if it is one."""
    kinds = {one.name: one for one in (Interval, Daily, Weekly, Monthly, Yearly, Once)}
    found = kinds[kind].parse(config, ZoneInfo("UTC")).expressions() if kind in kinds else []
    return found[0] if len(found) == 1 else None
