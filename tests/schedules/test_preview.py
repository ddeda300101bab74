"""What the form and the API are shown before a schedule is saved."""

import pytest

from scheduler.errors import Invalid
from scheduler.schedules.preview import Ask, preview
from tests.schedules.tools import utc

START = utc("2026-01-01")
LEFT_OUT = "02:00 on 2026-03-29 does not exist and is left out"
MOVED = "moved from 02:30, a time that does not exist on that day"


def ask(kind, config, timezone="UTC", **options):
    return Ask(kind, config, timezone, **{"after": START, **options})


def test_it_shows_what_fires():
    found = preview(ask("DAILY", {"time": "02:00"}, "Asia/Shanghai", count=2))
    assert (found.kind, found.cron) == ("daily", "0 2 * * *")
    assert [run.utc for run in found.runs] == found.plan.upcoming(START, 2)
    assert found.runs[0].local.isoformat() == "2026-01-02T02:00:00+08:00"


def test_it_shows_the_value_drawn_for_a_hash():
    found = preview(ask("cron", {"cron": "H 2 * * *"}, seed="backup"))
    assert found.cron.split()[0] == str(found.runs[0].local.minute)


@pytest.mark.parametrize(
    ("kind", "config", "timezone", "after", "notes"),
    [
        ("cron", "30 2 * * *", "Europe/Berlin", "2026-03-28T02:00", [MOVED, None]),
        ("cron", "0 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00", [None, None]),
        ("cron", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", ["this time comes twice; only the first one counts", None]),
        (
            "cron",
            "0 * * * *",
            "Europe/Berlin",
            "2026-10-24T23:30",
            ["first pass of a repeated hour", "second pass of a repeated hour", None],
        ),
        ("interval", "3600", "Europe/Berlin", "2026-10-25T00:00", [None, None]),
        (
            "cron",
            "*/30 2 * * *",
            "Europe/Berlin",
            "2026-03-28T01:10",
            [None, LEFT_OUT, None],
        ),
        ("cron", "*/30 * * * *", "Europe/Berlin", "2026-03-29T00:10", [None, None, None]),
        ("once", "2026-10-25T02:30", "Europe/Berlin", "2026-10-24T12:00", ["this time comes twice; only the first one counts"]),
        ("once", "2026-10-25T02:30+01:00", "Europe/Berlin", "2026-10-24T12:00", [None]),
    ],
)
def test_it_notes_what_a_clock_change_did(kind, config, timezone, after, notes):
    runs = preview(ask(kind, config, timezone, after=utc(after), count=len(notes))).runs
    assert [run.note and run.note[0] % run.note[1] for run in runs] == notes


@pytest.mark.parametrize(
    ("kind", "config", "warning"),
    [
        ("cron", "* * * * * *", "schedule_config: This fires every second."),
        (
            "cron",
            "0 0 13 * 5",
            "schedule_config.weekday: It fires when the day of the month fits or the weekday does, not only when both do.",
        ),
        ("cron", "*/7 * * * *", "schedule_config: 60 is not a multiple of 7: the last step in each hour is shorter."),
        ("cron", "0 */5 * * *", "schedule_config: 24 is not a multiple of 5: the last step in each day is shorter."),
        ("cron", "0 0 31 * *", "schedule_config.day: Months without day 31 are skipped."),
        (
            "monthly",
            {"days": [1, 30], "times": ["02:00"], "missing": "skip"},
            "schedule_config.day: Months without day 30 are skipped.",
        ),
        (
            "yearly",
            {"month": 2, "day": 29, "times": ["02:00"], "missing": "skip"},
            "schedule_config.day: Months without day 29 are skipped.",
        ),
    ],
)
def test_it_warns_of_what_may_not_be_meant(kind, config, warning):
    assert [str(problem) for problem in preview(ask(kind, config)).warnings] == [warning]


@pytest.mark.parametrize("config", ["0 2 * * *", "*/15 * * * *", "0 0 31 12 *", "0 0 L * *", "0 0 * * fri#2", "@daily"])
def test_it_is_silent_about_plain_schedules(config):
    assert preview(ask("cron", config)).warnings == []


@pytest.mark.parametrize(
    ("kind", "config", "options", "reason"),
    [
        ("cron", "0 0 31 2 *", {}, "schedule_config: This schedule never fires: no date fits it."),
        ("once", "2020-01-01", {}, "schedule_config.at: That time has passed: the task would never run."),
        ("daily", "02:00", {"end_at": START}, "end_at: Nothing is due before the end: the task would never run."),
        (
            "yearly",
            "12-25 02:00",
            {"start_at": START, "end_at": utc("2026-06-01")},
            "end_at: Nothing is due before the end: the task would never run.",
        ),
        ("daily", "02:00", {"start_at": START, "end_at": START}, "end_at: The end must be later than the start."),
        ("daily", "02:00", {"max_runs": 0}, "max_runs: The number of runs must be at least 1."),
        ("daily", "02:00", {"timezone": "Nowhere"}, "timezone: “Nowhere” is not a known time zone."),
        ("cron", "0 25 * * *", {}, "schedule_config.hour: Hour 25 is outside 0–23."),
    ],
)
def test_it_refuses_what_may_not_be_saved(kind, config, options, reason):
    with pytest.raises(Invalid) as refused:
        preview(ask(kind, config, **options))
    assert str(refused.value) == reason


def test_it_shows_no_more_runs_than_the_task_may_have():
    assert len(preview(ask("daily", "02:00", max_runs=3, count=10)).runs) == 3
    assert len(preview(ask("daily", "02:00", end_at=utc("2026-01-02T12:00"))).runs) == 2
    assert len(preview(ask("once", "2026-12-25")).runs) == 1


def test_it_shows_a_manual_task_without_runs():
    assert preview(ask("manual", {})).runs == []
