"""Daily, weekly, monthly and yearly schedules, and the cron expressions they amount to."""

import pytest

from scheduler.errors import Invalid
from scheduler.schedules import Plan, parse
from tests.schedules.tools import times, utc

# Kind, configuration, the next runs after 2026-01-01 00:00 UTC, and the expressions.
CASES = [
    ("daily", {"times": ["02:00"]}, "01-01 02:00, 01-02 02:00", "0 2 * * *"),
    ("daily", {"times": ["14:00", "2:00", "02:00"]}, "01-01 02:00, 01-01 14:00, 01-02 02:00", "0 2,14 * * *"),
    ("daily", {"times": ["08:15", "20:30"]}, "01-01 08:15, 01-01 20:30", "15 8 * * *; 30 20 * * *"),
    ("daily", {"times": ["08:00", "08:30"]}, "01-01 08:00, 01-01 08:30", "0,30 8 * * *"),
    ("daily", {"times": ["02:00:30"]}, "01-01 02:00:30", "30 0 2 * * *"),
    ("daily", {"times": "02:00, 04:00"}, "01-01 02:00, 01-01 04:00", "0 2,4 * * *"),
    ("weekly", {"days": ["wed", "mon"], "times": ["03:00"]}, "01-05 03:00, 01-07 03:00, 01-12 03:00", "0 3 * * 1,3"),
    ("weekly", {"days": ["Sunday"], "times": ["00:00"]}, "01-04 00:00", "0 0 * * 0"),
    ("weekly", {"days": "mon,tue,wed,thu,fri", "times": ["09:30"]}, "01-01 09:30, 01-02 09:30, 01-05 09:30", "30 9 * * 1-5"),
    ("monthly", {"days": [1, 15], "times": ["02:00"]}, "01-01 02:00, 01-15 02:00, 02-01 02:00", "0 2 1,15 * *"),
    ("monthly", {"days": ["last"], "times": ["23:00"]}, "01-31 23:00, 02-28 23:00, 03-31 23:00", "0 23 L * *"),
    ("monthly", {"days": [31], "times": ["23:00"]}, "01-31 23:00, 02-28 23:00, 03-31 23:00, 04-30 23:00", "0 23 L * *"),
    ("monthly", {"days": [31], "times": ["23:00"], "missing": "skip"}, "01-31 23:00, 03-31 23:00, 05-31 23:00", "0 23 31 * *"),
    ("monthly", {"days": [30], "times": ["01:00"]}, "01-30 01:00, 02-28 01:00, 03-30 01:00", "0 1 30 * *; 0 1 L 2 *"),
    ("monthly", {"days": [30, "last"], "times": ["01:00"]}, "01-30 01:00, 01-31 01:00, 02-28 01:00", "0 1 30,L * *"),
    ("yearly", {"month": 12, "day": 25, "times": ["08:00"]}, "12-25 08:00", "0 8 25 12 *"),
    ("yearly", {"month": "feb", "day": 29, "times": ["00:00"]}, "02-28 00:00", "0 0 L 2 *"),
    ("yearly", {"month": 4, "day": 31, "times": ["00:00"]}, "04-30 00:00", "0 0 L 4 *"),
]


@pytest.mark.parametrize(("kind", "config", "expected", "expressions"), CASES)
def test_it_is_due_on_its_days(kind, config, expected, expressions):
    schedule, wanted = parse(kind, config, "UTC"), times(expected)
    assert Plan(schedule).upcoming(utc("2026-01-01"), len(wanted)) == wanted
    assert "; ".join(schedule.expressions()) == schedule.text() == expressions


@pytest.mark.parametrize(("kind", "config", "expected", "expressions"), CASES)
def test_its_expressions_are_due_at_the_same_instants(kind, config, expected, expressions):
    zone, start = "Europe/Berlin", utc("2026-01-01")
    ours = set(Plan(parse(kind, config, zone)).between(start, utc("2029-01-01"), 10_000))
    crons = [Plan(parse("cron", {"cron": text}, zone)) for text in expressions.split("; ")]
    assert ours == {instant for plan in crons for instant in plan.between(start, utc("2029-01-01"), 10_000)}


def test_it_waits_for_the_leap_year_when_others_are_skipped():
    schedule = parse("yearly", {"month": 2, "day": 29, "times": ["00:00"], "missing": "skip"}, "UTC")
    assert Plan(schedule).upcoming(utc("2095-01-01"), 2) == [utc("2096-02-29"), utc("2104-02-29")]


# Kind, configuration, the wrong part, the sentence.
ERRORS = [
    ("daily", {}, "times", "Give at least one value."),
    ("daily", {"times": []}, "times", "Give at least one value."),
    ("daily", {"times": ["25:00"]}, "times", "Hour 25 is outside 0–23."),
    ("daily", {"times": ["23:60"]}, "times", "Minute 60 is outside 0–59."),
    ("daily", {"times": ["2"]}, "times", "“2” is not a time: write HH:MM or HH:MM:SS."),
    ("daily", {"times": [120]}, "times", "“120” is not a time: write HH:MM or HH:MM:SS."),
    ("daily", {"times": ["02:00"], "tims": 1}, "tims", "Unknown field “tims”."),
    ("daily", {"times": ["02:00"] * 101}, "times", "At most 100 values are allowed."),
    ("weekly", {"days": ["x"], "times": ["02:00"]}, "days", "“x” is not a weekday: use mon, tue, wed, thu, fri, sat or sun."),
    ("weekly", {"days": [1], "times": ["02:00"]}, "days", "“1” is not a weekday: use mon, tue, wed, thu, fri, sat or sun."),
    ("monthly", {"days": [32], "times": ["02:00"]}, "days", "Day of the month 32 is outside 1–31."),
    ("monthly", {"days": ["first"], "times": ["02:00"]}, "days", "“first” is not a whole number."),
    ("monthly", {"days": [1], "times": ["02:00"], "missing": "x"}, "missing", "“x” is not one of: last, skip."),
    ("yearly", {"month": 13, "day": 1, "times": ["02:00"]}, "month", "Month 13 is outside 1–12."),
    ("yearly", {"month": 2, "times": ["02:00"]}, "day", "This field is required."),
    ("yearly", {"month": 2, "day": True, "times": ["02:00"]}, "day", "“True” is not a whole number."),
    (
        "yearly",
        {"month": 2, "day": 30, "times": ["02:00"], "missing": "skip"},
        "day",
        "This schedule never fires: month 2 has no day 30.",
    ),
]


@pytest.mark.parametrize(("kind", "config", "part", "sentence"), ERRORS)
def test_it_names_the_wrong_part(kind, config, part, sentence):
    with pytest.raises(Invalid) as refused:
        parse(kind, config, "UTC")
    assert str(refused.value) == f"schedule_config.{part}: {sentence}"


def test_it_refuses_a_configuration_that_is_no_object():
    with pytest.raises(Invalid, match="must be an object"):
        parse("daily", ["02:00"], "UTC")
