"""The builder: a cron text as controls, and back; a pasted crontab line in two."""

import pytest
from hypothesis import given, settings

from scheduler.errors import Invalid
from scheduler.schedules import Plan, builder, parse
from tests.schedules import strategies as some
from tests.schedules.tools import utc

NIGHT = {"times": ["02:00"]}


@pytest.mark.parametrize(
    ("text", "kind", "config"),
    [
        ("0 2 * * *", "daily", NIGHT),
        ("@daily", "daily", {"times": ["00:00"]}),
        ("0,30 2 * * *", "daily", {"times": ["02:00", "02:30"]}),
        ("15 0 2 * * *", "daily", {"times": ["02:00:15"]}),
        ("0 2 10 * 0-6", "daily", NIGHT),
        ("0 2 * * 1-5", "weekly", {"days": ["mon", "tue", "wed", "thu", "fri"], **NIGHT}),
        ("0 2 * * sun", "weekly", {"days": ["sun"], **NIGHT}),
        ("0 2 1,15,L * *", "monthly", {"days": [1, 15, "last"], **NIGHT, "missing": "skip"}),
        ("0 2 31 * *", "monthly", {"days": [31], **NIGHT, "missing": "skip"}),
        ("0 2 25 12 *", "yearly", {"month": 12, "day": 25, **NIGHT, "missing": "skip"}),
        ("0 2 L 2 *", "yearly", {"month": 2, "day": 31, **NIGHT, "missing": "last"}),
    ],
)
def test_it_shows_a_cron_text_as_controls(text, kind, config):
    assert builder.from_cron(text) == (kind, config)


@pytest.mark.parametrize(
    "text",
    ["*/5 * * * *", "0 * * * *", "*/30 2 * * *", "0 */2 * * *", "0 2 13 * 5", "0 2 */2 * 1", "0 2 * 1 *", "0 2 1 1,7 *",
     "0 2 * * fri#2", "0 2 * * L5", "0 2 15W * *", "H 2 * * *", "* 2 * * *", "0-59 2 * * *", "@hourly", "0 0 31 2 *",
     "0 2 * 1 mon"],
)  # fmt: skip
def test_it_leaves_to_cron_what_no_control_says_exactly(text):
    assert builder.from_cron(text) is None


def test_it_refuses_a_wrong_text():
    with pytest.raises(Invalid, match="Hour 25"):
        builder.from_cron("0 25 * * *")


@settings(deadline=None, max_examples=200)
@given(some.expressions, some.zones, some.moments)
def test_it_shows_only_what_fires_alike(text, zone, moment):
    found = builder.from_cron(text)
    if found is not None:
        plans = Plan(parse(*found, zone)), Plan(parse("cron", {"cron": text}, zone))
        assert plans[0].upcoming(moment, 30) == plans[1].upcoming(moment, 30)


@settings(deadline=None, max_examples=200)
@given(some.calendars)
def test_its_controls_come_back_from_their_expression(schedule):
    ours = parse(*schedule, "UTC")
    if len(ours.expressions()) == 1 and (found := builder.from_cron(ours.expressions()[0])):
        start = utc("2026-01-01")
        assert Plan(parse(*found, "UTC")).upcoming(start, 20) == Plan(ours).upcoming(start, 20)


@pytest.mark.parametrize(
    ("kind", "config", "target", "expected"),
    [
        ("daily", NIGHT, "cron", {"cron": "0 2 * * *"}),
        ("daily", {"times": ["02:15", "03:00"]}, "cron", {"cron": "0 2 * * *"}),
        ("cron", {"cron": "30 4 * * *"}, "daily", {"times": ["04:30"]}),
        ("cron", {"cron": "30 4 * * 1"}, "daily", {"times": ["04:30"]}),
        ("cron", {"cron": "*/5 * * * *"}, "daily", NIGHT),
        ("cron", {"cron": "nonsense"}, "daily", NIGHT),
        ("weekly", {"days": ["fri"], "times": ["04:30"]}, "monthly", {"days": [1], "times": ["04:30"], "missing": "last"}),
        ("daily", {"times": ["x"]}, "cron", {"cron": "0 2 * * *"}),
        ("interval", {"interval": 5, "unit": "hours"}, "cron", {"cron": "0 2 * * *"}),
        ("manual", {}, "interval", {"interval": 30, "unit": "minutes"}),
        ("daily", {"times": ["x"]}, "daily", {"times": ["x"]}),
    ],
)
def test_it_keeps_what_it_can_when_the_kind_changes(kind, config, target, expected):
    assert builder.convert(kind, config, target) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("0 2 * * * /usr/bin/backup.sh", ("0 2 * * *", "/usr/bin/backup.sh")),
        ("  */5  *  * * 1-5\tcd /srv && ./run  ", ("*/5 * * * 1-5", "cd /srv && ./run")),
        ("@daily /usr/bin/backup.sh --all", ("@daily", "/usr/bin/backup.sh --all")),
        ("0 25 * * * echo hi", ("0 25 * * *", "echo hi")),
        ("0 2 * jan mon echo hi", ("0 2 * jan mon", "echo hi")),
        ("0 2 * * * *", None),
        ("0 2 * * *", None),
        ("@daily", None),
        ("# 0 2 * * * echo", None),
        ("MAILTO=root", None),
        ("", None),
        ("echo one two three four five six", None),
        ("0 2 * * * a\n0 3 * * * b", None),
    ],
)
def test_it_parts_a_crontab_line(line, expected):
    assert builder.split_crontab_line(line) == expected


@pytest.mark.parametrize("text", [text for text, _ in builder.EXAMPLES])
def test_its_examples_are_fit_to_be_saved(text):
    assert parse("cron", {"cron": text}, "UTC").next_after(utc("2026-01-01"))
