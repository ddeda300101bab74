"""Durations, instants, sizes and numbers as people read them, in the viewer's language and zone; no markup."""

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from functools import cache

from flask_babel import format_date, format_decimal, gettext

from scheduler import clock
from scheduler.web import viewer

NOTHING = "—"
DAY = 86_400
UNITS = (("day", DAY), ("hour", 3600), ("minute", 60), ("second", 1))


def words() -> dict[str, str]:
    """The patterns durations and distances are made of; the browser refreshes times with the same ones."""
    return _words(viewer.language())


def duration(seconds: float | timedelta | None) -> str:
    """How long, in at most two units: `4 min 12 s`, `1 d 16 h`, `0.4 s`."""
    if seconds is None:
        return NOTHING
    value = _seconds(seconds)
    known = words()
    if value < 0.1:
        return known["millisecond"].format(round(value * 1000))
    if value < 9.95:
        return known["second"].format(f"{value:.1f}".removesuffix(".0"))
    return _units(round(value), known, 2)


def compact_duration(seconds: float | timedelta | None) -> str:
    """How long, as a clock shows it: `4:12`, `1:02:03`; under a second as `duration` says it."""
    if seconds is None or _seconds(seconds) < 1:
        return duration(seconds)
    minutes, rest = divmod(round(_seconds(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def ago(instant: datetime | None) -> str:
    """How long since, in one unit; the date alone once it is a month old."""
    if instant is None:
        return NOTHING
    known = words()
    passed = (clock.now() - instant).total_seconds()
    if passed < 5:
        return known["now"]
    if passed >= 30 * DAY:
        return absolute(instant, "date")
    return known["ago"].format(_units(int(passed), known, 1))


def until(instant: datetime | None) -> str:
    """How long from now, in at most two units; `any moment` when due, `… overdue` when past by more than five seconds."""
    if instant is None:
        return NOTHING
    known = words()
    left = (instant - clock.now()).total_seconds()
    if left < -5:
        return known["overdue"].format(_units(int(-left), known, 1))
    if left < 1:
        return known["soon"]
    return known["until"].format(_units(int(left), known, 2 if left >= 3600 else 1))


def absolute(instant: datetime | None, style: str = "full", zone: tzinfo | None = None) -> str:
    """The instant in `zone`, else in the viewer's; `short`, `exact` and `weekday` leave out the year when it is this one."""
    if instant is None:
        return NOTHING
    local = instant.astimezone(zone or viewer.timezone())
    this_year = local.year == clock.now().astimezone(local.tzinfo).year
    day = f"{local:%m-%d}" if this_year and style in {"short", "exact", "weekday"} else f"{local:%Y-%m-%d}"
    texts: dict[str, Callable[[], str]] = {
        "full": lambda: f"{day} {local:%H:%M:%S}",
        "zoned": lambda: f"{day} {local:%H:%M:%S} {local.tzinfo} (UTC{offset(local)})",
        "short": lambda: f"{day} {local:%H:%M}",
        "exact": lambda: f"{day} {local:%H:%M:%S}",
        "weekday": lambda: f"{day} {format_date(local.date(), 'EEE')} {local:%H:%M}",
        "clock": lambda: f"{local:%H:%M:%S}",
        "date": lambda: day,
    }
    return texts[style]()


def offset(local: datetime) -> str:
    """The distance of an aware time from UTC, as `+08:00`."""
    text = f"{local:%z}"
    return f"{text[:3]}:{text[3:5]}"


def size(count: int | None) -> str:
    """Bytes in the largest unit that leaves a whole number: `48 B`, `6.2 MB`."""
    if count is None:
        return NOTHING
    value, unit = float(count), "B"
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if value < 1024 or unit == "TB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"


def number(value: float | None) -> str:
    """A number with its thousands set apart."""
    return NOTHING if value is None else str(format_decimal(value))


@cache  # every page has them, and a list of tasks asks hundreds of times
def _words(_language: str) -> dict[str, str]:
    return {
        "day": gettext("%(n)s d", n="{0}"),
        "hour": gettext("%(n)s h", n="{0}"),
        "minute": gettext("%(n)s min", n="{0}"),
        "second": gettext("%(n)s s", n="{0}"),
        "day_hour": gettext("%(days)s d %(hours)s h", days="{0}", hours="{1}"),
        "hour_minute": gettext("%(hours)s h %(minutes)s min", hours="{0}", minutes="{1}"),
        "minute_second": gettext("%(minutes)s min %(seconds)s s", minutes="{0}", seconds="{1}"),
        "millisecond": gettext("%(n)s ms", n="{0}"),
        "ago": gettext("%(time)s ago", time="{0}"),
        "until": gettext("in %(time)s", time="{0}"),
        "overdue": gettext("%(time)s overdue", time="{0}"),
        "now": gettext("just now"),
        "soon": gettext("any moment"),
    }


def _seconds(value: float | timedelta) -> float:
    return max(value.total_seconds() if isinstance(value, timedelta) else float(value), 0.0)


def _units(seconds: int, known: dict[str, str], count: int) -> str:
    """A duration in its largest unit, with `count` 2 in the next one too; a zero that follows is left out."""
    first = next((index for index, (_, length) in enumerate(UNITS) if seconds >= length), len(UNITS) - 1)
    (name, length), following = UNITS[first], UNITS[first + 1 : first + count]
    amount, rest = divmod(seconds, length)
    for smaller, unit in following:
        if rest >= unit:
            return known[f"{name}_{smaller}"].format(amount, rest // unit)
    return known[name].format(amount)
