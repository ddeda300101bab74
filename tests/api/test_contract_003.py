"""What document 003 asks of the API: `current_status`, the history, dependencies, two kinds of failure, rules to tell people."""

import pytest

from scheduler.database import db
from scheduler.runs import lifecycle
from scheduler.tasks.models import Task
from tests.api.conftest import end
from tests.api.contract import fits, got, send

TASK = {"task_name": "登录", "schedule_type": "cron", "schedule_config": {"cron": "0 2 * * *"}, "type": "shell", "command": "x"}
CHANNEL = {
    "type": "email",
    "recipients": ["admin@example.com", "dev-on-call@example.com"],
    "subject_template": "任务告警: {{task_name}} 执行失败!",
    "body_template": "任务 [{{task_id}}] 在 {{execution_end_time}} 执行失败。\n状态: {{execution_status}}",
}
RULE = {
    "name": "技术失败时立即告警给管理员",
    "enabled": True,
    "triggers": ["technical_failure"],
    "threshold": 3,
    "channels": [CHANNEL],
}


@pytest.fixture
def task(ada_calls):
    """The number of a task."""
    return ada_calls.post("/api/scheduler/tasks", TASK).json["id"]


def status(caller):
    """`current_status` of the only task, in the list as 004 and as 000 show it."""
    (one,) = got(caller, "GET /api/scheduler/tasks?enabled_only=false")
    (other,) = got(caller, "GET /api/scheduler/tasks")["tasks"]
    assert one["current_status"] == other["current_status"]
    return one["current_status"]


def test_1_a_task_that_never_ran_is_idle(ada_calls, task):
    assert status(ada_calls) == "idle"


def test_1_a_task_is_queued_then_running_then_what_became_of_it(ada_calls, app, task):
    send(ada_calls, "POST /api/scheduler/tasks/{task_id}/run", task_id=task)
    assert status(ada_calls) == "queued"
    with app.app_context():
        lifecycle.claim([1])
    assert status(ada_calls) == "running"


@pytest.mark.parametrize(
    ("code", "shown", "kind"), [(0, "success", None), (1, "failed", "business_failure"), (2, "failed", "technical_failure")]
)
def test_1_and_7_the_last_end_is_its_status_and_the_exit_code_its_kind(ada_calls, app, task, code, shown, kind):
    send(ada_calls, "POST /api/scheduler/tasks/{task_id}/run", task_id=task)
    end(app, 1, code)
    assert status(ada_calls) == shown
    (one,) = got(ada_calls, "GET /api/scheduler/tasks/{task_id}/history", task_id=task)["executions"]
    assert (one["status"], one["failure_kind"]) == (shown, kind)


@pytest.mark.parametrize(("last", "shown"), [("skipped", "skipped"), ("missed", "skipped"), ("cancelled", "idle")])
def test_4_what_did_not_run_shows(ada_calls, app, task, last, shown):
    db.session.get_one(Task, task).last_status = last
    db.session.commit()
    assert status(ada_calls) == shown


def test_2_the_history_comes_in_pages_and_always_in_the_first_documents_words(ada_calls, app, task):
    for run in (1, 2, 3):
        send(ada_calls, "POST /api/scheduler/tasks/{task_id}/run", task_id=task)
        end(app, run)
    found = got(ada_calls, "GET /api/scheduler/tasks/{task_id}/history?page=2&limit=2", task_id=task)
    assert (found["total"], found["page"], len(found["executions"])) == (3, 2, 1)
    fits(found["executions"][0], {"id": str, "task_id": str, "status": str, "started_at": str, "duration": (int, float)})


def test_3_a_task_waits_for_others_and_a_circle_is_refused(ada_calls, task):
    second = ada_calls.post("/api/scheduler/tasks", TASK | {"task_name": "二", "key": "second", "task_dependencies": [str(task)]})
    assert len(second.json["task_dependencies"]) == 1
    refused = ada_calls.put(f"/api/scheduler/tasks/{task}", {"task_dependencies": ["second"]})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (400, "task_dependencies")


def test_9_rules_are_kept_as_they_were_sent(ada_calls, task):
    shown = ada_calls.put(f"/api/scheduler/tasks/{task}", {"task_notify": [RULE]}).json
    assert shown["task_notify"] == [RULE]
    key = ada_calls.data(f"/tasks/{task}")["key"]
    assert got(ada_calls, "GET /api/tasks/{key}", key=key)["task_notify"] == [RULE]


def test_9_another_change_leaves_the_rules_alone(ada_calls, task):
    ada_calls.put(f"/api/scheduler/tasks/{task}", {"task_notify": [RULE]})
    shown = ada_calls.put(f"/api/scheduler/tasks/{task}", {"metadata": {"room": 7}, "description": "new"}).json
    assert (shown["task_notify"], shown["description"]) == ([RULE], "new")
    key = ada_calls.data(f"/tasks/{task}")["key"]
    assert got(ada_calls, "GET /api/scheduler/tasks/{key}", key=key)["metadata"] == {"room": 7}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"triggers": ["explosion"]}, "0.triggers.0"),
        ({"threshold": 0}, "0.threshold"),
        ({"threshold": "3"}, "0.threshold"),
        ({"channels": [{"recipients": []}]}, "0.channels.0.type"),
        ({"when": "now"}, "0.when"),
        ({"enabled": 1}, "0.enabled"),
    ],
)
def test_9_a_wrong_rule_is_named(ada_calls, task, wrong, field):
    refused = ada_calls.put(f"/api/scheduler/tasks/{task}", {"task_notify": [RULE | wrong]})
    assert (refused.status_code, [error["field"] for error in refused.json["errors"]]) == (400, [f"task_notify.{field}"])


def test_9_a_task_without_rules_has_a_list_without_rules(ada_calls):
    task = ada_calls.make()["id"]
    assert ada_calls.data(f"/tasks/{task}")["notify"] == []
    assert got(ada_calls, f"GET /api/scheduler/tasks/{task}")["task_notify"] == []
