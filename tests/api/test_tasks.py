"""Tasks over the API: what is asked is what is saved, what is saved is what is shown."""

import pytest

from scheduler.database import transaction
from scheduler.runs import lifecycle
from scheduler.tasks.models import Task
from tests.api.conftest import BACKUP, end, fields


def test_it_saves_what_it_is_sent_and_shows_it(ada_calls):
    sent = {"timezone": "Europe/Berlin", "tags": ["night"], "params": {"depth": "3"}, "env": {"A": "b"}, "retry_count": 2,
            "overlap_policy": "queue", "limits": {"memory_mb": 64}, "metadata": {"team": ["a", 1]}, "private": True}  # fmt: skip
    made = ada_calls.make(**sent)
    shown = ada_calls.data(f"/tasks/{made['id']}")
    expected = sent | {"limits": shown["limits"] | {"memory_mb": 64}}
    assert {name: shown[name] for name in sent} == expected
    assert (shown["owner"], shown["type"], shown["command"]) == ("ada", "shell", "echo hello")


def test_it_finds_a_task_by_number_and_by_key(ada_calls):
    made = ada_calls.make()
    assert ada_calls.data("/tasks/backup") == ada_calls.data(f"/tasks/{made['id']}")


@pytest.mark.parametrize(
    ("kind", "config", "shown"),
    [
        ("CRON", "0 2 * * *", "0 2 * * *"),
        ("cron", {"cron": "0 2 * * *"}, "0 2 * * *"),
        ("INTERVAL", "3600", "3600"),
        ("interval", {"every": 2, "unit": "hours"}, "7200"),
        ("DATE", "2027-01-01T15:30:00Z", "2027-01-01T15:30:00Z"),
        ("ONCE", "2027-01-01T15:30:00", "2027-01-01T15:30:00"),
        ("Daily", {"time": "02:00"}, {"times": ["02:00"]}),
        ("weekly", {"day_of_week": 0, "time": "03:00:00"}, {"days": ["mon"], "times": ["03:00"]}),
        ("MANUAL", None, {}),
    ],
)
def test_it_takes_every_spelling_of_a_schedule_and_answers_with_the_kind_it_was_given(ada_calls, kind, config, shown):
    made = ada_calls.make(schedule_type=kind, schedule_config=config)
    assert (made["schedule_type"], made["schedule_config"]) == (kind.upper(), shown)
    assert ada_calls.data("/tasks/1")["schedule_type"] == kind.upper()


def test_it_keeps_the_word_for_a_schedule_when_something_else_changes(ada_calls):
    ada_calls.make(schedule_type="DATE", schedule_config="2027-01-01T15:30:00Z")
    assert ada_calls.put("/tasks/1", {"description": "x"}).json["data"]["schedule_type"] == "DATE"
    assert (
        ada_calls.put("/tasks/1", {"schedule_type": "ONCE", "schedule_config": "2027-01-01T15:30:00Z"}).json["data"][
            "schedule_type"
        ]
        == "ONCE"
    )


def test_it_changes_only_what_is_named(ada_calls):
    before = ada_calls.make(tags=["a"])
    after = ada_calls.put("/tasks/1", {"schedule_config": "0 */4 * * *"}).json["data"]
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"schedule_config", "next_run_time", "version"}


def test_it_needs_a_new_configuration_for_another_kind_of_schedule(ada_calls):
    ada_calls.make()
    refused = ada_calls.put("/tasks/1", {"schedule_type": "daily"})
    assert (refused.status_code, fields(refused)) == (400, ["schedule_config"])
    assert ada_calls.put("/tasks/1", {"schedule_type": "manual"}).json["data"]["next_run_time"] is None


def test_it_refuses_a_change_made_against_an_old_version(ada_calls):
    ada_calls.make()
    assert ada_calls.put("/tasks/1", {"description": "one", "version": 1}).json["data"]["version"] == 2
    late = ada_calls.put("/tasks/1", {"description": "two", "version": 1})
    assert (late.status_code, fields(late)) == (409, ["version"])
    assert ada_calls.data("/tasks/1")["description"] == "one"


def test_it_takes_the_version_from_if_match(ada_calls):
    ada_calls.make()
    tag = ada_calls.get("/tasks/1").headers["ETag"]
    assert ada_calls.put("/tasks/1", {"description": "one"}, headers={"If-Match": tag}).status_code == 200
    assert ada_calls.put("/tasks/1", {"description": "two"}, headers={"If-Match": tag}).status_code == 409
    assert ada_calls.put("/tasks/1", {"description": "two"}, headers={"If-Match": "soon"}).status_code == 400


def test_it_takes_null_for_nothing(ada_calls):
    ada_calls.make(description="x", max_runs=5, end_at="2027-01-01T00:00:00Z")
    after = ada_calls.put("/tasks/1", {"description": None, "max_runs": None, "end_at": None}).json["data"]
    assert (after["description"], after["max_runs"], after["end_at"]) == (None, None, None)


