"""Every documented spelling of a schedule, read into our kind and canonical configuration, and written back; no rule of time."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from scheduler.errors import N_, Invalid, Problem
from scheduler.schedules import builder, schedules, values
from scheduler.schedules.interval import UNITS, period

KINDS = {"date": "once"}
ANY = ZoneInfo("UTC")

# For each kind: the key of the canonical configuration, and the keys that documents spell it with.
KEYS: dict[str, dict[str, tuple[str, ...]]] = {
    "interval": {"interval": ("interval", "every"), "unit": ("unit",)},
    "daily": {"times": ("times", "time")},
    "weekly": {"days": ("days", "weekdays", "day_of_week"), "times": ("times", "time")},
    "monthly": {"days": ("days", "day_of_month", "day"), "times": ("times", "time"), "missing": ("missing",)},
    "yearly": {
        "month": ("month",),
        "day": ("day", "day_of_month"),
        "times": ("times", "time"),
        "missing": ("missing",),
    },
    "once": {"at": ("at", "datetime", "date", "time")},
    "cron": {"cron": ("cron", "expression")},
    "manual": {},
}
OPTIONS = {
    "timezone": "timezone",
    "start": "start_at",
    "start_at": "start_at",
    "end": "end_at",
    "end_at": "end_at",
    "max_runs": "max_runs",
}

ZERO_IS_MONDAY = N_("Weekday %(value)s is outside %(low)s–%(high)s (0 is Monday).")
ONE_IS_MONDAY = N_("Weekday %(value)s is outside %(low)s–%(high)s (1 is Monday).")


def read(kind: str, config: Any) -> tuple[str, dict[str, Any]]:
    """Our kind and canonical configuration; an empty kind takes a cron text, or an object that names its `type`."""
    if not kind:
        found, options = read_object(config)
        for name in options:
            values.refuse(N_("Unknown field “%(name)s”."), name, name=name)
        return found
    name = kind_of(kind)
    if isinstance(config, str):
        return _from_text(name, config.strip())
    if config is None and name != "manual":
        values.refuse(N_("This field is required."))
    config = {} if config is None else config
    if name == "interval" and isinstance(config, int) and not isinstance(config, bool):
        config = {"interval": config}
    return name, _canonical(name, values.mapping(config))


def read_object(schedule: Any) -> tuple[tuple[str, dict[str, Any]], dict[str, Any]]:
    """A schedule as one value: a cron text, or an object with its `type`, parts, and options (zone, window, number of runs)."""
    if isinstance(schedule, str):
        return _from_text("cron", schedule.strip()), {}
    given = dict(values.mapping(schedule))
    options = {OPTIONS[key]: given.pop(key) for key in list(given) if key in OPTIONS}
    kind = given.pop("type", "cron" if "cron" in given else None)
    if not kind:
        values.refuse(N_("This field is required."), "type")
    return read(kind, given), options


def kind_of(kind: object) -> str:
    """Our name of a kind, whatever its capitals; 002's DATE is our once."""
    name = kind.strip().lower() if isinstance(kind, str) else values.shown(kind)
    return schedules.get(KINDS.get(name, name)).name


def merge(kind: str, config: Mapping[str, Any], part: Any) -> dict[str, Any]:
    """The canonical `config` of a kind with some of its parts given anew, in any spelling."""
    if isinstance(part, str) or kind in ("once", "cron"):
        return read(kind, part)[1]
    renamed, spelled = _renamed(kind, values.mapping(part))
    return _parsed(kind, {**config, **renamed}, spelled)


def plain(kind: str, config: Mapping[str, Any]) -> str | dict[str, Any]:
    """As 002 writes it: one text for cron, interval (seconds) and once; the canonical object for the rest."""
    if kind == "interval":
        return str(config["interval"] * UNITS[config["unit"]])
    only = {"cron": "cron", "once": "at"}.get(kind)
    return str(config[only]) if only else dict(config)


