"""v1's templates: those there are, one of them, and a task made of one."""

import pytest

from tests.api.conftest import fields

GOOD = {"template_id": "cleanup", "name": "Old reports", "params": {"path": "/var/reports", "retention_days": 7}}


def test_it_lists_them_by_page_with_what_can_be_filled_in(ada_calls):
    found = ada_calls.get("/templates?size=2&page=2").json
    assert found["total"] > 4 and len(found["items"]) == 2
    assert {"id", "name", "category", "description", "parameters"} == set(found["items"][0])


def test_it_shows_one_with_the_task_it_proposes(ada_calls):
    found = ada_calls.data("/templates/cleanup")
    assert (found["task"]["type"], found["task"]["schedule_type"], found["category"]) == ("shell", "daily", "cleanup")


def test_there_are_no_others(ada_calls):
    assert ada_calls.get("/templates/explode").status_code == ada_calls.get("/templates/template-099").status_code == 404


def test_a_task_is_made_of_one(ada_calls):
    made = ada_calls.post("/tasks/from-template", GOOD).json["data"]
    assert (made["name"], made["params"]) == ("Old reports", {"path": "/var/reports", "retention_days": "7"})
    assert ada_calls.data(f"/tasks/{made['id']}")["next_run_time"]


def test_the_same_key_makes_one_task(ada_calls):
    first, second = (
        ada_calls.post("/tasks/from-template", GOOD, headers={"Idempotency-Key": "k"}).json["data"]["id"] for _ in "12"
    )
    assert first == second


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"template_id": "nothing"}, "template_id"),
        ({"params": {"path": "relative"}}, "params.path"),
        ({"params": {"depth": 1}}, "params.depth"),
        ({"name": ""}, "name"),
        ({"schedule_type": "CRON"}, "schedule_type"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_made(ada_calls, wrong, field):
    refused = ada_calls.post("/tasks/from-template", GOOD | wrong)
    assert (refused.status_code, fields(refused), ada_calls.get("/tasks").json["total"]) == (400, [field], 0)


def test_a_viewer_only_looks(program):
    victor = program("victor")
    assert victor.get("/templates").status_code == 200 and victor.post("/tasks/from-template", GOOD).status_code == 403
