"""Document 001, call by call: its own example of a task, and in every answer each field of its models, of their types."""

import json
import shutil
from pathlib import Path

import pytest

from scheduler.runs import lifecycle
from tests.api.conftest import BACKUP, end, prints
from tests.api.contract import NULL, NUMBER, TIME, fits, got

EXAMPLE = """{
      "task_id": "test-task",
      "task_name": "测试任务",
      "task_desc": "用于测试任务调度引擎的功能",
      "task_exec": "tasks/test_task.py",
      "task_schedule": "*/3 * * * *",
      "task_timeout": 300,
      "task_retry": 3,
      "task_retry_interval": 60,
      "task_enabled": true,
      "task_log": "logs/task_test-task.log",
      "task_env": {
        "TASK_NAME": "测试任务",
        "TASK_DESCRIPTION": "用于测试任务调度引擎的功能",
        "PARAM1": "值1",
        "PARAM2": "值2",
        "PARAM3": "值3",
        "DISPLAY_COLOR": "blue",
        "DISPLAY_STYLE": "bold",
        "DISPLAY_BORDER": "double"
      },
      "task_dependencies": [],
      "task_notify": {
        "on_success": false,
        "on_failure": true,
        "email": "admin@example.com"
      }
    }"""
CREATE = f"POST /api/tasks\nContent-Type: application/json\n\n{EXAMPLE}"
SENT = json.loads(EXAMPLE)
TASK = {
    "task_id": str, "task_name": str, "task_desc": str, "task_exec": str, "task_schedule": str, "task_timeout": int,
    "task_retry": int, "task_retry_interval": int, "task_enabled": bool, "task_log": str, "task_env": dict,
    "task_dependencies": list, "task_notify": dict, "status": str, "next_run": TIME,
}  # fmt: skip
EXECUTION = {
    "task_id": str, "execution_id": str, "start_time": TIME, "end_time": TIME, "status": str, "return_code": int,
    "error_message": (str, NULL), "duration": NUMBER,
}  # fmt: skip
SHIPPED = Path(__file__).parents[2] / "instance" / "tasks" / "test_task.py"


@pytest.fixture(autouse=True)
def shipped(instance):
    """The document's own program, where a fresh installation has it."""
    (instance / "tasks").mkdir(exist_ok=True)
    shutil.copy(SHIPPED, instance / "tasks")


@pytest.fixture
def task(ada_calls):
    """The document's task."""
    return got(ada_calls, CREATE)


@pytest.fixture
def ran(ada_calls, app, instance, task):
    """The id of an execution of it that succeeded, after one that failed."""
    got(ada_calls, "POST /api/tasks/test-task/execute")
    end(app, 1, 1, last_error_line="no such user")
    execution = got(ada_calls, "POST /api/tasks/test-task/execute")["execution_id"]
    prints(instance, 2, b"started\nERROR: no such thing\n")
    end(app, 2, 0, seconds=2.0)
    return execution


def test_it_creates_its_example(ada_calls):
    made = got(ada_calls, CREATE)
    fits(made, TASK)
    assert {name: made[name] for name in SENT} == SENT
    assert (made["status"], made["next_run"]) == ("idle", "2026-03-02T12:03:00Z")


def test_it_needs_no_more_than_a_name_a_program_and_a_schedule(ada_calls):
    made = ada_calls.post("/api/tasks", {name: SENT[name] for name in ("task_name", "task_exec", "task_schedule")}).json
    fits(made, TASK)
    assert (made["task_retry"], made["task_retry_interval"], made["task_enabled"]) == (0, 60, True)
    assert made["task_log"] == f"logs/task_{made['task_id']}.log" and made["task_notify"] == {}


def test_it_lists_tasks(ada_calls, task):
    (found,) = got(ada_calls, "GET /api/tasks")["tasks"]
    fits(found, TASK)
    assert found == task


def test_it_shows_a_task_by_its_key_and_its_number(ada_calls, task):
    assert got(ada_calls, "GET /api/tasks/test-task") == task == got(ada_calls, "GET /api/tasks/1")


