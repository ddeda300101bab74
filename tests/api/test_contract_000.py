"""Document 000, call by call: its requests word for word, and in every answer each key it prints, of the type it prints."""

import json

import pytest

from tests.api.conftest import end, prints
from tests.api.contract import NULL, NUMBER, TIME, fits, got, send

CREATE = """POST /api/scheduler/tasks
Content-Type: application/json

{
  "name": "Daily Backup",
  "description": "Daily database backup",
  "group": "backup",
  "type": "shell",
  "command": "/usr/bin/backup.sh",
  "schedule": {
    "type": "daily",
    "time": "02:00"
  },
  "enabled": true
}"""
UPDATE = """PUT /api/scheduler/tasks/{task_id}
Content-Type: application/json

{
  "command": "/usr/bin/backup.sh",
  "schedule": {
    "type": "daily",
    "time": "03:00"
  }
}"""
FROM_TEMPLATE = """POST /api/scheduler/tasks/from-template
Content-Type: application/json

{
  "template_id": "template-001",
  "name": "My Backup Task",
  "params": {
    "database": "mydb",
    "backup_path": "/backup"
  }
}"""
ITEM = {
    "id": str, "name": str, "group": str, "status": str, "schedule": str, "next_run": TIME, "last_run": TIME, "last_status": str,
}  # fmt: skip
EXECUTION = {
    "id": str, "task_id": str, "status": str, "started_at": TIME, "finished_at": TIME, "duration": NUMBER, "output": str,
}  # fmt: skip
STATS = {
    "total_executions": int, "success": int, "failed": int, "success_rate": NUMBER, "avg_duration": NUMBER,
    "total_duration": NUMBER,
}  # fmt: skip


@pytest.fixture
def task(ada_calls):
    """The key of the document's task."""
    return got(ada_calls, CREATE)["id"]


@pytest.fixture
def ran(ada_calls, app, instance, task):
    """The id of an execution of it that succeeded, after one that failed."""
    send(ada_calls, "POST /api/scheduler/tasks/{task_id}/run", task_id=task)
    end(app, 1, 2)
    execution = got(ada_calls, "POST /api/scheduler/tasks/{task_id}/run", task_id=task)["execution_id"]
    prints(instance, 2, b"2024-01-01 02:00:00 INFO Task started\ncopied 3 files\n")
    end(app, 2, 0, seconds=300.0)
    return execution


def test_it_creates_a_task(ada_calls):
    made = got(ada_calls, CREATE)
    fits(made, {"id": str, "name": str, "schedule": str, "next_run": TIME})
    assert (made["id"], made["name"], made["schedule"]) == ("daily-backup", "Daily Backup", "0 2 * * *")
    assert (made["group"], made["description"], made["command"]) == ("backup", "Daily database backup", "/usr/bin/backup.sh")


def test_it_lists_tasks(ada_calls, ran):
    found = got(ada_calls, "GET /api/scheduler/tasks?group=backup&status=active&page=1&limit=20")
    assert (found["total"], found["page"], found["limit"]) == (1, 1, 20)
    (item,) = found["tasks"]
    fits(item, ITEM)
    assert (item["group"], item["status"], item["last_status"]) == ("backup", "active", "success")


def test_it_lists_none_of_another_group_and_none_that_rests(ada_calls, task):
    assert got(ada_calls, "GET /api/scheduler/tasks?group=other")["total"] == 0
    assert got(ada_calls, "GET /api/scheduler/tasks?status=inactive")["total"] == 0


def test_it_updates_a_task(ada_calls, task):
    found = got(ada_calls, UPDATE, task_id=task)
    assert (found["id"], found["schedule"], found["enabled"]) == (task, "0 3 * * *", True)


def test_it_deletes_a_task(ada_calls, task):
    assert got(ada_calls, "DELETE /api/scheduler/tasks/{task_id}", task_id=task)["deleted"] is True
    assert ada_calls.get(f"/api/scheduler/tasks/{task}").status_code == 404


@pytest.mark.parametrize(("verb", "status"), [("enable", "active"), ("disable", "inactive")])
def test_it_enables_and_disables(ada_calls, task, verb, status):
    got(ada_calls, "POST /api/scheduler/tasks/{task_id}/" + verb, task_id=task)
    assert got(ada_calls, "GET /api/scheduler/tasks/{task_id}", task_id=task)["status"] == status


def test_it_runs_a_task_now(ada_calls, task):
    fits(got(ada_calls, "POST /api/scheduler/tasks/{task_id}/run", task_id=task), {"execution_id": str, "status": str})


