"""What a wrong expression is told: the field, the value, the range."""

import time

import pytest

from scheduler.errors import Invalid
from scheduler.schedules import parse

# Expression, field, and the sentence.
CASES = [
    ("0 25 * * *", "hour", "Hour 25 is outside 0–23."),
    ("60 * * * *", "minute", "Minute 60 is outside 0–59."),
    ("60 * * * * *", "second", "Second 60 is outside 0–59."),
    ("* * 0 * *", "day", "Day of the month 0 is outside 1–31."),
    ("* * 1-32 * *", "day", "Day of the month 32 is outside 1–31."),
    ("* * * 13 *", "month", "Month 13 is outside 1–12."),
    ("* * * * 8", "weekday", "Weekday 8 is outside 0–7 (0 and 7 are both Sunday)."),
    ("* * * FOO *", "month", "“foo” cannot be read in the month field (1–12 or JAN–DEC)."),
    ("* * * * monday", "weekday", "“monday” cannot be read in the weekday field (0–7 or SUN–SAT)."),
    ("jan * * * *", "minute", "“jan” cannot be read in the minute field (0–59)."),
    ("* L * * *", "hour", "“l” cannot be read in the hour field (0–23)."),
    ("* * LW * *", "day", "“lw” cannot be read in the day-of-month field (1–31 or L)."),
    ("*/0 * * * *", "minute", "“0” is not a step: after “/” write a whole number from 1."),
    ("* */x * * *", "hour", "“x” is not a step: after “/” write a whole number from 1."),
    ("*/ * * * *", "minute", "“” is not a step: after “/” write a whole number from 1."),
    ("1,,2 * * * *", "minute", "“” cannot be read in the minute field (0–59)."),
    ("-5 * * * *", "minute", "“-5” cannot be read in the minute field (0–59)."),
    ("* 1-5-7 * * *", "hour", "“1-5-7” cannot be read in the hour field (0–23)."),
    ("* * * *", "", "A cron expression has 5 fields, or 6 with seconds first; this one has 4."),
    ("* * * * * * * *", "", "A cron expression has 5 fields, or 6 with seconds first; this one has 8."),
    (
        "* * * * * * *",
        "",
        "A cron expression has 5 fields, or 6 with seconds first; this one has 7, and years are not supported.",
    ),
    ("", "", "The cron expression is empty."),
    (" \t ", "", "The cron expression is empty."),
    (None, "", "The cron expression is empty."),
    (5, "", "The cron expression must be text, not “5”."),
    ("*" * 257, "", "The cron expression has 257 characters; at most 256 are allowed."),
    ("R * * * *", "minute", "“R” (a random value) would change at each look: use “H”, which stays the same for a task."),
    ("* R(0-3) * * *", "hour", "“R” (a random value) would change at each look: use “H”, which stays the same for a task."),
    ("H(9-5) * * * *", "minute", "“h(9-5)” cannot be read in the minute field (0–59)."),
    ("* H(5-24) * * *", "hour", "Hour 24 is outside 0–23."),
    ("0 0 13 * 5#2", "weekday", "“5#2” cannot be combined with a day of the month: write * there."),
    ("0 0 13 * L5", "weekday", "“l5” cannot be combined with a day of the month: write * there."),
    ("0 0 15W * 1", "day", "“15w” cannot be combined with a weekday: write * there."),
    ("0 0 * * 5#6", "weekday", "“#6”: which weekday of the month is outside 1–5."),
    ("0 0 * * 5#2,1", "weekday", "“5#2,1” cannot be mixed with other values in the weekday field."),
    ("\0 * * * *", "", "A cron expression cannot hold the character “\\x00”."),
    ("😀 * * * *", "", "A cron expression cannot hold the character “😀”."),
    ("0 2\n* * *", "", "A cron expression cannot hold the character “\\n”."),
    ("０ 2 * * *", "", "A cron expression cannot hold the character “０”."),
    ("@reboot", "", "“@reboot” names no time: a schedule needs one."),
    ("0 0 31 2 *", "", "This schedule never fires: no date fits it."),
    ("0 0 31 2,4,6,9,11 *", "", "This schedule never fires: no date fits it."),
]


@pytest.mark.parametrize(("text", "field", "sentence"), CASES)
def test_it_names_the_field_and_the_reason(text, field, sentence):
    with pytest.raises(Invalid) as refused:
        parse("cron", {"cron": text}, "UTC", "seed")
    found = [(problem.field, problem.text % problem.params) for problem in refused.value.problems]
    assert found == [(f"schedule_config.{field}".rstrip("."), sentence)]


def test_it_names_every_wrong_field_at_once():
    with pytest.raises(Invalid) as refused:
        parse("cron", {"cron": "60 25 32 13 8"}, "UTC")
    fields = [problem.field.partition(".")[2] for problem in refused.value.problems]
    assert fields == ["minute", "hour", "day", "month", "weekday"]


def test_it_refuses_what_only_falls_into_gaps():
    """The last Sunday of March, half past two, following elapsed time: no clock in Berlin ever shows it."""
    with pytest.raises(Invalid, match="never fires"):
        parse("cron", {"cron": "*/30 2 25-31 3 */7"}, "Europe/Berlin")


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "", "../../etc/passwd", "Europe", "a" * 300, "\0", "right/UTC", None, "UTC+8", ["UTC"]]
)
def test_it_refuses_an_unknown_zone_by_name(name):
    with pytest.raises(Invalid) as refused:
        parse("cron", {"cron": "* * * * *"}, name)
    assert refused.value.problems[0].field == "timezone"


def test_it_refuses_an_unknown_kind_with_the_choices():
    with pytest.raises(Invalid, match="interval, daily, weekly, monthly, yearly, once, cron, manual"):
        parse("hourly", {}, "UTC")


HOSTILE = [
    ",".join(["1"] * 100),
    ",".join(["*/1"] * 60),
    "/" * 200,
    "-" * 200,
    "*" * 200,
    "9" * 200,
    "1-" * 100,
    "0-59/" + "9" * 200,
    "H" * 200,
    "#" * 200,
    "(" * 200,
    "L" * 200,
    "@" * 200,
    "0-59," * 40 + "1",
]


@pytest.mark.parametrize("field", HOSTILE)
@pytest.mark.parametrize("place", range(5))
def test_it_answers_hostile_text_at_once(field, place):
    columns = ["*"] * 5
    columns[place] = field
    started = time.perf_counter()
    try:
        parse("cron", {"cron": " ".join(columns)}, "Europe/Berlin", "seed")
    except Invalid as refused:
        assert all(len(str(problem)) < 300 for problem in refused.problems)
    assert time.perf_counter() - started < 0.5
