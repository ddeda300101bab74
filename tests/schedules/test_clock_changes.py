"""Daylight saving: a time in the gap comes right after it, a repeated one once, and a leading star follows elapsed time."""

from datetime import datetime

import pytest

from scheduler.schedules import Plan, parse
from tests.schedules.tools import utc

# Kind, configuration, zone, after, and the next runs on the local clock with the offset.
CASES = [
    ("cron", "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "03-29 03:00+02, 03-30 02:30+02"),
    ("cron", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", "10-25 02:30+02, 10-26 02:30+01"),
    ("cron", "*/30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "03-30 02:00+02, 03-30 02:30+02"),
    (
        "cron",
        "*/30 2 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00",
        "10-25 02:00+02, 10-25 02:30+02, 10-25 02:00+01, 10-25 02:30+01, 10-26 02:00+01",
    ),
    ("cron", "15,45 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "03-29 03:00+02, 03-30 02:15+02"),
    ("cron", "0 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00", "03-29 03:00+02, 03-30 02:00+02"),
    ("cron", "0 * * * *", "Europe/Berlin", "2026-10-24T23:30", "10-25 02:00+02, 10-25 02:00+01, 10-25 03:00+01"),
    ("cron", "0 0 * * *", "Africa/Cairo", "2026-04-23T12:00", "04-24 01:00+03, 04-25 00:00+03"),
    ("cron", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00", "10-04 02:30+11, 10-05 02:15+11"),
    ("cron", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00", "04-05 01:45+11, 04-06 01:45+1030"),
    ("cron", "0 2 * * *", "Asia/Shanghai", "2026-03-28T12:00", "03-29 02:00+08, 03-30 02:00+08"),
    ("cron", "0 12 * * *", "Pacific/Apia", "2011-12-29T23:00", "12-31 00:00+14, 12-31 12:00+14"),
    ("daily", {"times": ["02:30"]}, "America/New_York", "2026-03-07T12:00", "03-08 03:00-04, 03-09 02:30-04"),
    ("daily", {"times": ["01:30"]}, "America/New_York", "2026-10-31T12:00", "11-01 01:30-04, 11-02 01:30-05"),
    ("daily", {"times": ["01:30"]}, "America/New_York", "2026-11-01T06:10", "11-02 01:30-05"),
    ("weekly", {"days": ["sun"], "times": ["02:30"]}, "Europe/Berlin", "2026-03-25T00:00", "03-29 03:00+02, 04-05 02:30+02"),
    ("monthly", {"days": ["last"], "times": ["00:00:01"]}, "Asia/Beirut", "2026-03-01T00:00", "03-31 00:00:01+03"),
    ("once", {"at": "2026-03-29T02:30"}, "Europe/Berlin", "2026-01-01T00:00", "03-29 03:00+02"),
    ("once", {"at": "2026-10-25T02:30"}, "Europe/Berlin", "2026-01-01T00:00", "10-25 02:30+02"),
]


@pytest.mark.parametrize(("kind", "config", "zone", "after", "expected"), CASES)
def test_it_meets_a_clock_change_as_debians_cron_does(kind, config, zone, after, expected):
    plan = Plan(parse(kind, {"cron": config} if kind == "cron" else config, zone))
    wanted = [datetime.fromisoformat(f"{after[:4]}-{item.strip().replace(' ', 'T')}") for item in expected.split(",")]
    assert plan.upcoming(utc(after), len(wanted)) == wanted


def test_it_never_repeats_a_fixed_time_asked_within_the_second_pass():
    schedule = parse("cron", {"cron": "30 2 * * *"}, "Europe/Berlin")
    assert schedule.next_after(utc("2026-10-25T01:10")) == utc("2026-10-26T01:30")


def test_it_goes_by_elapsed_time_for_an_interval():
    schedule = parse("interval", {"interval": 1, "unit": "days"}, "Europe/Berlin")
    assert schedule.next_after(utc("2026-03-28T12:00")) == utc("2026-03-29T12:00")
