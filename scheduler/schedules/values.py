"""Reading one value out of a schedule's configuration, with an error that names the part, the value and what is allowed."""

from collections.abc import Collection, Iterable, Mapping
from datetime import time
from typing import Any, NoReturn

from scheduler.errors import N_, Invalid

ROOT = "schedule_config"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FULL_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LONGEST_LIST = 100

HOUR_OUTSIDE = N_("Hour %(value)s is outside %(low)s–%(high)s.")
MINUTE_OUTSIDE = N_("Minute %(value)s is outside %(low)s–%(high)s.")
SECOND_OUTSIDE = N_("Second %(value)s is outside %(low)s–%(high)s.")
DAY_OUTSIDE = N_("Day of the month %(value)s is outside %(low)s–%(high)s.")
MONTH_OUTSIDE = N_("Month %(value)s is outside %(low)s–%(high)s.")
CLOCK = ((23, HOUR_OUTSIDE), (59, MINUTE_OUTSIDE), (59, SECOND_OUTSIDE))


def refuse(text: str, part: str = "", **params: Any) -> NoReturn:
    """Raise `Invalid` for one part of the configuration."""
    raise Invalid.because(text, field=f"{ROOT}.{part}" if part else ROOT, **params)


def shown(value: object) -> str:
    """A value as an error may quote it: short, whatever was sent."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 40 else text[:39] + "…"


def mapping(config: object) -> Mapping[str, Any]:
    """`config`, if it is an object with names for keys."""
    if not isinstance(config, Mapping):
        refuse(N_("The schedule must be an object, not “%(value)s”."), value=shown(config))
    return config


def only(config: object, *names: str) -> None:
    """Refuse each key that is not among `names`, by name."""
    for key in mapping(config):
        if key not in names:
            refuse(N_("Unknown field “%(name)s”."), shown(key), name=shown(key))


def choice(value: object, part: str, choices: Collection[str]) -> str:
    """`value`, if it is one of `choices`; capitals do not matter."""
    found = value.strip().lower() if isinstance(value, str) else ""
    if found not in choices:
        text = N_("“%(value)s” is not one of: %(choices)s.")
        refuse(text, part, value=shown(value), choices=", ".join(choices))
    return found


def whole(value: object, part: str, bounds: tuple[int, int], outside: str) -> int:
    """`value` as a whole number within `bounds`; forms send digits, JSON sends numbers."""
    if value is None or value == "":
        refuse(N_("This field is required."), part)
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) <= 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        refuse(N_("“%(value)s” is not a whole number."), part, value=shown(value))
    if not bounds[0] <= value <= bounds[1]:
        refuse(outside, part, value=shown(value), low=bounds[0], high=bounds[1])
    return value


def many(value: object, part: str) -> list[object]:
    """`value` as a list: a list, one value, or text with commas; empty and endless ones are refused."""
    if isinstance(value, str):
        found: list[object] = [item.strip() for item in value.split(",") if item.strip()]
    else:
        found = list(value) if isinstance(value, Iterable) and not isinstance(value, Mapping) else [value]
    if not found or found == [None]:
        refuse(N_("Give at least one value."), part)
    if len(found) > LONGEST_LIST:
        refuse(N_("At most %(limit)s values are allowed."), part, limit=LONGEST_LIST)
    return found


def times(value: object, part: str = "times") -> tuple[time, ...]:
    """Times of day, sorted, each once."""
    return tuple(sorted({clock(item, part) for item in many(value, part)}))


def clock(value: object, part: str = "times") -> time:
    """One time of day: HH:MM or HH:MM:SS."""
    pieces = value.strip().split(":") if isinstance(value, str) else []
    if len(pieces) not in (2, 3) or not all(piece.isascii() and piece.isdigit() and len(piece) <= 2 for piece in pieces):
        refuse(N_("“%(value)s” is not a time: write HH:MM or HH:MM:SS."), part, value=shown(value))
    numbers = [whole(piece, part, (0, high), outside) for piece, (high, outside) in zip(pieces, CLOCK, strict=False)]
    hour, minute, second = (*numbers, 0)[:3]
    return time(hour, minute, second)


def clock_text(moment: time) -> str:
    """A time of day as written: seconds only when there are any."""
    return moment.strftime("%H:%M:%S" if moment.second else "%H:%M")


def weekdays(value: object, part: str = "days") -> tuple[int, ...]:
    """Weekdays by name, as numbers from 0 = Monday, sorted, each once."""
    return tuple(sorted({_weekday(item, part) for item in many(value, part)}))


def _weekday(value: object, part: str) -> int:
    name = value.strip().lower() if isinstance(value, str) else ""
    for names in (WEEKDAYS, FULL_WEEKDAYS):
        if name in names:
            return names.index(name)
    refuse(N_("“%(value)s” is not a weekday: use mon, tue, wed, thu, fri, sat or sun."), part, value=shown(value))


def month(value: object, part: str = "month") -> int:
    """A month by number or English name."""
    if isinstance(value, str) and value.strip().lower() in MONTHS:
        return MONTHS.index(value.strip().lower()) + 1
    return whole(value, part, (1, 12), MONTH_OUTSIDE)
