"""Sentences about when, put together from whole phrases of the catalogue, so that a language may order them its own way."""

from collections.abc import Collection, Iterable, Sequence
from datetime import time

from scheduler.errors import N_
from scheduler.schedules.base import Translate
from scheduler.schedules.expression import Expression

MONTHS = (
    N_("January"), N_("February"), N_("March"), N_("April"), N_("May"), N_("June"),
    N_("July"), N_("August"), N_("September"), N_("October"), N_("November"), N_("December"),
)  # fmt: skip
WEEKDAYS = (N_("Sunday"), N_("Monday"), N_("Tuesday"), N_("Wednesday"), N_("Thursday"), N_("Friday"), N_("Saturday"))
NTH = {
    1: N_("on the first %(weekday)s of %(months)s"),
    2: N_("on the second %(weekday)s of %(months)s"),
    3: N_("on the third %(weekday)s of %(months)s"),
    4: N_("on the fourth %(weekday)s of %(months)s"),
    5: N_("on the fifth %(weekday)s of %(months)s"),
    -1: N_("on the last %(weekday)s of %(months)s"),
}
LAST_INSTEAD = N_("%(sentence)s (or on the last day of a shorter month)")
MOST_TIMES = 8


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Sorted numbers as stretches of neighbours; two neighbours alone stay apart."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    pieces = [[(first, first), (last, last)] if last == first + 1 else [(first, last)] for first, last in found]
    return [stretch for piece in pieces for stretch in piece]


def ranges(numbers: Iterable[int], dash: str = "-") -> str:
    """Sorted numbers as cron writes them: `1-5,7`."""
    return ",".join(str(first) if first == last else f"{first}{dash}{last}" for first, last in runs(numbers))


def joined(_: Translate, items: Sequence[str]) -> str:
    """A list as a sentence has it: a, b and c."""
    text = items[0]
    for item in items[1:-1]:
        text = _(N_("%(list)s, %(next)s"), list=text, next=item)
    return _(N_("%(list)s and %(last)s"), list=text, last=items[-1]) if len(items) > 1 else text


def numbers(_: Translate, found: Collection[int]) -> str:
    """Numbers in a sentence: 1, 5–9 and 15."""
    return joined(_, ranges(sorted(found), "–").split(","))


def clocks(_: Translate, times: Iterable[time]) -> str:
    """Times of day in a sentence; seconds are shown for all or for none."""
    found = list(times)
    return joined(_, [moment.strftime("%H:%M:%S" if any(each.second for each in found) else "%H:%M") for moment in found])


def at_times(_: Translate, times: Iterable[time], days: str = "") -> str:
    """Fixed times, on the days a phrase names or on all."""
    if days:
        return _(N_("At %(times)s, %(days)s"), times=clocks(_, times), days=days)
    return _(N_("Every day at %(times)s"), times=clocks(_, times))


def with_missing(_: Translate, sentence: str, missing: str, yearly: bool = False) -> str:
    """What happens in a month, or a year, that lacks the day."""
    if missing == "last":
        text = N_("%(sentence)s (in other years on the last day of that month)") if yearly else LAST_INSTEAD
    else:
        text = N_("%(sentence)s (other years are skipped)") if yearly else N_("%(sentence)s (shorter months are skipped)")
    return _(text, sentence=sentence)


def weekday_names(_: Translate, days: Collection[int]) -> str:
    """Weekdays (0 is Sunday) as a list that begins the week on Monday."""
    if set(days) == {1, 2, 3, 4, 5}:
        return _(N_("Monday to Friday"))
    if set(days) == {0, 6}:
        return _(N_("Saturday and Sunday"))
    order, text = (*WEEKDAYS[1:], WEEKDAYS[0]), N_("%(first)s to %(last)s")
    return _stretches(_, sorted((day - 1) % 7 for day in days), order, text)


def _stretches(_: Translate, places: Iterable[int], names: Sequence[str], text: str) -> str:
    """The names at those places, three or more neighbours as `text` has them."""
    pieces = []
    for first, last in runs(places):
        name = _(names[first])
        pieces.append(name if first == last else _(text, first=name, last=_(names[last])))
    return joined(_, pieces)


