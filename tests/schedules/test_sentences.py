"""The sentences people read beside a schedule, in English as written; the catalogue has the Chinese ones."""

import pytest

from scheduler.schedules import parse
from tests.schedules.tools import english

CRON = [
    ("* * * * *", "Every minute"),
    ("*/5 * * * *", "Every 5 minutes"),
    ("*/7 * * * *", "Every 7 minutes from minute 0 of each hour"),
    ("5-59/10 * * * *", "Every 10 minutes from minute 5 of each hour"),
    ("0 * * * *", "Every hour, on the hour"),
    ("30 * * * *", "At minute 30 of every hour"),
    ("0 */2 * * *", "Every 2 hours"),
    ("30 */6 * * *", "Every 6 hours at minute 30"),
    ("0 */12 * * *", "Every day at 00:00 and 12:00"),
    ("0 2 * * *", "Every day at 02:00"),
    ("0 2,14 * * *", "Every day at 02:00 and 14:00"),
    ("30 9 * * 1-5", "At 09:30, Monday to Friday"),
    ("0 2 * * 6,0", "At 02:00, Saturday and Sunday"),
    ("0 2 * * tue-thu,sat", "At 02:00, every Tuesday to Thursday and Saturday"),
    ("0 9-17 * * 1-5", "Every hour from 09:00 to 17:00, Monday to Friday"),
    ("*/10 9-17 * * *", "Every 10 minutes from 09:00 to 17:50"),
    ("* 2 * * *", "Every minute from 02:00 to 02:59"),
    ("*/10 1,3,5 * * *", "Every 10 minutes of hour 1, 3 and 5"),
    ("* 1,3 * * *", "Every minute of hour 1 and 3"),
    ("0-9 1,3,5 * * *", "At minute 0–9 of hour 1, 3 and 5"),
    ("0 0 1 * *", "At 00:00, on day 1 of the month"),
    ("0 0 1-7,15 * *", "At 00:00, on days 1–7 and 15 of the month"),
    ("0 0 */3 * *", "At 00:00, every 3 days from day 1 of the month"),
    ("0 23 L * *", "At 23:00, on the last day of the month"),
    ("0 23 15,L * *", "At 23:00, on day 15 and the last day of the month"),
    ("0 23 L 2-5 *", "At 23:00, on the last day of February–May"),
    ("0 0 15W * *", "At 00:00, on the weekday nearest day 15 of the month"),
    ("0 0 25 12 *", "At 00:00, on 25 December"),
    ("0 0 1 1,7 *", "At 00:00, on day 1 of January and July"),
    ("0 0 * 1 *", "At 00:00, every day in January"),
    ("*/5 * * 1 *", "Every 5 minutes, in January"),
    ("0 0 * 1 mon", "At 00:00, every Monday in January"),
    ("0 0 13 * 5", "At 00:00, on day 13 of the month or every Friday"),
    ("0 0 */2 * 1", "At 00:00, every 2 days from day 1 of the month, only if it is Monday"),
    ("0 0 * * fri#2", "At 00:00, on the second Friday of the month"),
    ("0 0 * * 5L", "At 00:00, on the last Friday of the month"),
    ("0 0 10 * 0-6", "Every day at 00:00"),
    ("* * * * * *", "Every second"),
    ("*/10 * * * * *", "Every 10 seconds"),
    ("30 * * * * *", "At second 30 of every minute"),
    ("15 30 2 * * *", "Every day at 02:30:15"),
    ("5 */5 * * * *", "Every 5 minutes, at second 5"),
    ("* 0 9-17 * * *", "Every hour from 09:00 to 17:00, every second"),
    ("@weekly", "At 00:00, every Sunday"),
]
OTHERS = [
    ("daily", {"times": ["02:00", "14:30:05"]}, "Every day at 02:00:00 and 14:30:05"),
    ("weekly", {"days": ["mon", "wed"], "times": ["02:00"]}, "At 02:00, every Monday and Wednesday"),
    ("weekly", {"days": "mon,tue,wed,thu,fri,sat,sun", "times": ["02:00"]}, "Every day at 02:00"),
    ("monthly", {"days": [1, 15, "last"], "times": ["02:00"]}, "At 02:00, on days 1 and 15 and the last day of the month"),
    ("monthly", {"days": [31], "times": ["02:00"]}, "At 02:00, on day 31 of the month (or on the last day of a shorter month)"),
    (
        "monthly",
        {"days": [30], "times": ["02:00"], "missing": "skip"},
        "At 02:00, on day 30 of the month (shorter months are skipped)",
    ),
    ("yearly", {"month": 12, "day": 25, "times": ["02:00"]}, "At 02:00, on 25 December"),
    ("yearly", {"month": 4, "day": 31, "times": ["02:00"]}, "At 02:00, on the last day of April"),
    (
        "yearly",
        {"month": 2, "day": 29, "times": ["02:00"]},
        "At 02:00, on 29 February (in other years on the last day of that month)",
    ),
    (
        "yearly",
        {"month": 2, "day": 29, "times": ["02:00"], "missing": "skip"},
        "At 02:00, on 29 February (other years are skipped)",
    ),
    ("interval", {"interval": 1, "unit": "minutes"}, "Every minute"),
    ("interval", {"interval": 5, "unit": "minutes"}, "Every 5 minutes"),
    ("once", {"at": "2026-12-25T14:30"}, "Once, on 2026-12-25 at 14:30"),
    ("once", {"at": "2026-12-25T14:30Z"}, "Once, on 2026-12-25 at 22:30"),
    ("manual", {}, "Only when started by hand"),
]


@pytest.mark.parametrize(("text", "sentence"), CRON)
def test_it_says_what_an_expression_means(text, sentence):
    assert parse("cron", {"cron": text}, "UTC").describe(english) == sentence


@pytest.mark.parametrize(("kind", "config", "sentence"), OTHERS)
def test_it_says_what_a_schedule_means(kind, config, sentence):
    assert parse(kind, config, "Asia/Shanghai").describe(english) == sentence


def test_it_says_the_value_drawn_for_a_hash():
    schedule = parse("cron", {"cron": "H 2 * * *"}, "UTC", "backup")
    assert schedule.describe(english) == f"Every day at 02:{int(schedule.expressions()[0].split()[0]):02}"


def test_it_shows_every_translatable_piece_to_the_translator():
    seen: list[str] = []
    parse("cron", {"cron": "0 2 * * 1,3"}, "UTC").describe(lambda text, **params: seen.append(text) or english(text, **params))
    assert {"At %(times)s, %(days)s", "every %(weekdays)s", "%(list)s and %(last)s", "Monday", "Wednesday"} == set(seen)
