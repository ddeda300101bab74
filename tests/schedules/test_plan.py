"""A schedule within its window."""

from datetime import timedelta

import pytest

from scheduler.schedules import Plan, parse
from tests.schedules.tools import times, utc

NIGHTLY = parse("daily", {"times": ["02:00"]}, "UTC")
HALF_HOURLY = parse("interval", {"interval": 30, "unit": "minutes"}, "UTC")
START = utc("2026-01-01")


@pytest.mark.parametrize(
    ("plan", "after", "expected"),
    [
        (Plan(NIGHTLY), "2026-01-01", "01-01 02:00, 01-02 02:00"),
        (Plan(NIGHTLY, utc("2026-01-05T02:00")), "2026-01-01", "01-05 02:00, 01-06 02:00"),
        (Plan(NIGHTLY, utc("2026-01-05T02:00:01")), "2026-01-01", "01-06 02:00"),
        (Plan(NIGHTLY, utc("2026-01-05T02:00") + timedelta(microseconds=1)), "2026-01-01", "01-06 02:00"),
        (Plan(HALF_HOURLY), "2026-01-01", "01-01 00:30, 01-01 01:00"),
        (Plan(HALF_HOURLY, utc("2026-01-05T09:15")), "2026-01-01", "01-05 09:15, 01-05 09:45"),
        (Plan(HALF_HOURLY, utc("2026-01-01")), "2026-01-01", "01-01 00:30, 01-01 01:00"),
    ],
)
def test_it_begins_with_its_window(plan, after, expected):
    wanted = times(expected)
    assert plan.upcoming(utc(after), len(wanted)) == wanted


def test_it_ends_with_its_window_which_is_included():
    plan = Plan(NIGHTLY, end_at=utc("2026-01-02T02:00"))
    assert plan.upcoming(START, 9) == times("01-01 02:00, 01-02 02:00")


def test_it_lists_the_oldest_first_up_to_the_limit():
    plan = Plan(HALF_HOURLY)
    assert plan.between(START, utc("2026-01-01T02:00"), 3) == times("01-01 00:30, 01-01 01:00, 01-01 01:30")
    assert plan.between(START, START, 3) == []


@pytest.mark.parametrize(
    ("kind", "config", "zone", "gap"),
    [
        ("cron", {"cron": "* * * * *"}, "UTC", 60),
        ("cron", {"cron": "*/7 * * * *"}, "UTC", 240),
        ("cron", {"cron": "* * * * * *"}, "UTC", 1),
        ("cron", {"cron": "0,59 0 2 * * *"}, "UTC", 59),
        ("cron", {"cron": "0-58/2,59 0,5,6 * * *"}, "UTC", 60),
        ("cron", {"cron": "59,0 23,0 * * *"}, "UTC", 60),
        ("cron", {"cron": "45 2,3 * * *"}, "Europe/Berlin", 3600),
        ("cron", {"cron": "0 2 * * *"}, "Europe/Berlin", 86400),
        ("daily", {"times": ["02:00", "02:00:10"]}, "UTC", 10),
        ("interval", {"interval": 5, "unit": "minutes"}, "UTC", 300),
        ("yearly", {"month": 2, "day": 1, "times": ["02:00"]}, "UTC", 365 * 86400),
        ("once", {"at": "2026-02-01"}, "UTC", None),
        ("manual", {}, "UTC", None),
    ],
)
def test_it_measures_the_shortest_gap(kind, config, zone, gap):
    assert Plan(parse(kind, config, zone)).shortest_gap(utc("2026-03-28T00:00")) == gap