def weekdays(_: Translate, days: Collection[int]) -> str:
    """The phrase of the weekdays on which something is due; empty for all seven."""
    names = weekday_names(_, days)
    if len(set(days)) == 7:
        return ""
    return names if set(days) in ({1, 2, 3, 4, 5}, {0, 6}) else _(N_("every %(weekdays)s"), weekdays=names)


def month_names(_: Translate, months: Collection[int] | None) -> str:
    """The months as the owner of a day: “the month” for all, else their names."""
    if months is None or len(months) == 12:
        return _(N_("the month"))
    if len(months) == 1:
        return _(N_("%(month)s"), month=_(MONTHS[next(iter(months)) - 1]))
    names = _stretches(_, [number - 1 for number in sorted(months)], MONTHS, N_("%(first)s–%(last)s"))
    return _(N_("%(months)s"), months=names)


def month_days(_: Translate, days: Collection[int], last: bool, months: Collection[int] | None) -> str:
    """The phrase of days of the month, in all months or in some."""
    owner = month_names(_, months)
    if last and days:
        one, several = N_("on day %(days)s and the last day of %(months)s"), N_("on days %(days)s and the last day of %(months)s")
        return _(one if len(days) == 1 else several, days=numbers(_, days), months=owner)
    if last:
        return _(N_("on the last day of %(months)s"), months=owner)
    if len(days) == 1:
        if months is not None and len(months) == 1:
            return _(N_("on %(day)s %(month)s"), day=next(iter(days)), month=_(MONTHS[next(iter(months)) - 1]))
        return _(N_("on day %(days)s of %(months)s"), days=numbers(_, days), months=owner)
    return _(N_("on days %(days)s of %(months)s"), days=numbers(_, days), months=owner)


def cron(_: Translate, found: Expression) -> str:
    """What a cron expression says."""
    times, days = _listed(found), _days(_, found)
    if times:
        return at_times(_, times, days)
    clock = _clock(_, found)
    return _(N_("%(time)s, %(days)s"), time=clock, days=days) if days else clock


def _days(_: Translate, found: Expression) -> str:
    months = None if len(found.month.values) == 12 else found.month.values
    all_days, all_weekdays = len(found.day.values) == 31, len(found.weekday.values) == 7
    every = found.either and (all_days or all_weekdays)
    days = "" if every or all_days else _of_month(_, found, months)
    weekday = "" if every or all_weekdays or found.weekday.nth else weekdays(_, found.weekday.values)
    if days and weekday:
        if found.either:
            return _(N_("%(first)s or %(second)s"), first=days, second=_in_months(_, weekday, months))
        return _(N_("%(days)s, only if it is %(weekdays)s"), days=days, weekdays=weekday_names(_, found.weekday.values))
    if found.weekday.nth:
        return _nth(_, found, months)
    if weekday:
        return _in_months(_, weekday, months)
    if days or months is None:
        return days
    text = N_("every day in %(months)s") if _listed(found) else N_("in %(months)s")
    return _(text, months=month_names(_, months))


def _of_month(_: Translate, found: Expression, months: Collection[int] | None) -> str:
    day = found.day
    if day.nearest is not None:
        return _(N_("on the weekday nearest day %(day)s of %(months)s"), day=day.nearest, months=month_names(_, months))
    step = _step(day.values, 32)
    if day.star and step > 1 and not day.last:
        return _(N_("every %(n)s days from day 1 of %(months)s"), n=step, months=month_names(_, months))
    return month_days(_, day.values, day.last, months)


def _in_months(_: Translate, days: str, months: Collection[int] | None) -> str:
    return days if months is None else _(N_("%(days)s in %(months)s"), days=days, months=month_names(_, months))


def _nth(_: Translate, found: Expression, months: Collection[int] | None) -> str:
    owner = month_names(_, months)
    pairs = sorted(found.weekday.nth, key=lambda pair: (pair[1] % 7, (pair[0] - 1) % 7))
    return joined(_, [_(NTH[which], weekday=_(WEEKDAYS[day]), months=owner) for day, which in pairs])


