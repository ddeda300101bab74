"""The semantics of cron expressions away from clock changes."""

from datetime import datetime, timedelta

import pytest

from scheduler.schedules import Plan, parse
from tests.schedules.tools import times, utc

# Expression, then its next runs after Thursday 2026-01-01 00:00 UTC.
CASES = [
    ("*/20 * * * *", "01-01 00:20, 01-01 00:40, 01-01 01:00"),
    ("10-10 * * * *", "01-01 00:10, 01-01 01:10"),
    ("0 5-5/2 * * *", "01-01 05:00, 01-02 05:00"),
    ("0 0 * * mon-mon", "01-05 00:00, 01-12 00:00"),
    ("0 0 * * 0", "01-04 00:00, 01-11 00:00"),
    ("0 0 * * 7", "01-04 00:00, 01-11 00:00"),
    ("0 0 * * 5-7", "01-02 00:00, 01-03 00:00, 01-04 00:00, 01-09 00:00"),
    ("0 0 * * fri-mon", "01-02 00:00, 01-03 00:00, 01-04 00:00, 01-05 00:00, 01-09 00:00"),
    ("0 0 * * sat-tue/2", "01-03 00:00, 01-05 00:00, 01-10 00:00"),
    ("0 22-2/2 * * *", "01-01 02:00, 01-01 22:00, 01-02 00:00"),
    ("0 0 13 * 5", "01-02 00:00, 01-09 00:00, 01-13 00:00, 01-16 00:00"),
    ("0 0 */10 * 5", "05-01 00:00, 07-31 00:00, 08-21 00:00"),
    ("0 0 1,* * mon", "01-02 00:00, 01-03 00:00"),
    ("0 0 10 * 1,*", "01-02 00:00, 01-03 00:00"),
    ("0 0 1-31 * mon", "01-02 00:00, 01-03 00:00"),
    ("0 0 L * *", "01-31 00:00, 02-28 00:00, 03-31 00:00"),
    ("0 0 15,L 2 *", "02-15 00:00, 02-28 00:00"),
    ("0 0 * * fri#2", "01-09 00:00, 02-13 00:00"),
    ("0 0 * * 1#5", "03-30 00:00, 06-29 00:00"),
    ("0 0 * * L5", "01-30 00:00, 02-27 00:00"),
    ("0 0 * * 5L", "01-30 00:00, 02-27 00:00"),
    ("0 0 15W 8 *", "08-14 00:00"),
    ("0 0 ? * 1", "01-05 00:00, 01-12 00:00"),
    ("5/20 0 * * *", "01-01 00:05, 01-01 00:25, 01-01 00:45, 01-02 00:05"),
    ("0 0 * JAN-mar/2 *", "01-02 00:00, 01-03 00:00"),
    ("*/100 * * * *", "01-01 01:00, 01-01 02:00"),
    ("0 0 30 2 1", "02-02 00:00, 02-09 00:00"),
    ("  0   2 * *\t* ", "01-01 02:00, 01-02 02:00"),
    ("@daily", "01-02 00:00, 01-03 00:00"),
    ("@Hourly", "01-01 01:00, 01-01 02:00"),
    ("@weekly", "01-04 00:00"),
    ("@monthly", "02-01 00:00"),
    ("30 0 0 * * *", "01-01 00:00:30, 01-02 00:00:30"),
    ("*/30 * * * * *", "01-01 00:00:30, 01-01 00:01"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_it_is_due_when_cron_says(text, expected):
    start, wanted = utc("2026-01-01"), times(expected)
    assert Plan(parse("cron", {"cron": text}, "UTC")).upcoming(start, len(wanted)) == wanted


def test_it_waits_for_a_leap_year():
    assert parse("cron", {"cron": "0 0 29 2 *"}, "UTC").next_after(utc("2096-03-01")) == utc("2104-02-29")


def test_it_finds_29_february_on_a_sunday():
    assert parse("cron", {"cron": "0 0 29 2 */7"}, "UTC").next_after(utc("2032-03-01")) == utc("2060-02-29")


def test_it_counts_from_within_a_second():
    schedule = parse("cron", {"cron": "* * * * * *"}, "UTC")
    assert schedule.next_after(datetime.fromisoformat("2026-01-01T00:00:00.900Z")) == utc("2026-01-01T00:00:01")


def test_it_takes_moments_in_any_zone_and_answers_in_utc():
    found = parse("cron", {"cron": "0 2 * * *"}, "Asia/Shanghai").next_after(datetime.fromisoformat("2026-01-01T00:00+08:00"))
    assert (found, found.tzname()) == (utc("2025-12-31T18:00"), "UTC")


def test_it_is_never_due_past_the_end_of_time():
    assert parse("cron", {"cron": "* * * * *"}, "Asia/Shanghai").next_after(datetime.fromisoformat("9999-12-31T23:59Z")) is None


def test_it_starts_with_the_epoch():
    long_ago = datetime.fromisoformat("0001-01-01T00:00Z")
    assert parse("cron", {"cron": "0 0 1 1 *"}, "America/New_York").next_after(long_ago).year == 1971


@pytest.mark.parametrize("text", ["H H * * *", "H/15 H(0-5) * * *", "H H H * *", "H H * * H", "H * * * * *", "h,30 2 * * *"])
def test_it_draws_a_hashed_value_once_for_a_task(text):
    drawn = [parse("cron", {"cron": text}, "UTC", seed).expressions()[0] for seed in ("a", "a", "b", "c", "d")]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1
    assert not any("h" in one for one in drawn)


def test_it_spreads_hashed_tasks_over_the_whole_day():
    drawn = {parse("cron", {"cron": "H H * * *"}, "UTC", f"task-{number}").expressions()[0] for number in range(3000)}
    assert len(drawn) > 1100  # of 1,440


def test_it_keeps_a_hashed_step_even():
    schedule = parse("cron", {"cron": "H/15 * * * *"}, "UTC", "backup")
    assert Plan(schedule).shortest_gap(utc("2026-01-01")) == 900


def test_it_keeps_hashed_days_in_every_month():
    days = {int(parse("cron", {"cron": "0 0 H * *"}, "UTC", str(number)).expressions()[0].split()[2]) for number in range(300)}
    assert days == set(range(1, 29))


def test_it_keeps_what_was_written():
    schedule = parse("cron", {"cron": "H  2 * * Mon-FRI"}, "UTC", "a")
    assert (schedule.config(), schedule.text()) == ({"cron": "H 2 * * Mon-FRI"}, "H 2 * * Mon-FRI")


@pytest.mark.parametrize("text", ["*/7 1-3 * * *", "59 23,0 * * *", "0 0 * * *", "30 */5 * * 1", "* * * * *", "10 5 0,12 * * *"])
def test_its_floor_is_no_greater_than_any_gap(text: str) -> None:
    schedule = parse("cron", {"cron": text}, "UTC")
    gap, floor = schedule.shortest_gap(utc("2026-01-01T00:00"), 200), schedule.floor()
    assert floor is not None and gap is not None and timedelta(0) < floor <= gap