def test_it_updates_what_is_named_and_leaves_the_rest(ada_calls, task):
    change = {"task_name": "另一个", "task_schedule": "0 2 * * *", "task_timeout": 60}
    assert ada_calls.put("/api/tasks/test-task", change).json == task | change | {"next_run": "2026-03-02T18:00:00Z"}


def test_a_task_sent_back_whole_stays_as_it_is(ada_calls, task):
    assert ada_calls.put("/api/tasks/test-task", task).json == task


def test_a_task_of_another_kind_sent_back_stays_as_it_is(ada_calls):
    made = ada_calls.make(name="Weekly", schedule_type="WEEKLY", schedule_config={"days": ["mon"], "times": ["02:00", "03:30"]})
    shown = got(ada_calls, "GET /api/tasks/weekly")
    assert (shown["task_exec"], shown["task_schedule"]) == ("", "0 2 * * 1; 30 3 * * 1")
    back = ada_calls.put("/api/tasks/weekly", shown | {"task_desc": "new"})
    assert back.status_code == 200, back.json
    kept = ada_calls.data("/tasks/weekly")
    assert (kept["command"], kept["schedule_config"]) == (made["command"], made["schedule_config"])


def test_it_deletes_a_task(ada_calls, task):
    assert got(ada_calls, "DELETE /api/tasks/test-task") == {"task_id": "test-task", "deleted": True}
    assert ada_calls.get("/api/tasks/test-task").status_code == 404


def test_it_executes_and_stops(ada_calls, task):
    begun = got(ada_calls, "POST /api/tasks/test-task/execute")
    fits(begun, {"execution_id": str, "status": str})
    assert got(ada_calls, "POST /api/tasks/test-task/stop")["execution_ids"] == [begun["execution_id"]]
    assert ada_calls.post("/api/tasks/test-task/stop").status_code == 409


def test_it_shows_the_history(ada_calls, ran):
    found = got(ada_calls, "GET /api/tasks/test-task/executions")
    assert found["total"] == 2
    fits(found["executions"][0], EXECUTION)
    assert [(one["status"], one["return_code"], one["failure_kind"]) for one in found["executions"]] == [
        ("success", 0, None),
        ("failed", 1, "business_failure"),
    ]
    assert [one["error_message"] for one in found["executions"]] == [None, "no such user"]


def test_it_shows_an_execution(ada_calls, ran):
    found = got(ada_calls, f"GET /api/tasks/test-task/executions/{ran}")
    fits(found, EXECUTION)
    assert (found["task_id"], found["execution_id"], found["duration"]) == ("test-task", ran, 2)


def test_an_execution_of_another_task_is_not_there(ada_calls, ran):
    ada_calls.make(name="Other")
    for path in (f"executions/{ran}", f"logs?execution_id={ran}", f"logs/download?execution_id={ran}"):
        assert ada_calls.get(f"/api/tasks/other/{path}").status_code == 404


def test_it_says_how_a_task_stands(ada_calls, app, ran):
    found = got(ada_calls, "GET /api/tasks/test-task/status")
    fits(found, {"task_id": str, "status": str, "running": bool, "last_execution": EXECUTION})
    assert (found["status"], found["running"], found["last_execution"]["execution_id"]) == ("success", False, ran)
    got(ada_calls, "POST /api/tasks/test-task/execute")
    with app.app_context():
        lifecycle.claim([3])
    found = got(ada_calls, "GET /api/tasks/test-task/status")
    assert (found["status"], found["running"]) == ("running", True)


def test_it_says_when_a_task_is_due(ada_calls, task):
    assert got(ada_calls, "GET /api/tasks/test-task/next-run") == {"task_id": "test-task", "next_run": "2026-03-02T12:03:00Z"}
    ada_calls.put("/api/tasks/test-task", {"task_enabled": False})
    assert got(ada_calls, "GET /api/tasks/test-task/next-run")["next_run"] is None