def _listed(found: Expression) -> list[time]:
    """The times of day one by one, when they are few and no rhythm says them better."""
    parts = found.hour, found.minute, found.second
    count = len(parts[0].values) * len(parts[1].values) * len(parts[2].values)
    hours_apart = _step(found.hour.values, 24) if found.hour.star else 0
    rhythm = _step(found.minute.values, 60) or _step(found.second.values, 60) or (hours_apart and 24 % hours_apart == 0)
    # Nine to five on the hour is a rhythm too; two or three hours are quicker read as times.
    long_stretch = len(found.hour.values) > 3 and len(runs(sorted(found.hour.values))) == 1
    if count > MOST_TIMES or rhythm or long_stretch:
        return []
    hours, minutes, seconds = (sorted(part.values) for part in parts)
    return [time(hour, minute, second) for hour in hours for minute in minutes for second in seconds]


def _step(found: Collection[int], end: int) -> int:
    """The step of three or more evenly spaced values that go on to the end of their field; else 0."""
    ordered = sorted(found)
    if len(ordered) < 3:
        return 0
    step = ordered[1] - ordered[0]
    return step if ordered == list(range(ordered[0], end, step)) else 0


def _clock(_: Translate, found: Expression) -> str:
    seconds = found.second.values
    if seconds == {0}:
        return _minutes(_, found)
    every_minute = len(found.minute.values) == 60
    if every_minute and len(found.hour.values) == 24:
        step = _even(seconds)
        if step == 1:
            return _(N_("Every second"))
        if step:
            return _(N_("Every %(n)s seconds"), n=step)
        return _(N_("At second %(seconds)s of every minute"), seconds=numbers(_, seconds))
    if len(seconds) == 60:
        return _(N_("%(time)s, every second"), time=_minutes(_, found))
    return _(N_("%(time)s, at second %(seconds)s"), time=_minutes(_, found), seconds=numbers(_, seconds))


def _even(found: Collection[int]) -> int:
    """The step, when the values go round the hour (or minute) evenly, beginning at 0."""
    step = _step(found, 60) if len(found) > 2 else 30 if set(found) == {0, 30} else 0
    return step if step and 60 % step == 0 and 0 in found else 0


def _minutes(_: Translate, found: Expression) -> str:
    minutes, hours = found.minute.values, sorted(found.hour.values)
    step, first = _even(minutes), min(minutes)
    if len(hours) == 24:
        return _every_hour(_, minutes)
    each = _step(hours, 24)
    if found.hour.star and each and 24 % each == 0 and len(minutes) == 1:
        if first == 0:
            return _(N_("Every %(n)s hours"), n=each)
        return _(N_("Every %(n)s hours at minute %(minute)s"), n=each, minute=first)
    if hours[-1] - hours[0] == len(hours) - 1:
        ends = {"start": f"{hours[0]:02}:{first:02}", "end": f"{hours[-1]:02}:{max(minutes):02}"}
        if step == 1:
            return _(N_("Every minute from %(start)s to %(end)s"), **ends)
        if step:
            return _(N_("Every %(n)s minutes from %(start)s to %(end)s"), n=step, **ends)
        if len(minutes) == 1:
            return _(N_("Every hour from %(start)s to %(end)s"), **ends)
    if step == 1:
        return _(N_("Every minute of hour %(hours)s"), hours=numbers(_, hours))
    if step:
        return _(N_("Every %(n)s minutes of hour %(hours)s"), n=step, hours=numbers(_, hours))
    return _(N_("At minute %(minutes)s of hour %(hours)s"), minutes=numbers(_, minutes), hours=numbers(_, hours))


def _every_hour(_: Translate, minutes: Collection[int]) -> str:
    even, step = _even(minutes), _step(minutes, 60)
    if even == 1:
        return _(N_("Every minute"))
    if even:
        return _(N_("Every %(n)s minutes"), n=even)
    if set(minutes) == {0}:
        return _(N_("Every hour, on the hour"))
    if step:
        return _(N_("Every %(n)s minutes from minute %(first)s of each hour"), n=step, first=min(minutes))
    return _(N_("At minute %(minutes)s of every hour"), minutes=numbers(_, minutes))
