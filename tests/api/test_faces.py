"""The service and the engine face under bad input, for people who may not, and in both languages; errors in their one shape."""

import json
import shutil
from pathlib import Path
from time import perf_counter

import pytest

from tests.api.conftest import SHELL, end

FACES = ["/api/scheduler/tasks", "/api/tasks"]
BODIES = {
    "/api/scheduler/tasks": {"name": "Backup", "schedule": "0 2 * * *", **SHELL},
    "/api/tasks": {"task_id": "backup", "task_name": "Backup", "task_exec": "tasks/test_task.py", "task_schedule": "0 2 * * *"},
}
both = pytest.mark.parametrize("base", FACES)


@pytest.fixture(autouse=True)
def shipped(instance):
    """A program to run, where a fresh installation has it."""
    (instance / "tasks").mkdir(exist_ok=True)
    shutil.copy(Path(__file__).parents[2] / "instance" / "tasks" / "test_task.py", instance / "tasks")


def refused(answer, status):
    """It is an error of that status in the faces' shape; answers the fields it names."""
    assert (answer.status_code, answer.mimetype) == (status, "application/json"), answer.get_data(as_text=True)
    assert set(answer.json) == {"error", "errors"} and isinstance(answer.json["error"], str) and answer.json["error"]
    return [error["field"] for error in answer.json["errors"]]


def raw(caller, base, body, kind="application/json"):
    return caller.client.post(base, data=body, content_type=kind, headers=caller.headers)


@both
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"name": NaN}',
        b'{"name": "a", "name": "b"}',
        b"[" * 100_000,
        b'{"a":' * 40 + b"1" + b"}" * 40,
    ],
    ids=lambda body: body[:12].decode(),
)
def test_a_body_that_is_no_proper_object_is_400(ada_calls, base, body):
    began = perf_counter()
    refused(raw(ada_calls, base, body), 400)
    assert perf_counter() - began < 2


@both
def test_another_content_type_is_415_and_too_much_413(ada_calls, base):
    refused(raw(ada_calls, base, b"name=x", "application/x-www-form-urlencoded"), 415)
    refused(raw(ada_calls, base, b'{"name": "' + b"x" * 3_000_000 + b'"}'), 413)


@both
@pytest.mark.parametrize("query", ["limit=10000", "limit=0", "limit=-1", "limit=x", "limit=1e2"])
def test_a_wrong_limit_is_400(ada_calls, base, query):
    assert refused(ada_calls.get(f"{base}?{query}"), 400) == ["limit"]


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "status=maybe", "enabled_only=maybe", "offset=-1&limit=5"])
def test_a_wrong_parameter_of_the_list_is_400(ada_calls, query):
    assert refused(ada_calls.get(f"/api/scheduler/tasks?{query}"), 400) == [query.partition("=")[0]]


@both
@pytest.mark.parametrize(
    "query", ["page=-1", "limit=10000", "status=SUCCEEDED", "start_date=never", "start_date=2024-02-01&end_date=2024-01-01"]
)
def test_a_wrong_parameter_of_the_history_is_400(ada_calls, base, query):
    ada_calls.post(base, BODIES[base])
    assert len(refused(ada_calls.get(f"{base}/backup/executions?{query}"), 400)) == 1


