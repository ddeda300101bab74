"""Secrets over HTTP: put, listed, named by tasks, removed; a value goes in and comes out of no answer."""

from typing import Any

import pytest

from scheduler.accounts import keys
from scheduler.accounts.models import User
from scheduler.accounts.permissions import SYSTEM
from scheduler.tasks import secrets
from tests.api.conftest import BASE, fields
from tests.factories import as_actor, make_group, make_task

VALUE = "hunter2-canary"
TOKEN = "${secret:TOKEN}"


def test_it_makes_replaces_shows_and_removes_one(ada_calls):
    made = ada_calls.put("/secrets/TOKEN", {"value": VALUE}).json["data"]
    assert (made["name"], made["groups"], made["updated_by"], made["last_used_at"]) == ("TOKEN", ["default"], "ada", None)
    make_group("ops")
    changed = ada_calls.put("/secrets/TOKEN", {"groups": ["ops", 1]}).json["data"]
    assert changed["groups"] == ["default", "ops"] and ada_calls.data("/secrets/TOKEN") == changed
    assert ada_calls.get("/secrets").json["items"] == [changed] and secrets.opened(1, "", ["TOKEN"]) == {"TOKEN": VALUE}
    assert ada_calls.delete("/secrets/TOKEN").status_code == 200 and ada_calls.get("/secrets/TOKEN").status_code == 404


def test_no_answer_holds_the_value(ada_calls):
    answers = [ada_calls.put("/secrets/TOKEN", {"value": VALUE})]
    ada_calls.make(env={"T": TOKEN})
    answers += map(
        ada_calls.get, ("/secrets", "/secrets/TOKEN", "/tasks/backup", "/export", "/audit", "/tasks/backup/revisions/1")
    )
    assert not any(VALUE in answer.get_data(as_text=True) for answer in answers)
    assert ada_calls.data("/tasks/backup")["env"] == {"T": TOKEN} and TOKEN in answers[4].get_data(as_text=True)


@pytest.mark.parametrize(("name", "body", "field"), [
    ("TOKEN", {}, "value"), ("TOKEN", {"value": "abc"}, "value"), ("TOKEN", {"value": 4711}, "value"),
    ("TOKEN", {"value": VALUE, "groups": ["nowhere"]}, "groups"), ("TOKEN", {"value": VALUE, "group": "default"}, "group"),
    ("no%20name", {"value": VALUE}, "name"), ("4711", {"value": VALUE}, "name"),
])  # fmt: skip
def test_what_is_wrong_is_said_at_its_field_without_the_value(ada_calls, name: str, body: dict[str, Any], field: str):
    answer = ada_calls.put(f"/secrets/{name}", body)
    assert answer.status_code == 400 and fields(answer) == [field] and VALUE not in answer.get_data(as_text=True)


def test_an_unknown_one_is_refused_at_the_field_that_names_it(program):
    secrets.put(SYSTEM, "OPS", {"value": VALUE, "groups": []})
    body = {"name": "t", "type": "shell", "command": "env", "schedule_type": "MANUAL"}
    told = [program("edith").post("/tasks", body | {"env": {"T": f"${{secret:{name}}}"}}) for name in ("OPS", "NONE")]
    assert [(answer.status_code, fields(answer)) for answer in told] == [(400, ["env.T"])] * 2
    assert told[0].json["message"].replace("OPS", "NONE") == told[1].json["message"]


def test_where_it_is_named_is_for_administrators(ada_calls, program):
    secrets.put(SYSTEM, "TOKEN", {"value": VALUE})
    make_task(key="one", env={"T": TOKEN}, private=True)
    assert ada_calls.data("/secrets/TOKEN")["used_by_tasks"] == ["one"]
    seen = program("edith").data("/secrets/TOKEN")
    assert seen["used_by_tasks"] is None and program("edith").put("/secrets/TOKEN", {"value": "mine now"}).status_code == 403


def test_one_of_other_peoples_groups_is_not_there(program, app):
    secrets.put(SYSTEM, "TOKEN", {"value": VALUE, "groups": []})
    answers = [program("edith").get(f"/secrets/{name}") for name in ("TOKEN", "NONE")]
    assert [answer.status_code for answer in answers] == [404, 404] and answers[0].json["message"] == answers[1].json["message"]
    assert program("edith").get("/secrets").json["total"] == 0 and program("victor").get("/secrets").status_code == 403


@pytest.mark.parametrize(("scope", "status"), [("read", 403), ("run", 403), ("write", 403), ("admin", 200)])
def test_a_key_needs_the_scope(app, ada: User, scope: str, status: int):
    _, text = keys.create(as_actor(ada), {"name": "k", "scopes": [scope], "expires_at": None})
    answer = app.test_client().put(f"{BASE}/secrets/TOKEN", json={"value": VALUE}, headers={"X-API-Key": text})
    assert answer.status_code == status


SERVICE = {"name": "n", "type": "shell", "command": "env", "schedule": {"type": "manual"}}
ENGINE = {"task_id": "n", "task_name": "n", "task_exec": "tasks/named.py", "task_schedule": "* * * * *"}


@pytest.mark.parametrize(
    ("path", "body", "field"), [("/api/scheduler/tasks", SERVICE, "env"), ("/api/tasks", ENGINE, "task_env")]
)
def test_the_other_faces_name_them_too(ada_calls, instance, path: str, body: dict[str, Any], field: str):
    (instance / "tasks").mkdir(exist_ok=True)
    (instance / "tasks" / "named.py").touch()
    ada_calls.put("/secrets/TOKEN", {"value": VALUE})
    bad = ada_calls.post(path, body | {field: {"T": "${secret:NONE}"}})
    assert bad.status_code == 400 and [one["field"] for one in bad.json["errors"]] == [f"{field}.T"]
    good = ada_calls.post(path, body | {field: {"T": TOKEN}})
    assert good.status_code in (200, 201) and good.json[field] == {"T": TOKEN}


def test_an_import_says_which_are_missing_and_brings_the_tasks_in(ada_calls):
    task = {"key": "t", "name": "t", "command": "env", "env": {"T": TOKEN}}
    file = {"format": "scheduler", "version": 1, "tasks": [task]}
    told = ada_calls.post("/import?format=json&dry_run=1", file).json["data"]
    assert "TOKEN" in str(told["notes"]) and "TOKEN" in str(told["tasks"])
    assert ada_calls.post("/import?format=json", file).status_code == 200 and ada_calls.data("/tasks/t")["env"] == {"T": TOKEN}
