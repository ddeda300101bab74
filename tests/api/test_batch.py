"""One thing done to many tasks, with a result for each."""

import pytest

from tests.api.conftest import fields


@pytest.fixture
def three(ada_calls):
    return [ada_calls.make(name=f"Backup {number}")["id"] for number in range(3)]


@pytest.mark.parametrize(("action", "active"), [("disable", False), ("enable", True)])
def test_it_switches_many(ada_calls, three, action, active):
    found = ada_calls.post("/tasks/batch", {"action": action, "ids": three}).json["data"]
    assert (found["succeeded"], found["failed"]) == (3, 0)
    assert {task["is_active"] for task in ada_calls.get("/tasks").json["items"]} == {active}


def test_it_runs_each_and_says_what_runs_now(ada_calls, three):
    found = ada_calls.post("/tasks/batch", {"action": "run", "ids": [three[0], "backup-1"]}).json["data"]["results"]
    assert [ada_calls.data(f"/executions/{one['execution_id']}")["task_id"] for one in found] == three[:2]


def test_each_has_a_result_of_its_own(ada_calls, three):
    found = ada_calls.post("/tasks/batch", {"action": "delete", "ids": [99, three[0], "nothing", three[0]]}).json["data"]
    assert [(one["id"], one["code"]) for one in found["results"]] == [(99, 404), (three[0], 200), ("nothing", 404)]
    assert (found["succeeded"], found["failed"]) == (1, 2) and ada_calls.get("/tasks").json["total"] == 2


def test_it_exports_without_secrets(ada_calls):
    task = ada_calls.make(type="http", command=None, url="https://example.org", auth={"type": "bearer", "token": "canary-7"})
    answer = ada_calls.post("/tasks/batch", {"action": "export", "ids": [task["id"]]})
    assert answer.json["data"]["results"][0]["task"]["name"] == "Backup" and "canary-7" not in answer.get_data(as_text=True)


def test_permission_is_asked_for_each(program, three):
    found = program("oscar").post("/tasks/batch", {"action": "delete", "ids": three}).json["data"]
    assert {one["code"] for one in found["results"]} == {403}
    found = program("mallory").post("/tasks/batch", {"action": "export", "ids": three})
    assert found.status_code == 200 and {one["code"] for one in found.json["data"]["results"]} == {404}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "explode", "ids": [1]}, "action"),
        ({"action": "run", "ids": []}, "ids"),
        ({"action": "run", "ids": list(range(501))}, "ids"),
        ({"action": "run", "ids": [1], "force": True}, "force"),
        ({"action": "run"}, "ids"),
    ],
)
def test_it_names_the_wrong_field(ada_calls, body, field):
    answer = ada_calls.post("/tasks/batch", body)
    assert answer.status_code == 400 and fields(answer) == [field]


@pytest.mark.parametrize("odd", [True, 1.5, None, [1], {"a": 1}])
def test_an_odd_id_is_refused(ada_calls, odd):
    assert ada_calls.post("/tasks/batch", {"action": "run", "ids": [odd]}).status_code == 400