@both
def test_a_date_in_9999_finds_nothing_and_harms_nothing(ada_calls, base):
    ada_calls.post(base, BODIES[base])
    assert ada_calls.get(f"{base}/backup/executions?start_date=9999-01-01").json["total"] == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/scheduler", 404), ("/api/scheduler/nothing", 404), ("/api/scheduler/tasks/", 404), ("/api/scheduler//tasks", 404),
        ("/api/SCHEDULER/tasks", 404), ("/api/scheduler/TASKS", 404), ("/api/scheduler/tasks/%2fetc", 404),
        ("/api/scheduler/tasks/9999999999999999999999", 404), ("/api/scheduler/executions/exec-9", 404),
        ("/api/scheduler/tasks/%00", 404), ("/api/tasks/", 404), ("/api//tasks", 404), ("/API/tasks", 404), ("/api/Tasks/1", 404),
        ("/api/tasks/nothing", 404), ("/api/tasks/%2e%2e%2fetc", 404), ("/api/tasks/1/executions/exec-9", 404),
        ("/api/tasks/nothing/logs/download", 404),
    ],
)  # fmt: skip
def test_an_address_of_nothing_is_404_in_the_faces_shape(ada_calls, path, status):
    refused(ada_calls.client.get(path, headers=ada_calls.headers), status)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/api/scheduler/tasks"), ("DELETE", "/api/scheduler/tasks"), ("GET", "/api/scheduler/tasks/1/run"),
        ("POST", "/api/scheduler/stats"), ("PATCH", "/api/tasks/1"), ("PUT", "/api/tasks"), ("GET", "/api/tasks/1/execute"),
    ],
)  # fmt: skip
def test_another_method_is_405(ada_calls, method, path):
    answer = ada_calls.send(method, path)
    refused(answer, 405)
    assert answer.headers["Allow"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"schedule": {"type": "daily", "time": "25:00"}}, "schedule"),
        ({"schedule": {"type": "hourly"}}, "schedule"),
        ({"schedule": {"type": "daily", "time": "02:00", "zone": 1}}, "schedule"),
        ({"schedule": {"type": "daily", "time": "02:00", "timezone": "Nowhere/Land"}}, "schedule"),
        ({"schedule": {"type": "once", "at": "9999-12-31T23:59:59"}}, "schedule"),
        ({"schedule": 5}, "schedule"),
        ({"schedule": None}, "schedule"),
        ({"schedule_type": "cron"}, "schedule_type"),
        ({"enabled": "yes"}, "enabled"),
        ({"is_active": True}, "is_active"),
        ({"bogus": 1}, "bogus"),
        ({"task_name": "x"}, "task_name"),
        ({"name": 5}, "name"),
        ({"type": "magic"}, "type"),
        ({"command": 5}, "command"),
        ({"group": 10**30}, "group"),
        ({"group": "77"}, "group"),
        ({"group": "<b>"}, "group"),
        ({"group": "x" * 101}, "group"),
        ({"timeout_seconds": "5"}, "timeout_seconds"),
        ({"tags": [[]]}, "tags.0"),
        ({"action_type": "explode"}, "action_type"),
        ({"action_config": {}}, "action_type"),
        ({"metadata": []}, "metadata"),
        ({"task_notify": {"email": "nobody"}}, "task_notify.email"),
    ],
)
def test_what_is_wrong_is_named_as_it_was_sent_and_nothing_is_saved(ada_calls, wrong, field):
    named = refused(ada_calls.post("/api/scheduler/tasks", BODIES["/api/scheduler/tasks"] | wrong), 400)
    assert set(named) == {field}
    assert ada_calls.get("/api/scheduler/tasks").json["total"] == 0


CLEANUP = {"task_name": "clean", "schedule_type": "manual", "action_type": "cleanup"}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"action_config": {"retention_days": "30"}}, "action_config.retention_days"),
        ({"action_config": {"retention_days": -1}}, "action_config.retention_days"),
        ({"action_config": {"path": "relative"}}, "action_config.path"),
        ({"action_config": {"depth": 1}}, "action_config.depth"),
        ({"action_config": []}, "action_config"),
        ({"action_type": "backup", "action_config": {}}, "action_config.source_paths"),
        ({"action_type": "backup", "action_config": {"source_paths": "/data"}}, "action_config.source_paths"),
        ({"action_type": "backup", "action_config": {"source_paths": ["/a"], "task_type": "half"}}, "action_config.task_type"),
        ({"action_type": "custom", "action_config": {"name": "x"}}, "action_config.name"),
        ({"action_type": "custom", "action_config": {"type": "python", "code": "if"}}, "action_config.code"),
        ({"command": "true"}, "command"),
        ({"schedule_config": {"time": "02:00"}, "schedule_type": "weekly"}, "schedule_config"),
    ],
)
def test_what_is_wrong_with_an_action_is_named(ada_calls, wrong, field):
    assert refused(ada_calls.post("/api/scheduler/tasks", CLEANUP | wrong), 400) == [field]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"template_id": "nothing"}, "template_id"),
        ({"params": {}}, "params.database"),
        ({"params": {"database": "x", "backup_path": "/b", "more": 1}}, "params.more"),
        ({"name": ""}, "name"),
        ({"x": 1}, "x"),
    ],
)
def test_what_is_wrong_with_a_template_is_named(ada_calls, wrong, field):
    good = {"template_id": "database_backup", "name": "x", "params": {"database": "x", "backup_path": "/b"}}
    assert field in refused(ada_calls.post("/api/scheduler/tasks/from-template", good | wrong), 400)


@both
def test_a_name_taken_is_409(ada_calls, base):
    ada_calls.post(base, BODIES[base])
    assert refused(ada_calls.post(base, BODIES[base]), 409) == [
        next(name for name in ("name", "task_name") if name in BODIES[base])
    ]


