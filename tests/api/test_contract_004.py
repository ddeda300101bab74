"""Document 004, call by call: its requests word for word, and in every answer each key it prints, of the type it prints."""

import pytest

from scheduler.runs import lifecycle
from tests.api.conftest import end
from tests.api.contract import NULL, NUMBER, TIME, fits, got, send

CREATE = """POST /api/scheduler/tasks
Content-Type: application/json

{
  "task_name": "每周清理",
  "schedule_type": "weekly",
  "schedule_config": {
    "day_of_week": 0,
    "time": "03:00:00"
  },
  "action_type": "cleanup",
  "action_config": {
    "retention_days": 30
  },
  "enabled": true
}"""
UPDATE = """PUT /api/scheduler/tasks/{task_id}
Content-Type: application/json

{
  "schedule_config": {
    "time": "04:00:00"
  },
  "enabled": false
}"""
TASK = {
    "id": int, "task_name": str, "description": str, "status": str, "enabled": bool, "schedule_type": str,
    "schedule_config": dict, "action_type": str, "action_config": dict, "next_run_time": TIME, "last_run_time": (str, NULL),
    "last_success_time": (str, NULL), "last_failure_time": (str, NULL), "total_runs": int, "success_runs": int,
    "failure_runs": int, "average_duration": NUMBER,
}  # fmt: skip
LOG = {
    "execution_id": str, "started_at": TIME, "completed_at": TIME, "duration": NUMBER, "status": str, "error_message": NULL,
    "result": dict,
}  # fmt: skip


@pytest.fixture
def task(ada_calls):
    """The number of the document's task."""
    return got(ada_calls, CREATE)["id"]


def test_it_creates_a_task(ada_calls):
    made = got(ada_calls, CREATE)
    fits(made, TASK)
    assert (made["schedule_type"], made["schedule_config"]) == ("weekly", {"day_of_week": 0, "time": "03:00:00"})
    assert (made["action_type"], made["action_config"], made["status"]) == ("cleanup", {"retention_days": 30}, "active")


@pytest.mark.parametrize(("only", "count"), [("false", 2), ("true", 1)])
def test_it_lists_tasks_as_an_array(ada_calls, task, only, count):
    ada_calls.post("/api/scheduler/tasks", {"task_name": "rests", "schedule_type": "manual", "enabled": False, "command": "true"})
    found = got(ada_calls, f"GET /api/scheduler/tasks?enabled_only={only}")
    assert isinstance(found, list) and len(found) == count
    fits(next(one for one in found if one["id"] == task), TASK)


def test_it_shows_a_task_by_its_number(ada_calls, task):
    fits(got(ada_calls, "GET /api/scheduler/tasks/{task_id}", task_id=task), TASK)


def test_part_of_a_schedule_is_merged_into_it(ada_calls, task):
    found = got(ada_calls, UPDATE, task_id=task)
    assert found["schedule_config"] == {"day_of_week": 0, "time": "04:00:00"}
    assert (found["enabled"], found["status"], found["next_run_time"]) == (False, "inactive", None)


def test_another_kind_of_schedule_takes_nothing_over(ada_calls, task):
    change = {"schedule_type": "monthly", "schedule_config": {"day_of_month": 1}}
    refused = ada_calls.put(f"/api/scheduler/tasks/{task}", change)
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (400, "schedule_config")


def test_it_deletes_a_task(ada_calls, task):
    assert got(ada_calls, "DELETE /api/scheduler/tasks/{task_id}", task_id=task) == {"id": task, "deleted": True}
    assert send(ada_calls, "GET /api/scheduler/tasks/{task_id}", task_id=task).status_code == 404


def test_it_runs_and_stops(ada_calls, task):
    begun = got(ada_calls, "POST /api/scheduler/tasks/{task_id}/run", task_id=task)
    fits(begun, {"execution_id": str, "status": str})
    assert got(ada_calls, "POST /api/scheduler/tasks/{task_id}/stop", task_id=task)["execution_ids"] == [begun["execution_id"]]


@pytest.mark.parametrize(("verb", "enabled"), [("enable", True), ("disable", False)])
def test_it_enables_and_disables(ada_calls, task, verb, enabled):
    found = got(ada_calls, "POST /api/scheduler/tasks/{task_id}/" + verb, task_id=task)
    fits(found, {"id": int, "task_name": str, "enabled": bool})
    assert found["enabled"] is enabled