def parts(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """As 004 writes it: `time` with seconds, `day_of_week` from 0 = Monday, `day_of_month`, `datetime`; lists for several."""
    found = dict(config)
    if "times" in found:
        times = [time if time.count(":") == 2 else f"{time}:00" for time in found.pop("times")]
        found |= {"time": times[0]} if len(times) == 1 else {"times": times}
    if kind == "weekly":
        days = [values.WEEKDAYS.index(day) for day in found.pop("days")]
        found["day_of_week"] = days[0] if len(days) == 1 else days
    if kind == "monthly":
        days = found.pop("days")
        found["day_of_month"] = days[0] if len(days) == 1 else days
    if kind == "once":
        found = {"datetime": found["at"].replace("T", " ") if found["at"][-1] != "Z" else found["at"]}
    return found


def _canonical(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    renamed, spelled = _renamed(kind, config)
    return _parsed(kind, renamed, spelled)


def _renamed(kind: str, config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The configuration under our keys, and how each of them was spelled."""
    ours = {spelling: key for key, spellings in KEYS[kind].items() for spelling in spellings}
    values.only(config, *ours)
    found: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    for spelling, value in config.items():
        key = ours[spelling]
        if key in spelled:
            values.refuse(N_("Give “%(first)s” or “%(second)s”, not both."), spelling, first=spelled[key], second=spelling)
        found[key], spelled[key] = _numbered(spelling, value), spelling
    return found, spelled


def _parsed(kind: str, config: Mapping[str, Any], spelled: Mapping[str, str]) -> dict[str, Any]:
    try:
        return schedules.get(kind).parse(config, ANY).config()
    except Invalid as error:
        # The error names the field as its sender knows it.
        raise Invalid(_respelled(problem, spelled) for problem in error.problems) from None


def _respelled(problem: Problem, spelled: Mapping[str, str]) -> Problem:
    root, _, part = problem.field.partition(".")
    return Problem(f"{root}.{spelled.get(part, part)}", problem.text, problem.params) if part else problem


def _numbered(spelling: str, value: Any) -> Any:
    """Weekdays given as numbers under the two keys that say which number Monday has."""
    first = {"day_of_week": (0, ZERO_IS_MONDAY), "weekdays": (1, ONE_IS_MONDAY)}.get(spelling)
    if first is None:
        return value
    low, outside = first
    found = values.many(value, spelling)
    return [
        values.WEEKDAYS[values.whole(day, spelling, (low, low + 6), outside) - low]
        if isinstance(day, int) or (isinstance(day, str) and day.isdigit())
        else day
        for day in found
    ]


def _from_text(kind: str, text: str) -> tuple[str, dict[str, Any]]:
    if text.startswith("@every "):
        return "interval", period(text.removeprefix("@every ").strip()).config()
    if text.startswith("@at "):
        return "once", _canonical("once", {"at": text.removeprefix("@at ").strip()})
    if text.startswith("{"):
        return kind, _canonical(kind, values.mapping(_decoded(text)))
    return kind, TEXTS[kind](text)


def _decoded(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        values.refuse(N_("“%(value)s” is not a JSON object."), value=values.shown(text))


def _calendar_text(kind: str, text: str) -> dict[str, Any]:
    """`[days] times` in words and numbers, or a cron text that means the same kind."""
    if text.startswith("@") or len(text.split()) >= 5:
        found = builder.from_cron(text)
        if found is None or found[0] != kind:
            refusal = N_("“%(value)s” is not a schedule of the kind “%(kind)s”: use the kind “cron”.")
            values.refuse(refusal, value=values.shown(text), kind=kind)
        return found[1]
    days, _, times = text.replace(", ", ",").rpartition(" ")
    config: dict[str, Any] = {"times": times}
    if kind == "yearly":
        month, _, day = days.strip().rpartition("-")
        config |= {"month": month, "day": day}
    elif kind != "daily" or days:
        config["days"] = days.strip()
    return _canonical(kind, config)


TEXTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "interval": lambda text: period(text).config(),
    "daily": lambda text: _calendar_text("daily", text),
    "weekly": lambda text: _calendar_text("weekly", text),
    "monthly": lambda text: _calendar_text("monthly", text),
    "yearly": lambda text: _calendar_text("yearly", text),
    "once": lambda text: _canonical("once", {"at": text}),
    "cron": lambda text: _canonical("cron", {"cron": text}),
    "manual": lambda text: _canonical("manual", {text: None} if text else {}),
}