def test_it_shows_the_log_of_the_latest_execution(ada_calls, ran):
    found = got(ada_calls, "GET /api/tasks/test-task/logs")
    assert found["task_id"] == "test-task"
    fits(found["logs"][0], {"timestamp": TIME, "level": str, "stream": str, "message": str})
    assert [(line["level"], line["message"]) for line in found["logs"]] == [
        ("INFO", "started"),
        ("ERROR", "ERROR: no such thing"),
    ]
    assert len(got(ada_calls, "GET /api/tasks/test-task/logs?level=ERROR")["logs"]) == 1
    assert got(ada_calls, f"GET /api/tasks/test-task/logs?execution_id={ran}&q=started")["logs"][0]["message"] == "started"


def test_it_gives_the_log_as_a_file(ada_calls, ran):
    answer = ada_calls.get("/api/tasks/test-task/logs/download")
    assert (answer.mimetype, answer.data) == ("text/plain", b"started\nERROR: no such thing\n")
    assert ran in answer.headers["Content-Disposition"]


def test_before_the_first_execution_there_is_no_log(ada_calls, task):
    assert got(ada_calls, "GET /api/tasks/test-task/logs")["logs"] == []
    assert ada_calls.get("/api/tasks/test-task/logs/download").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"task_exec": "tasks/nothing.py"}, "task_exec"),
        ({"task_exec": "../../etc/passwd"}, "task_exec"),
        ({"task_exec": "/bin/sh"}, "task_exec"),
        ({"task_exec": 5}, "task_exec"),
        ({"task_schedule": "0 25 * * *"}, "task_schedule"),
        ({"task_schedule": {"cron": "* * * * *"}}, "task_schedule"),
        ({"task_schedule": ""}, "task_schedule"),
        ({"task_id": "Über"}, "task_id"),
        ({"task_name": ""}, "task_name"),
        ({"task_timeout": "300"}, "task_timeout"),
        ({"task_timeout": 0}, "task_timeout"),
        ({"task_retry": -1}, "task_retry"),
        ({"task_enabled": "yes"}, "task_enabled"),
        ({"task_env": {"A B": "x"}}, "task_env"),
        ({"task_env": {"A": 1}}, "task_env.A"),
        ({"task_dependencies": ["nothing"]}, "task_dependencies"),
        ({"task_notify": {"on_success": "yes"}}, "task_notify.on_success"),
        ({"task_notify": {"sms": True}}, "task_notify.sms"),
        ({"task_notify": [{"name": "x", "triggers": ["never"]}]}, "task_notify.0.triggers.0"),
        ({"task_log": "a\nb"}, "task_log"),
        ({"name": "x"}, "name"),
        ({"status": "idle"}, "status"),
    ],
)
def test_what_is_wrong_is_named_as_it_was_sent(ada_calls, wrong, field):
    refused = ada_calls.post("/api/tasks", SENT | wrong)
    assert (refused.status_code, [error["field"] for error in refused.json["errors"]]) == (400, [field]), refused.json
    assert set(refused.json) == {"error", "errors"} and refused.json["error"]
    assert got(ada_calls, "GET /api/tasks") == {"tasks": []}


def test_a_second_task_of_the_same_key_is_409(ada_calls, task):
    refused = ada_calls.post("/api/tasks", SENT | {"task_name": "other"})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (409, "task_id")


def test_it_waits_for_what_it_depends_on(ada_calls, task):
    made = ada_calls.post("/api/tasks", SENT | {"task_id": "next", "task_name": "next", "task_dependencies": ["test-task"]})
    assert made.json["task_dependencies"] == ["test-task"]
    refused = ada_calls.put("/api/tasks/test-task", {"task_dependencies": ["next"]})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (400, "task_dependencies")


def test_a_program_can_take_the_place_of_a_command(ada_calls):
    ada_calls.post("/tasks", BACKUP)
    assert ada_calls.put("/api/tasks/backup", {"task_exec": "tasks/test_task.py"}).json["task_exec"] == "tasks/test_task.py"
    assert ada_calls.data("/tasks/backup")["type"] == "program"