def test_it_refuses_a_name_that_is_taken(ada_calls):
    ada_calls.make()
    again = ada_calls.post("/tasks", BACKUP)
    assert (again.status_code, fields(again)) == (409, ["name"])


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"is_active": 0}, "is_active"),
        ({"timeout_seconds": "5"}, "timeout_seconds"),
        ({"timeout_seconds": True}, "timeout_seconds"),
        ({"project_id": 99}, "project_id"),
        ({"project_id": 10**30}, "project_id"),
        ({"group": "nowhere"}, "group"),
        ({"project_id": 1, "group": 1}, "project_id"),
        ({"tags": "a"}, "tags"),
        ({"params": {"depth": 3}}, "params.depth"),
        ({"limits": {"memory_mb": "64"}}, "limits.memory_mb"),
        ({"command": 5}, "command"),
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"schedule_type": None}, "schedule_type"),
        ({"schedule_config": None}, "schedule_config"),
        ({"schedule_config": "0 25 * * *"}, "schedule_config"),
        ({"schedule_type": "SOMETIMES"}, "schedule_type"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"start_at": "9999-12-31T23:59:59", "timezone": "America/New_York"}, "start_at"),
        ({"end_at": "0001-01-01T00:00:00"}, "end_at"),
        ({"start_at": 5}, "start_at"),
        ({"version": 1}, "version"),
        ({"type": "http", "url": "ftp://x", "command": "x"}, "url"),
    ],
)
def test_it_refuses_what_is_wrong_by_its_field(ada_calls, wrong, field):
    refused = ada_calls.post("/tasks", BACKUP | wrong)
    assert (refused.status_code, refused.json["code"]) == (400, 400)
    assert field in fields(refused)


def test_it_names_every_wrong_field_at_once(ada_calls):
    refused = ada_calls.post("/tasks", BACKUP | {"timeout_seconds": 0, "schedule_config": "0 25 * * *", "name": ""})
    assert set(fields(refused)) == {"timeout_seconds", "schedule_config", "name"}


def test_it_runs_what_the_group_runs_or_says_that_nothing_is_to_be_run(ada_calls):
    bare = {name: value for name, value in BACKUP.items() if name not in ("type", "command")}
    assert fields(ada_calls.post("/tasks", bare)) == ["command"]


def test_it_shows_an_http_request_whole_and_its_password_never(ada_calls):
    auth = {"type": "basic", "username": "u", "password": "hunter2-secret"}
    made = ada_calls.make(type="http", url="https://example.org/", auth=auth, expected_status=[204, "300-399"], command=None)
    assert made["method"] == "GET" and made["verify_tls"] is True and made["expected_status"] == [204, "300-399"]
    assert set(made["auth"]) == {"type", "username", "password", "token"}
    assert "hunter2" not in ada_calls.get("/tasks/1").get_data(as_text=True)


def test_it_keeps_a_secret_that_is_sent_back_masked(ada_calls, app):
    auth = {"type": "bearer", "token": "secret-token"}
    made = ada_calls.make(type="http", url="https://example.org/", auth=auth, command=None)
    ada_calls.put("/tasks/1", {"auth": made["auth"], "url": "https://example.org/b"})
    with app.app_context(), transaction() as session:
        assert session.get(Task, 1).content["auth"]["token"].startswith("gAAAA")


def test_it_shows_the_values_of_the_environment_to_editors_only(program, ada_calls):
    ada_calls.make(env={"PLACE": "north"})
    assert program("edith").data("/tasks/1")["env"] == {"PLACE": "north"}
    assert program("oscar").data("/tasks/1")["env"] == {"PLACE": "********"}


def test_it_lists_by_page_and_filter(ada_calls):
    for number in range(5):
        ada_calls.make(name=f"Task {number}", is_active=number % 2 == 0, tags=["odd"] if number % 2 else [])
    first = ada_calls.get("/tasks?page=2&size=2").json
    assert (first["total"], first["page"], first["size"]) == (5, 2, 2)
    assert [item["name"] for item in first["items"]] == ["Task 2", "Task 3"]

    def names(query):
        return [item["name"][-1] for item in ada_calls.get(f"/tasks?{query}").json["items"]]

    assert names("is_active=false") == names("tag=odd") == ["1", "3"]
    assert names("q=task+4") == ["4"] and names("type=http") == [] and names("group=default") == names("group=1") == list("01234")
    assert names("status=RUNNING") == [] and names("status=PENDING") == list("01234") and names("status=FAILED") == []


