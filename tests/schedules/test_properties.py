"""What holds for every schedule: checked on random ones, against a slow reading of the cron rules written anew here."""

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from scheduler.errors import Invalid
from scheduler.schedules import Plan, parse
from scheduler.schedules.values import MONTHS, WEEKDAYS
from tests.schedules import strategies as some

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def built(kind, config, zone):
    try:
        return parse(kind, config, zone)
    except Invalid as refused:
        assume("never fires" not in str(refused))
        raise


@relaxed
@given(some.expressions | some.with_seconds, some.zones, some.moments)
def test_it_goes_strictly_forward_and_quickly(text, zone, moment):
    schedule = built("cron", {"cron": text}, zone)
    for _ in range(20):
        started = time.perf_counter()
        found = schedule.next_after(moment)
        assert time.perf_counter() - started < 0.5
        assert found is not None and found > moment and found.microsecond == 0
        moment = found


@relaxed
@given(some.calendars | some.others, some.zones, some.moments)
def test_it_goes_strictly_forward_in_the_builders_kinds_too(schedule, zone, moment):
    found = [moment, *Plan(built(*schedule, zone)).upcoming(moment, 20)]
    assert found == sorted(set(found))


@relaxed
@given(some.expressions, some.moments)
def test_it_is_due_at_every_minute_that_fits_and_no_other(text, moment):
    """In UTC, minute by minute over a day from a due instant, by the rules written below."""
    schedule = built("cron", {"cron": text}, "UTC")
    first = schedule.next_after(moment)
    fits = book(text)
    expected = [first + MINUTE * number for number in range(1440) if fits(first + MINUTE * number)]
    assert Plan(schedule).between(first - MINUTE, first + DAY - MINUTE, 3000) == expected


@relaxed
@given(some.expressions, some.moments)
def test_it_leaves_no_due_day_out(text, moment):
    """Day by day over two years, the time fields opened."""
    text = f"0 0 {text.split(maxsplit=2)[2]}"
    schedule = built("cron", {"cron": text}, "UTC")
    start = moment.replace(hour=0, minute=0, second=0)
    fits = book(text)
    expected = [start + DAY * number for number in range(1, 731) if fits(start + DAY * number)]
    assert Plan(schedule).between(start, start + 730 * DAY, 1000) == expected


@relaxed
@given(some.expressions, some.zones, some.moments)
def test_it_shows_fitting_wall_times_but_right_after_a_gap(text, zone, moment):
    here, fits = ZoneInfo(zone), book(text)
    for instant in Plan(built("cron", {"cron": text}, zone)).upcoming(moment, 30):
        before = (instant - timedelta(seconds=1)).astimezone(here)
        after_gap = instant.astimezone(here).utcoffset() > before.utcoffset()
        assert fits(instant.astimezone(here)) or after_gap


@relaxed
@given(some.expressions, some.zones, st.integers(2016, 2030))
def test_it_is_due_alike_from_any_moment(text, zone, year):
    """Between two neighbours every moment answers with the later one; around the changes of the clock above all."""
    schedule = built("cron", {"cron": text}, zone)
    for moment in changes(zone, year):
        chain = Plan(schedule).upcoming(moment - timedelta(hours=4), 12)
        for earlier, later in pairwise(chain):
            middle = earlier + (later - earlier) / 2
            assert schedule.next_after(middle) == schedule.next_after(later - timedelta(seconds=1)) == later


@relaxed
@given(st.tuples(st.just("cron"), some.expressions.map(lambda text: {"cron": text})) | some.calendars | some.others, some.zones)
def test_its_configuration_is_a_fixed_point(schedule, zone):
    kind, config = schedule
    first = built(kind, config, zone)
    assert parse(kind, first.config(), zone) == first
    assert parse(kind, first.config(), zone).config() == first.config()


@relaxed
@given(some.calendars, some.zones, some.moments)
def test_its_expressions_are_due_when_it_is(schedule, zone, moment):
    ours = built(*schedule, zone)
    found = Plan(ours).upcoming(moment, 12)
    crons = [Plan(built("cron", {"cron": text}, zone)) for text in ours.expressions()]
    assert found == sorted({instant for plan in crons for instant in plan.between(moment, found[-1], 10_000)})


@relaxed
@given(some.calendars | some.others, some.zones, some.moments, st.integers(0, 400), st.integers(1, 800))
def test_it_stays_within_its_window(schedule, zone, moment, opens, length):
    start = moment + opens * DAY
    plan = Plan(built(*schedule, zone), start, start + length * DAY)
    assert all(plan.start_at <= instant <= plan.end_at for instant in plan.upcoming(moment, 30))


@relaxed
@given(some.calendars, some.zones, some.moments, st.integers(1, 40))
def test_it_lists_between_two_moments_what_comes_next(schedule, zone, moment, count):
    plan = Plan(built(*schedule, zone))
    chain = plan.upcoming(moment, count)
    assert plan.between(moment, chain[-1], count + 5) == chain
    assert plan.between(moment, chain[-1], 1) == chain[:1]


@relaxed
@given(st.text(alphabet=st.sampled_from("0123456789*/,-#LWHR?() @abcdefgmnost\t\0é*"), max_size=60))
def test_it_answers_any_text_with_a_schedule_or_a_reason(text):
    try:
        assert parse("cron", {"cron": text}, "Europe/Berlin", "seed").next_after(datetime(2026, 1, 1, tzinfo=UTC)) is not None
    except Invalid as refused:
        assert refused.problems and all(str(problem) for problem in refused.problems)


def changes(zone, year):
    """The instants of a year at which the clock of the zone changes, to the hour."""
    start, here = datetime(year, 1, 1, tzinfo=UTC), ZoneInfo(zone)
    hours = [start + timedelta(hours=number) for number in range(0, 365 * 24, 6)]
    return [late for early, late in pairwise(hours) if early.astimezone(here).utcoffset() != late.astimezone(here).utcoffset()]


def book(text):
    """A five-field expression by the book: a test of wall times."""
    weekday_names = {name: number % 7 for number, name in enumerate(WEEKDAYS, 1)}
    month_names = {name: number for number, name in enumerate(MONTHS, 1)}
    minute, hour, day, month, weekday = text.split()
    both = day.startswith("*") or weekday.startswith("*")
    minutes, hours, days = walked(minute, 0, 59), walked(hour, 0, 23), walked(day, 1, 31)
    months, weekdays = walked(month, 1, 12, month_names), walked(weekday, 0, 6, weekday_names)

    def fits(wall):
        by_day, by_weekday = wall.day in days, wall.isoweekday() % 7 in weekdays
        today = (by_day and by_weekday) if both else (by_day or by_weekday)
        return wall.minute in minutes and wall.hour in hours and wall.month in months and today

    return fits


def walked(column, low, high, names=None):
    """The values of one field: each element is walked step by step, round the end of the field if need be."""
    size, found = high - low + 1, set()
    for item in column.split(","):
        span, _, step = item.partition("/")
        first, dash, last = ("*", "", "") if span == "*" else span.partition("-")
        begin = low if first == "*" else (names or {}).get(first) or int((names or {}).get(first, first))
        to_the_end = first == "*" or (step and not dash and begin <= high)
        end = int((names or {}).get(last, last)) if dash else high if to_the_end else begin
        end += size if end < begin else 0
        found |= {(reached - low) % size + low for reached in range(begin, end + 1, int(step or 1))}
    return found