@both
def test_one_idempotency_key_makes_one_task_and_one_execution(ada_calls, base):
    headers = {"Idempotency-Key": "order-7"}
    assert ada_calls.post(base, BODIES[base], headers=headers).json == ada_calls.post(base, BODIES[base], headers=headers).json
    verb = "execute" if base == "/api/tasks" else "run"
    first, second = (ada_calls.post(f"{base}/backup/{verb}", headers=headers).json["execution_id"] for _ in range(2))
    assert first == second


@both
def test_a_body_where_none_is_wanted_is_refused(ada_calls, base):
    ada_calls.post(base, BODIES[base])
    assert refused(ada_calls.post(f"{base}/backup/stop", {"force": True}), 400) == ["force"]
    refused(ada_calls.post(f"{base}/backup/stop"), 409)


@both
def test_nobody_gets_in_without_credentials(anybody, base):
    answer = anybody.get(base)
    refused(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@both
def test_a_viewer_looks_and_changes_nothing(ada_calls, program, base):
    ada_calls.post(base, BODIES[base])
    victor = program("victor")
    assert victor.get(f"{base}/backup").status_code == 200
    refused(victor.post(base, BODIES[base]), 403)
    refused(victor.put(f"{base}/backup", {}), 403)
    refused(victor.delete(f"{base}/backup"), 403)
    refused(victor.post(f"{base}/backup/stop"), 403)


@both
def test_somebody_elses_private_task_is_not_there(ada_calls, app, program, base):
    ada_calls.make(name="Backup", private=True)
    execution = ada_calls.run("backup")
    end(app, 1)
    edith = program("edith")
    for path in ("", "/executions", "/logs"):
        refused(edith.get(f"{base}/backup{path}"), 404)
    refused(edith.put(f"{base}/backup", {}), 404)
    refused(edith.delete(f"{base}/backup"), 404)
    refused(edith.get(f"/api/scheduler/executions/{execution}"), 404)
    refused(edith.get(f"/api/scheduler/executions/{execution}/logs"), 404)
    assert edith.get("/api/scheduler/stats").json["total_tasks"] == len(edith.get("/api/tasks").json["tasks"]) == 0


def test_only_who_manages_groups_makes_one_by_naming_it(ada_calls, program):
    body = BODIES["/api/scheduler/tasks"] | {"group": "backup"}
    assert refused(program("edith").post("/api/scheduler/tasks", body), 400) == ["group"]
    assert ada_calls.post("/api/scheduler/tasks", body).json["group"] == "backup"
    assert program("edith").post("/api/scheduler/tasks", body | {"name": "Second"}).json["group"] == "backup"


def test_a_group_is_not_left_over_from_a_task_that_was_refused(ada_calls):
    refused(ada_calls.post("/api/scheduler/tasks", BODIES["/api/scheduler/tasks"] | {"group": "backup", "command": ""}), 400)
    assert [group["key"] for group in ada_calls.get("/groups").json["items"]] == ["default"]


@both
@pytest.mark.parametrize(("asked", "language"), [("zh-CN", "zh"), ("en", "en")])
def test_errors_come_in_the_language_asked_for(ada_calls, base, asked, language):
    answer = ada_calls.get(f"{base}/nothing", headers={"Accept-Language": asked})
    assert answer.headers["Content-Language"] == language
    assert ("没有" in answer.json["error"]) == (language == "zh")


def test_an_old_version_is_409(ada_calls):
    ada_calls.make(name="Backup")
    ada_calls.put("/api/scheduler/tasks/backup", {"description": "new"})
    refused(ada_calls.put("/api/scheduler/tasks/backup", {"description": "newer"}, headers={"If-Match": '"1"'}), 409)


def test_a_secret_is_answered_masked_and_sent_back_stays(ada_calls):
    auth = {"type": "basic", "username": "ada", "password": "swordfish"}
    body = {"name": "Call", "schedule": "0 2 * * *", "type": "http", "url": "https://example.com/", "auth": auth}
    made = ada_calls.post("/api/scheduler/tasks", body).json
    assert "swordfish" not in json.dumps(made)
    kept = ada_calls.put("/api/scheduler/tasks/call", {"auth": made["auth"], "description": "new"})
    assert kept.json["auth"] == made["auth"]
    assert "swordfish" not in ada_calls.get("/api/scheduler/tasks?enabled_only=true").get_data(as_text=True)