def test_it_lists_running_tasks_by_their_status(ada_calls, app):
    ada_calls.make()
    ada_calls.make(name="Other")
    ada_calls.run(1)
    with app.app_context():
        lifecycle.claim([1])
    assert [item["status"] for item in ada_calls.get("/tasks?status=RUNNING").json["items"]] == ["RUNNING"]
    assert [item["name"] for item in ada_calls.get("/tasks?status=PENDING").json["items"]] == ["Other"]


def test_it_pauses_and_resumes(ada_calls):
    ada_calls.make()
    assert ada_calls.post("/tasks/1/pause").json == {"success": True, "code": 200, "message": "The task is paused.", "data": None}
    assert ada_calls.data("/tasks/1")["is_active"] is False and ada_calls.data("/tasks/1/next-runs") == {"next_runs": []}
    assert ada_calls.post("/tasks/1/resume", {}).status_code == 200
    assert ada_calls.data("/tasks/1")["next_run_time"] == "2026-03-02T18:00:00Z"


def test_it_triggers_once_for_an_idempotency_key(ada_calls, app):
    ada_calls.make()
    key = {"Idempotency-Key": "order-7"}
    first = ada_calls.post("/tasks/1/trigger", headers=key).json["data"]
    assert ada_calls.post("/tasks/1/trigger", headers=key).json["data"] == first
    assert ada_calls.run() != first["execution_id"]
    assert ada_calls.data(f"/executions/{first['execution_id']}")["cause"] == "api"


def test_it_refuses_a_key_that_cannot_be_kept(ada_calls):
    ada_calls.make()
    assert ada_calls.post("/tasks/1/trigger", headers={"Idempotency-Key": "x" * 81}).status_code == 400


def test_it_stops_a_task_and_says_when_there_is_nothing_to_stop(ada_calls):
    ada_calls.make()
    assert ada_calls.post("/tasks/1/stop").status_code == 409
    execution = ada_calls.run()
    assert ada_calls.post("/tasks/1/stop").json["data"] == {"execution_ids": [execution]}
    assert ada_calls.data(f"/executions/{execution}")["status"] == "CANCELLED"


def test_it_clones_a_task_under_another_name(ada_calls):
    ada_calls.make(tags=["a"])
    copy = ada_calls.post("/tasks/1/clone", {"name": "Backup two"}).json["data"]
    assert (copy["name"], copy["key"], copy["is_active"], copy["tags"]) == ("Backup two", "backup-two", False, ["a"])
    assert ada_calls.post("/tasks/1/clone", {"name": "Backup"}).status_code == 409
    assert fields(ada_calls.post("/tasks/1/clone", {})) == ["name"]


def test_it_brings_a_deleted_task_back(ada_calls):
    ada_calls.make()
    assert ada_calls.post("/tasks/backup/restore").status_code == 409
    assert ada_calls.delete("/tasks/backup").json["data"] is None
    assert ada_calls.get("/tasks/1").status_code == ada_calls.delete("/tasks/1").status_code == 404
    back = ada_calls.post("/tasks/backup/restore").json["data"]
    assert (back["id"], back["is_active"]) == (1, False)


def test_it_tells_the_next_runs_in_the_tasks_zone(ada_calls):
    ada_calls.make(schedule_config="30 2 * * *", timezone="Europe/Berlin")
    runs = ada_calls.data("/tasks/1/next-runs?count=28")["next_runs"]
    assert runs[0] == {"utc": "2026-03-03T01:30:00Z", "local": "2026-03-03T02:30:00+01:00", "note": None}
    moved = [run for run in runs if run["note"]]
    assert [run["local"] for run in moved] == ["2026-03-29T03:00:00+02:00"] and "02:30" in moved[0]["note"]


def test_it_tells_no_more_next_runs_than_the_task_may_have(ada_calls):
    ada_calls.make(max_runs=3)
    assert len(ada_calls.data("/tasks/1/next-runs?count=10")["next_runs"]) == 3


def test_it_tells_how_a_task_stands(ada_calls, app):
    ada_calls.make()
    first, second = ada_calls.run(), ada_calls.run()
    with app.app_context():
        lifecycle.claim([1])
    found = ada_calls.data("/tasks/1/status")
    assert (found["status"], found["running"], found["pending"], found["last_execution"]) == ("RUNNING", [first], [second], None)


def test_it_counts_days_in_utc(program, app, clock):
    program("ada").make()
    for run_id, hours, code in ((1, 0, 0), (2, 11, 0), (3, 2, 1), (4, 24 * 40, 1)):
        clock.move(hours=hours)
        program("ada").run()
        end(app, run_id, code)
    clock.move(days=-39)
    found = program("ada").data("/tasks/1/stats")
    assert (found["total_executions"], found["success_rate"], found["average_duration"]) == (4, 0.5, 45.0)
    assert found["execution_trends"]["daily_counts"][-2:] == [
        {"date": "2026-03-03", "success": 0, "failed": 1},
        {"date": "2026-03-02", "success": 2, "failed": 0},
    ]
