"""Intervals, one-time and manual schedules."""

import pytest

from scheduler.errors import Invalid
from scheduler.schedules import parse
from tests.schedules.tools import utc

START = utc("2026-01-01")


@pytest.mark.parametrize(
    ("config", "expected", "text"),
    [
        ({"interval": 30, "unit": "minutes"}, "2026-01-01T00:30", "@every 30m"),
        ({"interval": "90", "unit": "seconds"}, "2026-01-01T00:01:30", "@every 90s"),
        ({"interval": 2, "unit": "Hours"}, "2026-01-01T02:00", "@every 2h"),
        ({"interval": 1, "unit": "days"}, "2026-01-02T00:00", "@every 1d"),
        ({"interval": 60}, "2026-01-01T00:01", "@every 60s"),
    ],
)
def test_it_is_due_again_after_the_interval(config, expected, text):
    schedule = parse("interval", config, "UTC")
    assert (schedule.next_after(START), schedule.text()) == (utc(expected), text)
    assert schedule.elapsed and schedule.expressions() == []


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"interval": 0, "unit": "minutes"}, "schedule_config.interval: Interval 0 is outside 1–5270400."),
        ({"interval": 4000, "unit": "days"}, "schedule_config.interval: Interval 4000 is outside 1–3660."),
        ({"interval": -5}, "schedule_config.interval: Interval -5 is outside 1–316224000."),
        ({"interval": 1.5}, "schedule_config.interval: “1.5” is not a whole number."),
        ({"interval": True}, "schedule_config.interval: “True” is not a whole number."),
        ({"unit": "minutes"}, "schedule_config.interval: This field is required."),
        ({"interval": 5, "unit": "weeks"}, "schedule_config.unit: “weeks” is not one of: seconds, minutes, hours, days."),
    ],
)
def test_it_refuses_a_wrong_interval(config, sentence):
    with pytest.raises(Invalid) as refused:
        parse("interval", config, "UTC")
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("at", "expected", "canonical", "text"),
    [
        ("2026-12-25T14:30:00", "2026-12-25T06:30", "2026-12-25T14:30:00", "@at 2026-12-25T14:30"),
        ("2026-12-25 14:30:05", "2026-12-25T06:30:05", "2026-12-25T14:30:05", "@at 2026-12-25T14:30:05"),
        ("2026-12-25", "2026-12-24T16:00", "2026-12-25T00:00:00", "@at 2026-12-25T00:00"),
        ("2026-12-25T14:30:00Z", "2026-12-25T14:30", "2026-12-25T14:30:00Z", "@at 2026-12-25T14:30Z"),
        ("2026-12-25T14:30:00.500+08:00", "2026-12-25T06:30", "2026-12-25T06:30:00Z", "@at 2026-12-25T06:30Z"),
    ],
)
def test_it_is_due_once_at_its_time(at, expected, canonical, text):
    schedule = parse("once", {"at": at}, "Asia/Shanghai")
    assert schedule.next_after(START) == utc(expected)
    assert schedule.next_after(utc(expected)) is None
    assert (schedule.config(), schedule.text()) == ({"at": canonical}, text)


@pytest.mark.parametrize("at", [None, "", "tomorrow", "2026-13-01T00:00", 5, "1969-01-01T00:00", "9999-12-31T00:00"])
def test_it_refuses_what_is_no_time(at):
    with pytest.raises(Invalid) as refused:
        parse("once", {"at": at}, "UTC")
    assert refused.value.problems[0].field == "schedule_config.at"


def test_it_is_never_due_when_manual():
    schedule = parse("manual", {}, "UTC")
    assert schedule.next_after(START) is None
    assert (schedule.config(), schedule.expressions()) == ({}, [])
