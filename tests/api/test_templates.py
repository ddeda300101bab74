"""v1's templates: those there are, making and changing one's own, and a task made of one."""

import pytest

from tests.api.conftest import fields

GOOD = {"template_id": "cleanup", "name": "Old reports", "params": {"path": "/var/reports", "retention_days": 7}}
OWN = {
    "name": "Pack a folder",
    "category": "backup",
    "parameters": [{"name": "folder", "required": True, "pattern": "/.+"}],
    "task": {"command": 'tar -czf "$folder.tgz" "$folder"', "schedule_type": "daily", "schedule_config": {"times": ["02:00"]}},
}


def test_it_lists_them_by_page_with_what_can_be_filled_in(ada_calls):
    found = ada_calls.get("/templates?size=2&page=2").json
    assert found["total"] > 4 and len(found["items"]) == 2
    assert {"id", "key", "name", "category", "description", "parameters", "built_in"} <= set(found["items"][0])


def test_it_shows_one_with_the_task_it_proposes(ada_calls):
    found = ada_calls.data("/templates/cleanup")
    assert (found["task"]["type"], found["task"]["schedule_type"], found["category"]) == ("shell", "daily", "cleanup")


def test_there_are_no_others(ada_calls):
    assert ada_calls.get("/templates/explode").status_code == ada_calls.get("/templates/template-099").status_code == 404


@pytest.mark.parametrize("kind", ["backup", "cleanup", "monitoring", "sync", "custom"])
def test_there_are_built_in_ones_of_every_category(ada_calls, kind):
    assert kind in {one["category"] for one in ada_calls.get("/templates?size=100").json["items"]}


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
        ({"group": "nowhere"}, "group"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_made(ada_calls, wrong, field):
    refused = ada_calls.post("/tasks/from-template", GOOD | wrong)
    assert (refused.status_code, fields(refused), ada_calls.get("/tasks").json["total"]) == (400, [field], 0)


def test_a_viewer_only_looks(program):
    victor = program("victor")
    assert victor.get("/templates").status_code == 200 and victor.post("/tasks/from-template", GOOD).status_code == 403
    assert victor.post("/templates", OWN).status_code == 403


def test_ones_own_is_made_used_changed_and_deleted(program):
    edith = program("edith")
    made = edith.post("/templates", OWN).json["data"]
    assert (made["key"], made["built_in"], made["version"], made["task"]) == ("pack-a-folder", False, 1, OWN["task"])
    task = edith.post("/tasks/from-template", {"template_id": made["key"], "name": "x", "params": {"folder": "/a b"}}).json[
        "data"
    ]
    assert task["params"] == {"folder": "/a b"}
    assert edith.put("/templates/pack-a-folder", {"description": "more"}).json["data"]["version"] == 2
    assert edith.delete("/templates/pack-a-folder").status_code == 200
    assert edith.get("/templates/pack-a-folder").status_code == 404 and edith.get(f"/tasks/{task['id']}").status_code == 200


def test_a_task_made_of_one_may_lie_in_a_group_and_rest(ada_calls):
    ada_calls.post("/groups", {"name": "reports"})
    made = ada_calls.post("/tasks/from-template", GOOD | {"group": "reports", "is_active": False}).json["data"]
    assert (made["group"], made["is_active"]) == ("reports", False)


def test_one_is_made_of_a_task(ada_calls):
    ada_calls.post("/tasks", {"name": "Greeting", "command": 'echo "$who"', "params": {"who": "all"}, "schedule_type": "MANUAL"})
    made = ada_calls.post("/templates", {"from_task": "greeting", "name": "Greet"}).json["data"]
    assert (made["name"], made["parameters"][0]["default"], made["task"]["command"]) == ("Greet", "all", 'echo "$who"')


def test_an_old_version_is_a_conflict(ada_calls):
    ada_calls.post("/templates", OWN)
    ada_calls.put("/templates/pack-a-folder", {"description": "first"})
    assert ada_calls.put("/templates/pack-a-folder", {"description": "x"}, headers={"If-Match": '"1"'}).status_code == 409
    assert ada_calls.put("/templates/pack-a-folder", {"description": "x", "version": 1}).status_code == 409


@pytest.mark.parametrize("method", ["put", "delete"])
def test_a_built_in_one_stays_as_it_is(ada_calls, method):
    body = ({"name": "x"},) if method == "put" else ()
    assert getattr(ada_calls, method)("/templates/backup", *body).status_code == 409


def test_what_is_private_is_not_there_for_others(program):
    program("edith").post("/templates", OWN | {"private": True})
    assert program("ada").get("/templates/pack-a-folder").status_code == 200
    victor = program("victor")
    assert victor.get("/templates/pack-a-folder").status_code == 404
    assert "pack-a-folder" not in victor.get("/templates?size=100").text


def test_all_that_is_wrong_with_one_is_named_at_its_field(ada_calls):
    wrong = OWN | {"parameters": [{"name": "a", "pattern": "("}], "task": OWN["task"] | {"description": "{{b}}"}}
    assert set(fields(ada_calls.post("/templates", wrong))) == {"parameters.0.pattern", "parameters.0.name", "task.description"}


def test_a_file_brings_them_in_again(ada_calls):
    ada_calls.post("/templates", OWN)
    file = ada_calls.get("/export").text
    ada_calls.delete("/templates/pack-a-folder")
    found = ada_calls.post("/import", data=file).json["data"]
    assert found["templates"] == [{"key": "pack-a-folder", "action": "create", "changes": {}}]
    assert ada_calls.get("/export").text == file
