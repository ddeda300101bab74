"""Looking at a schedule before it is saved: always an answer, with the same times that will fire."""

import pytest

from tests.api.conftest import fields

pytestmark = pytest.mark.any_database


def look(caller, kind, config, **rest):
    response = caller.post("/schedules/preview", {"schedule_type": kind, "schedule_config": config, **rest})
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.json["data"]


def test_it_tells_the_next_runs_in_both_languages(ada_calls):
    found = look(ada_calls, "CRON", "0 2 * * *", timezone="Europe/Berlin", count=2)
    assert list(found) == ["valid", "kind", "cron", "description", "next_runs", "errors"]
    assert (found["valid"], found["kind"], found["cron"], found["errors"]) == (True, "CRON", "0 2 * * *", [])
    assert set(found["description"]) == {"zh", "en"} and "02:00" in found["description"]["en"]
    assert found["next_runs"][0] == {"utc": "2026-03-03T01:00:00Z", "local": "2026-03-03T02:00:00+01:00", "note": None}
    assert len(found["next_runs"]) == 2


@pytest.mark.parametrize(
    ("kind", "config", "cron"),
    [
        ("daily", {"time": "02:00"}, "0 2 * * *"),
        ("weekly", {"day_of_week": 0, "time": "03:00:00"}, "0 3 * * 1"),
        ("INTERVAL", "3600", None),
        (None, {"type": "daily", "times": ["02:00"]}, "0 2 * * *"),
        (None, "0 2 * * *", "0 2 * * *"),
        ("manual", None, None),
    ],
)
def test_it_reads_every_spelling(ada_calls, kind, config, cron):
    found = look(ada_calls, kind, config)
    assert (found["valid"], found["cron"]) == (True, cron)


@pytest.mark.parametrize(
    ("wish", "field", "word"),
    [
        ({"schedule_type": "CRON", "schedule_config": "0 25 * * *"}, "schedule_config", "25"),
        ({"schedule_type": "CRON", "schedule_config": "0 0 31 2 *"}, "schedule_config", "never"),
        ({"schedule_type": "DATE", "schedule_config": "2020-01-01T00:00:00Z"}, "schedule_config", "passed"),
        ({"schedule_type": "WHENEVER", "schedule_config": "x"}, "schedule_type", "WHENEVER"),
        ({"schedule_type": "CRON", "schedule_config": "* * * * *", "timezone": "Mars"}, "timezone", "Mars"),
        ({"schedule_type": "CRON", "schedule_config": "* * * * *", "end_at": "2020-01-01"}, "end_at", ""),
        ({"schedule_type": "CRON", "schedule_config": "* * * * *", "after": "soon"}, "after", "soon"),
        ({"schedule_type": "CRON"}, "schedule_config", "required"),
        ({}, "schedule_config", ""),
    ],
)
def test_a_wrong_schedule_is_an_answer(ada_calls, wish, field, word):
    response = ada_calls.post("/schedules/preview", wish)
    found = response.json["data"]
    assert (response.status_code, found["valid"], found["next_runs"]) == (200, False, [])
    assert found["errors"][0]["field"] == field and word.lower() in found["errors"][0]["message"].lower()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"count": 0}, "count"), ({"count": "5"}, "count"), ({"colour": 1}, "colour"), ({"max_runs": True}, "max_runs")],
)
def test_a_wrong_question_is_an_error(ada_calls, wrong, field):
    refused = ada_calls.post("/schedules/preview", {"schedule_type": "CRON", "schedule_config": "* * * * *", **wrong})
    assert (refused.status_code, fields(refused)) == (400, [field])


def test_it_starts_where_it_is_told(ada_calls):
    found = look(ada_calls, "CRON", "0 2 * * *", timezone="UTC", after="2030-05-01T00:00:00", max_runs=1)
    assert [run["utc"] for run in found["next_runs"]] == ["2030-05-01T02:00:00Z"]


def test_what_is_previewed_is_what_is_saved(ada_calls):
    schedule = {"schedule_type": "CRON", "schedule_config": "H H * * *", "timezone": "Asia/Shanghai"}
    made = ada_calls.make(**schedule)
    found = ada_calls.post("/schedules/preview", {**schedule, "key": made["key"]}).json["data"]
    assert found["next_runs"] == ada_calls.data("/tasks/1/next-runs")["next_runs"]


def test_it_says_what_a_clock_change_does(ada_calls):
    found = look(ada_calls, "CRON", "30 2 * * *", timezone="Europe/Berlin", after="2026-03-28T12:00:00", count=1)
    assert "02:30" in found["next_runs"][0]["note"]


def test_a_viewer_may_look(program):
    assert look(program("victor"), "CRON", "0 2 * * *")["valid"]
