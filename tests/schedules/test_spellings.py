"""Every spelling the source documents use, read into the one we keep."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.errors import Invalid
from scheduler.schedules import schedules, spellings

ALL_KEYS = sorted(
    {spelling for keys in spellings.KEYS.values() for names in keys.values() for spelling in names} | {"type", "end"}
)
NIGHT = {"times": ["02:00"]}
CASES = [
    # 002: a type in capitals and a string.
    ("CRON", "0 2 * * *", "cron", {"cron": "0 2 * * *"}),
    ("CRON", "0 */2 * * *", "cron", {"cron": "0 */2 * * *"}),
    ("INTERVAL", "3600", "interval", {"interval": 3600, "unit": "seconds"}),
    ("DATE", "2024-01-01T15:30:00Z", "once", {"at": "2024-01-01T15:30:00Z"}),
    ("ONCE", "2024-01-01T15:30:00", "once", {"at": "2024-01-01T15:30:00"}),
    # 004: a type and an object.
    ("once", {"datetime": "2024-12-25 14:30:00"}, "once", {"at": "2024-12-25T14:30:00"}),
    ("interval", {"interval": 30, "unit": "minutes"}, "interval", {"interval": 30, "unit": "minutes"}),
    ("daily", {"time": "02:00:00"}, "daily", NIGHT),
    ("weekly", {"day_of_week": 0, "time": "03:00:00"}, "weekly", {"days": ["mon"], "times": ["03:00"]}),
    ("weekly", {"day_of_week": 6, "time": "02:00:00"}, "weekly", {"days": ["sun"], **NIGHT}),
    ("monthly", {"day_of_month": 1, "time": "02:00:00"}, "monthly", {"days": [1], **NIGHT, "missing": "last"}),
    ("yearly", {"month": 1, "day": 1, "time": "02:00:00"}, "yearly", {"month": 1, "day": 1, **NIGHT, "missing": "last"}),
    ("cron", {"cron": "0 2 * * *"}, "cron", {"cron": "0 2 * * *"}),
    ("cron", {"cron": "0 2,14 * * *"}, "cron", {"cron": "0 2,14 * * *"}),
    # 000: one object with its type.
    ("", {"type": "daily", "time": "02:00"}, "daily", NIGHT),
    ("", {"type": "daily", "times": ["02:00", "14:00"]}, "daily", {"times": ["02:00", "14:00"]}),
    ("", {"type": "weekly", "weekdays": [1, 7], "time": "02:00"}, "weekly", {"days": ["mon", "sun"], **NIGHT}),
    ("", {"type": "weekly", "weekdays": ["fri"], "time": "02:00"}, "weekly", {"days": ["fri"], **NIGHT}),
    ("", {"type": "monthly", "days": [1, "last"], "time": "02:00"}, "monthly", {"days": [1, "last"], **NIGHT, "missing": "last"}),
    ("", {"type": "interval", "interval": 5, "unit": "hours"}, "interval", {"interval": 5, "unit": "hours"}),
    ("", {"type": "cron", "cron": "0 2 * * *"}, "cron", {"cron": "0 2 * * *"}),
    ("", {"cron": "0 2 * * *"}, "cron", {"cron": "0 2 * * *"}),
    # 001: a plain cron text.
    ("", "*/3 * * * *", "cron", {"cron": "*/3 * * * *"}),
    # Every kind as a string and as an object, in any capitals.
    ("Interval", "30m", "interval", {"interval": 30, "unit": "minutes"}),
    ("Interval", "2H", "interval", {"interval": 2, "unit": "hours"}),
    ("interval", 3600, "interval", {"interval": 3600, "unit": "seconds"}),
    ("DAILY", "02:00", "daily", NIGHT),
    ("daily", "02:00, 14:00", "daily", {"times": ["02:00", "14:00"]}),
    ("daily", "0 2 * * *", "daily", NIGHT),
    ("weekly", "mon, wed 02:00", "weekly", {"days": ["mon", "wed"], **NIGHT}),
    ("monthly", "1,last 02:00", "monthly", {"days": [1, "last"], **NIGHT, "missing": "last"}),
    ("yearly", "12-25 02:00", "yearly", {"month": 12, "day": 25, **NIGHT, "missing": "last"}),
    ("daily", '{"time": "02:00"}', "daily", NIGHT),
    ("cron", "@every 30m", "interval", {"interval": 30, "unit": "minutes"}),
    ("cron", "@at 2026-01-01T02:00", "once", {"at": "2026-01-01T02:00:00"}),
    ("manual", "", "manual", {}),
    ("MANUAL", None, "manual", {}),
]


@pytest.mark.parametrize(("kind", "config", "expected", "canonical"), CASES)
def test_it_reads_every_documented_spelling(kind, config, expected, canonical):
    assert spellings.read(kind, config) == (expected, canonical)


@pytest.mark.parametrize(("kind", "config", "expected", "canonical"), CASES)
def test_it_reads_what_it_keeps_as_itself(kind, config, expected, canonical):
    assert spellings.read(expected, canonical) == (expected, canonical)


@pytest.mark.parametrize(
    ("kind", "config", "reason"),
    [
        ("hourly", {}, "schedule_type: “hourly” is not one of: interval, daily, weekly, monthly, yearly, once, cron, manual."),
        (5, {}, "schedule_type: “5” is not one of: interval, daily, weekly, monthly, yearly, once, cron, manual."),
        ("CRON", "0 25 * * *", "schedule_config.hour: Hour 25 is outside 0–23."),
        ("INTERVAL", "x", "schedule_config.interval: “x” is not an interval: write seconds, or a number with s, m, h or d."),
        ("INTERVAL", "", "schedule_config.interval: “” is not an interval: write seconds, or a number with s, m, h or d."),
        ("DATE", "soon", "schedule_config.at: “soon” is not a date and time: write 2026-12-25T14:30."),
        ("daily", {"time": "25:00"}, "schedule_config.time: Hour 25 is outside 0–23."),
        ("daily", {"time": "02:00", "times": ["03:00"]}, "schedule_config.times: Give “time” or “times”, not both."),
        ("daily", {"time": "02:00", "zone": 1}, "schedule_config.zone: Unknown field “zone”."),
        ("weekly", {"day_of_week": 7, "time": "02:00"}, "schedule_config.day_of_week: Weekday 7 is outside 0–6 (0 is Monday)."),
        ("weekly", {"weekdays": [0], "time": "02:00"}, "schedule_config.weekdays: Weekday 0 is outside 1–7 (1 is Monday)."),
        ("weekly", {"weekdays": [], "time": "02:00"}, "schedule_config.weekdays: Give at least one value."),
        ("monthly", {"day_of_month": 32, "time": "02:00"}, "schedule_config.day_of_month: Day of the month 32 is outside 1–31."),
        ("once", {"datetime": 5}, "schedule_config.datetime: “5” is not a date and time: write 2026-12-25T14:30."),
        ("daily", 5, "schedule_config: The schedule must be an object, not “5”."),
        ("daily", None, "schedule_config: This field is required."),
        ("daily", "*/5 * * * *", "schedule_config: “*/5 * * * *” is not a schedule of the kind “daily”: use the kind “cron”."),
        ("daily", "{", "schedule_config: “{” is not a JSON object."),
        ("manual", "now", "schedule_config.now: Unknown field “now”."),
        ("", {"time": "02:00"}, "schedule_config.type: This field is required."),
        ("", 5, "schedule_config: The schedule must be an object, not “5”."),
        ("", {"type": "daily", "time": "02:00", "timezone": "UTC"}, "schedule_config.timezone: Unknown field “timezone”."),
    ],
)
def test_it_says_what_cannot_be_read(kind, config, reason):
    with pytest.raises(Invalid) as refused:
        spellings.read(kind, config)
    assert str(refused.value) == reason


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 99)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["02:00", "mon", "last"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(ALL_KEYS), inner, max_size=4),
    max_leaves=6,
)


@settings(deadline=None, max_examples=500)
@given(st.sampled_from(["", "DATE", *schedules.names]), JUNK)
def test_it_reads_anything_or_says_why_not(kind, config):
    try:
        found, canonical = spellings.read(kind, config)
    except Invalid as refused:
        assert all(str(problem) and len(str(problem)) < 400 for problem in refused.problems)
    else:
        assert spellings.read(found, canonical) == (found, canonical)


def test_it_parts_the_options_from_a_schedule_object():
    given = {"type": "daily", "time": "02:00", "timezone": "UTC", "start": "2026-01-01", "end": "2027-01-01", "max_runs": 5}
    options = {"timezone": "UTC", "start_at": "2026-01-01", "end_at": "2027-01-01", "max_runs": 5}
    assert spellings.read_object(given) == (("daily", NIGHT), options)


@pytest.mark.parametrize(
    ("kind", "config", "part", "expected"),
    [
        ("weekly", {"days": ["mon"], "times": ["03:00"]}, {"time": "04:00:00"}, {"days": ["mon"], "times": ["04:00"]}),
        ("interval", {"interval": 5, "unit": "hours"}, {"interval": 6}, {"interval": 6, "unit": "hours"}),
        ("cron", {"cron": "0 2 * * *"}, "0 3 * * *", {"cron": "0 3 * * *"}),
        ("once", {"at": "2026-01-01T00:00:00"}, {"datetime": "2026-02-01 00:00"}, {"at": "2026-02-01T00:00:00"}),
    ],
)
def test_it_merges_a_part_into_what_is_there(kind, config, part, expected):
    assert spellings.merge(kind, config, part) == expected


@pytest.mark.parametrize(
    ("kind", "config", "plain", "parts"),
    [
        ("cron", {"cron": "0 2 * * *"}, "0 2 * * *", {"cron": "0 2 * * *"}),
        ("interval", {"interval": 30, "unit": "minutes"}, "1800", {"interval": 30, "unit": "minutes"}),
        ("once", {"at": "2024-12-25T14:30:00"}, "2024-12-25T14:30:00", {"datetime": "2024-12-25 14:30:00"}),
        ("once", {"at": "2024-12-25T14:30:00Z"}, "2024-12-25T14:30:00Z", {"datetime": "2024-12-25T14:30:00Z"}),
        ("daily", NIGHT, NIGHT, {"time": "02:00:00"}),
        ("weekly", {"days": ["mon"], **NIGHT}, {"days": ["mon"], **NIGHT}, {"day_of_week": 0, "time": "02:00:00"}),
        ("manual", {}, {}, {}),
    ],
)
def test_it_writes_a_schedule_in_the_documents_words(kind, config, plain, parts):
    assert (spellings.plain(kind, config), spellings.parts(kind, config)) == (plain, parts)


@pytest.mark.parametrize(("kind", "config", "expected", "canonical"), CASES)
def test_it_reads_back_what_it_writes(kind, config, expected, canonical):
    assert spellings.read(expected, spellings.parts(expected, canonical)) == (expected, canonical)
    if expected != "interval":  # there 002 knows seconds only
        assert spellings.read(expected, spellings.plain(expected, canonical)) == (expected, canonical)