def test_it_shows_the_log_of_a_tasks_executions(ada_calls, app, task):
    got(ada_calls, "POST /api/scheduler/tasks/{task_id}/run", task_id=task)
    end(app, 1, 0, seconds=1800.0)
    found = got(ada_calls, "GET /api/scheduler/tasks/{task_id}/logs?limit=100&offset=0", task_id=task)
    assert (found["total"], found["limit"], found["offset"]) == (1, 100, 0)
    fits(found["logs"][0], LOG)
    assert (found["logs"][0]["status"], found["logs"][0]["duration"]) == ("success", 1800)
    assert got(ada_calls, "GET /api/scheduler/tasks/{task_id}/logs?limit=10", task_id=task)["limit"] == 10


def test_it_shows_the_schedulers_status(ada_calls, task):
    found = got(ada_calls, "GET /api/scheduler/status")
    fits(found, {"running": bool, "total_tasks": int, "enabled_tasks": int, "running_executions": int})
    assert (found["total_tasks"], found["enabled_tasks"], found["running_executions"]) == (1, 1, 0)


def test_it_counts_what_ran(ada_calls, app, task):
    for run, code in ((1, 0), (2, 2)):
        got(ada_calls, "POST /api/scheduler/tasks/{task_id}/run", task_id=task)
        end(app, run, code, seconds=40.0)
    found = got(ada_calls, "GET /api/scheduler/tasks/{task_id}", task_id=task)
    assert (found["total_runs"], found["success_runs"], found["failure_runs"], found["average_duration"]) == (2, 1, 1, 40)
    assert found["last_run_time"] and found["last_success_time"] and found["last_failure_time"]
    assert (found["status"], found["current_status"]) == ("error", "failed")


def test_a_task_that_runs_says_so(ada_calls, app, task):
    send(ada_calls, "POST /api/scheduler/tasks/{task_id}/run", task_id=task)
    with app.app_context():
        lifecycle.claim([1])
    found = got(ada_calls, "GET /api/scheduler/tasks/{task_id}", task_id=task)
    assert found["status"] == found["current_status"] == "running"
    assert got(ada_calls, "GET /api/scheduler/status")["running_executions"] == 1


@pytest.mark.parametrize(
    ("kind", "config", "action", "told"),
    [
        ("daily", {"time": "02:00:00"}, "backup",
         {"source_paths": ["/data"], "task_type": "full", "compression_enabled": True}),
        ("interval", {"interval": 30, "unit": "minutes"}, "health_check", {}),
        ("once", {"datetime": "2027-12-25 14:30:00"}, "cleanup", {"retention_days": 90}),
        ("cron", {"cron": "0 2,14 * * *"}, "backup", {"source_paths": ["/data"], "task_type": "incremental"}),
        ("monthly", {"day_of_month": 1, "time": "02:00:00"}, "retention_check", {}),
        ("yearly", {"month": 1, "day": 1, "time": "02:00:00"}, "recovery", {"target": "/data"}),
        ("weekly", {"day_of_week": 0, "time": "02:00:00"}, "custom", {"type": "shell", "command": "echo done", "shell": "bash"}),
    ],
)  # fmt: skip
def test_it_takes_the_seven_kinds_of_schedule_and_the_six_actions(ada_calls, kind, config, action, told):
    body = {"task_name": "每日完整备份", "schedule_type": kind, "schedule_config": config}
    made = ada_calls.post("/api/scheduler/tasks", body | {"action_type": action, "action_config": told}).json
    assert made["schedule_type"] == kind and config.items() <= made["schedule_config"].items()
    assert (made["action_type"], made["action_config"]) == (action, told)


def test_enumerations_may_come_in_capitals(ada_calls):
    body = {"task_name": "系统健康检查", "schedule_type": "DAILY", "schedule_config": {"time": "02:00:00"}}
    made = ada_calls.post("/api/scheduler/tasks", body | {"action_type": "HEALTH_CHECK", "action_config": {}}).json
    assert (made["schedule_type"], made["action_type"]) == ("daily", "health_check")


def test_what_is_shown_can_be_sent_back(ada_calls, task):
    shown = got(ada_calls, "GET /api/scheduler/tasks/{task_id}", task_id=task)
    sent = {name: shown[name] for name in ("task_name", "schedule_type", "schedule_config", "action_type", "action_config")}
    back = ada_calls.put(f"/api/scheduler/tasks/{task}", sent).json
    assert {name: back[name] for name in sent} == sent


def test_a_task_stopped_is_paused_in_its_words(ada_calls, task):
    send(ada_calls, "POST /api/scheduler/tasks/{task_id}/run", task_id=task)
    send(ada_calls, "POST /api/scheduler/tasks/{task_id}/stop", task_id=task)
    assert got(ada_calls, "GET /api/scheduler/tasks/{task_id}", task_id=task)["status"] == "paused"