def test_it_shows_a_tasks_history(ada_calls, task, ran):
    found = got(ada_calls, "GET /api/scheduler/tasks/{task_id}/executions?page=1&limit=20", task_id=task)
    assert found["total"] == 2
    fits(found["executions"][0], EXECUTION)
    assert [one["status"] for one in found["executions"]] == ["success", "failed"]
    assert [one["failure_kind"] for one in found["executions"]] == [None, "technical_failure"]


def test_it_shows_an_execution(ada_calls, task, ran):
    found = got(ada_calls, "GET /api/scheduler/executions/{execution_id}", execution_id=ran)
    fits(found, EXECUTION | {"error": NULL, "exit_code": int})
    assert (found["id"], found["task_id"], found["duration"]) == (ran, task, 300)
    assert found["output"].endswith("copied 3 files")


def test_it_shows_a_log(ada_calls, ran):
    found = got(ada_calls, "GET /api/scheduler/executions/{execution_id}/logs", execution_id=ran)["logs"]
    fits(found[0], {"timestamp": TIME, "level": str, "message": str})
    assert [line["level"] for line in found] == ["INFO", "INFO"] and found[1]["message"] == "copied 3 files"


@pytest.mark.parametrize(
    ("span", "counts"),
    [
        ("?start_date=2026-03-01&end_date=2026-03-31", (2, 1, 1)),
        ("?start_date=2024-01-01&end_date=2024-01-31", (0, 0, 0)),
        ("", (2, 1, 1)),
    ],
)
def test_it_counts_a_tasks_executions(ada_calls, task, ran, span, counts):
    found = got(ada_calls, "GET /api/scheduler/tasks/{task_id}/stats" + span, task_id=task)
    fits(found, STATS)
    assert (found["total_executions"], found["success"], found["failed"]) == counts
    assert found["success_rate"] == (50.0 if counts[0] else 0)


def test_it_counts_everything(ada_calls, ran):
    found = got(ada_calls, "GET /api/scheduler/stats")
    fits(found, {"total_tasks": int, "active_tasks": int, "total_executions": int, "success_rate": NUMBER, "by_status": dict})
    assert (found["total_tasks"], found["total_executions"], found["by_status"]) == (1, 2, {"success": 1, "failed": 1})


def test_it_lists_templates(ada_calls):
    found = got(ada_calls, "GET /api/scheduler/templates")["templates"]
    for template in found:
        fits(template, {"id": str, "name": str, "category": str, "description": str})
    assert {"backup", "cleanup", "monitoring"} <= {template["category"] for template in found}


def test_it_makes_a_task_of_a_template(ada_calls):
    made = got(ada_calls, FROM_TEMPLATE)
    fits(made, {"id": str, "name": str, "schedule": str, "next_run": TIME})
    assert (made["name"], made["params"]) == ("My Backup Task", {"database": "mydb", "backup_path": "/backup"})


@pytest.mark.parametrize(
    ("schedule", "shown"),
    [
        ({"type": "interval", "interval": 30, "unit": "minutes"}, "@every 30m"),
        ({"type": "interval", "every": 2, "unit": "hours"}, "@every 2h"),
        ({"type": "daily", "times": ["02:00", "14:30"]}, "0 2 * * *; 30 14 * * *"),
        ({"type": "weekly", "weekdays": [1, 5], "time": "03:00"}, "0 3 * * 1,5"),
        ({"type": "monthly", "days": [1, "last"], "time": "03:00"}, "0 3 1,L * *"),
        ({"type": "cron", "cron": "*/5 * * * *"}, "*/5 * * * *"),
        ({"cron": "*/5 * * * *", "timezone": "Europe/Berlin", "max_runs": 3}, "*/5 * * * *"),
        ({"type": "daily", "time": "02:00", "start": "2026-04-01T00:00:00Z", "end": "2027-04-01T00:00:00Z"}, "0 2 * * *"),
        ("0 2 * * *", "0 2 * * *"),
        ({"type": "once", "at": "2027-01-01T02:00"}, "@at 2027-01-01T02:00"),
    ],
)
def test_it_reads_every_schedule_the_document_speaks_of(ada_calls, schedule, shown):
    body = {"name": "Backup", "type": "shell", "command": "true", "schedule": schedule}
    made = ada_calls.post("/api/scheduler/tasks", body)
    assert (made.status_code, made.json["schedule"]) == (200, shown), made.json
    if isinstance(schedule, dict):
        assert made.json["timezone"] == schedule.get("timezone", "Asia/Shanghai")
        assert made.json["max_runs"] == schedule.get("max_runs")


def test_it_takes_everything_a_task_has_besides(ada_calls):
    body = json.loads(CREATE.partition("\n\n")[2])
    more = {"tags": ["night"], "env": {"A": "b"}, "params": {"c": "d"}, "timeout_seconds": 60, "retry_count": 2, "priority": 1}
    made = ada_calls.post("/api/scheduler/tasks", body | more).json
    assert {name: made[name] for name in more} == more
