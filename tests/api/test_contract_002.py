"""Document 002, call by call: its requests word for word, and in every answer each key it prints, of the type it prints."""

import json
from typing import Any

import pytest
from flask import Flask

from scheduler.database import transaction
from scheduler.runs import lifecycle
from scheduler.runs.folders import workspace_folder
from scheduler.tasks.models import DEFAULT_GROUP, Group
from tests.api.conftest import Program, end, prints

WHOLE = """{
    "name": "数据备份任务",
    "description": "每日数据备份",
    "project_id": 1,
    "schedule_type": "CRON",
    "schedule_config": "0 2 * * *",
    "is_active": true,
    "timeout_seconds": 3600,
    "max_instances": 1,
    "retry_count": 3,
    "priority": 0
}"""
SYNC = """{
    "name": "数据同步任务",
    "project_id": 1,
    "schedule_type": "CRON",
    "schedule_config": "0 */2 * * *",
    "is_active": true
}"""
UPDATE = """{
    "name": "更新后的任务名称",
    "description": "更新后的描述",
    "schedule_config": "0 */4 * * *",
    "is_active": false,
    "timeout_seconds": 7200
}"""
UPDATE_TWO = """{
    "name": "更新的数据同步任务",
    "schedule_config": "0 */4 * * *"
}"""

NUMBER, NULL = (int, float), type(None)
TIME = "time"
ENVELOPE = {"success": bool, "code": int, "message": str}
PAGE = {"total": int, "page": int, "size": int, "items": list}
BRIEF = {"execution_id": str, "status": str, "start_time": TIME, "duration_seconds": NUMBER}
TASK = {
    "id": int, "name": str, "description": (str, NULL), "project_id": int, "schedule_type": str, "schedule_config": str,
    "is_active": bool, "status": str, "timeout_seconds": int, "max_instances": int, "retry_count": int, "priority": int,
    "next_run_time": TIME, "created_at": TIME, "updated_at": TIME,
}  # fmt: skip
SUMMARY = {"total_executions": int, "success_count": int, "failed_count": int, "last_success": TIME, "last_failure": TIME}
EXECUTION = {
    "execution_id": str, "task_id": int, "status": str, "start_time": TIME, "end_time": TIME, "duration_seconds": NUMBER,
    "exit_code": int, "output_summary": str, "error_message": NULL, "log_file_path": str, "error_log_path": str,
    "created_at": TIME,
}  # fmt: skip
DETAIL = EXECUTION | {
    "task_name": str, "workspace_path": str, "resource_usage": {"max_memory_mb": NUMBER, "avg_cpu_percent": NUMBER},
}  # fmt: skip
LOG = {
    "execution_id": str, "log_type": str, "content": list, "file_path": str, "file_size": int, "lines_count": int,
    "last_modified": TIME,
}  # fmt: skip
STATS = {
    "total_executions": int, "success_count": int, "failed_count": int, "success_rate": NUMBER, "average_duration": NUMBER,
    "last_execution": BRIEF, "execution_trends": {"daily_counts": list},
}  # fmt: skip
RUNNING = {
    "task_id": int, "task_name": str, "execution_id": str, "start_time": TIME, "running_time": int, "status": str,
    "progress": {"current_step": (str, NULL), "progress_percent": (int, float, NULL)},
}  # fmt: skip
METRICS = {
    "cpu_percent": NUMBER, "memory_percent": NUMBER, "disk_usage": NUMBER, "active_tasks": int, "scheduler_status": str,
    "queue_status": {"pending_tasks": int, "running_tasks": int, "completed_today": int}, "database_status": str,
    "redis_status": str, "last_updated": TIME,
}  # fmt: skip
CLEANED = {"cleanup_summary": {
    "directories_removed": int, "space_freed_mb": NUMBER, "oldest_removed": TIME, "cleanup_time": TIME,
}}  # fmt: skip


def fits(found: Any, shape: dict[str, Any]) -> None:
    """Every key of `shape` is in `found`, of its type."""
    for name, kind in shape.items():
        assert name in found, name
        value = found[name]
        if isinstance(kind, dict):
            fits(value, kind)
        elif kind == TIME:
            assert len(value) == 20 and value[10] == "T" and value.endswith("Z"), (name, value)
        else:
            assert isinstance(value, kind) and (kind is bool or not isinstance(value, bool)), (name, value)


@pytest.fixture
def client(app: Flask, ada_calls: Program) -> Program:
    """A program that knows nothing but the document; group 1 says what its tasks run."""
    with transaction() as session:
        session.get_one(Group, DEFAULT_GROUP).default_content = {"type": "shell", "command": "sync-data"}
    return ada_calls


@pytest.fixture
def ran(client: Program, app: Flask, instance: Any) -> str:
    """The id of an execution of task 1 that succeeded, after one that failed."""
    client.post("/tasks", json.loads(SYNC))
    client.post("/tasks/1/trigger")
    end(app, 1, 2)
    execution: str = client.post("/tasks/1/trigger").json["data"]["execution_id"]
    prints(instance, 2, "2024-01-01 02:00:01 [INFO] 开始执行数据同步任务\n".encode() * 5)
    end(app, 2, 0, summary="处理了1000条记录，成功同步到数据库", peak_memory_kb=131072, cpu_seconds=7.0)
    return execution


def enveloped(response: Any) -> Any:
    assert response.status_code == 200, response.get_data(as_text=True)
    fits(response.json, ENVELOPE)
    assert (response.json["success"], response.json["code"], list(response.json)) == (True, 200, [*ENVELOPE, "data"])
    return response.json["data"]


@pytest.mark.parametrize("body", [WHOLE, SYNC])
def test_1_it_creates_a_task(client, body):
    sent = json.loads(body)
    made = enveloped(client.post("/tasks", sent))
    fits(made, TASK)
    assert {name: made[name] for name in sent} == sent
    assert (made["id"], made["status"], made["timeout_seconds"], made["max_instances"]) == (1, "PENDING", 3600, 1)


def test_1_it_answers_in_the_documents_words(client):
    answer = client.post("/tasks", json.loads(SYNC), headers={"Accept-Language": "zh-CN"}).json
    assert answer["data"]["description"] is None and answer["data"]["retry_count"] == answer["data"]["priority"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("POST", "/tasks", SYNC, "任务创建成功"),
        ("GET", "/tasks/1", "", "获取成功"),
        ("PUT", "/tasks/1", UPDATE, "任务更新成功"),
        ("DELETE", "/tasks/1", "", "任务删除成功"),
        ("POST", "/tasks/1/pause", "", "任务已暂停"),
        ("POST", "/tasks/1/resume", "", "任务已恢复"),
        ("POST", "/tasks/1/trigger", "", "任务已触发"),
        ("GET", "/metrics", "", "获取成功"),
        ("POST", "/cleanup-workspaces?max_age_hours=48", "", "清理完成，已删除超过 48 小时的工作目录"),
    ],
)
def test_its_messages_are_the_documents(client, method, path, body, said):
    if path != "/tasks":
        client.post("/tasks", json.loads(SYNC))
    answer = client.send(method, path, json.loads(body) if body else None, headers={"Accept-Language": "zh-CN"})
    assert answer.json["message"].rstrip("。") == said


def test_2_it_lists_tasks(client, ran):
    found = client.get("/tasks?page=1&size=10&is_active=true").json
    fits(found, PAGE)
    assert list(found) == list(PAGE) and (found["total"], found["page"], found["size"]) == (1, 1, 10)
    (item,) = found["items"]
    fits(item, TASK | {"last_execution": BRIEF})
    assert item["last_execution"]["execution_id"] == ran


def test_3_it_shows_a_task(client, ran):
    found = enveloped(client.get("/tasks/1"))
    fits(found, TASK | {"project_name": str, "execution_summary": SUMMARY})
    assert (found["execution_summary"]["success_count"], found["execution_summary"]["failed_count"]) == (1, 1)


@pytest.mark.parametrize("body", [UPDATE, UPDATE_TWO])
def test_4_it_updates_a_task(client, body):
    client.post("/tasks", json.loads(SYNC))
    found = enveloped(client.put("/tasks/1", json.loads(body)))
    fits(found, {"id": int, "name": str, "schedule_config": str, "updated_at": TIME})
    assert {name: found[name] for name in json.loads(body)} == json.loads(body)


def test_5_it_deletes_a_task(client):
    client.post("/tasks", json.loads(SYNC))
    assert enveloped(client.delete("/tasks/1")) is None and client.get("/tasks/1").status_code == 404


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_6_and_7_it_pauses_and_resumes(client, verb):
    client.post("/tasks", json.loads(SYNC))
    assert enveloped(client.post(f"/tasks/1/{verb}")) is None
    assert client.data("/tasks/1")["is_active"] is (verb == "resume")


def test_8_it_triggers_a_task_and_leaves_its_schedule_alone(client):
    due = client.post("/tasks", json.loads(SYNC)).json["data"]["next_run_time"]
    assert enveloped(client.post("/tasks/1/trigger"))["execution_id"].startswith("exec-")
    assert client.data("/tasks/1")["next_run_time"] == due


def test_9_it_shows_a_tasks_history(client, ran):
    found = client.get("/tasks/1/executions?page=1&size=10&status=SUCCESS").json
    fits(found, PAGE)
    (item,) = found["items"]
    fits(item, EXECUTION)
    assert (item["execution_id"], item["task_id"], item["duration_seconds"]) == (ran, 1, 45)


def test_10_it_shows_an_execution(client, ran):
    fits(enveloped(client.get(f"/executions/{ran}")), DETAIL)


def test_11_it_shows_a_log(client, ran):
    found = enveloped(client.get(f"/executions/{ran}/logs/file?log_type=output&lines=100"))
    fits(found, LOG)
    assert found["content"] == ["2024-01-01 02:00:01 [INFO] 开始执行数据同步任务"] * 5 and found["lines_count"] == 5


def test_12_it_counts(client, ran):
    found = enveloped(client.get("/tasks/1/stats"))
    fits(found, STATS)
    assert found["execution_trends"]["daily_counts"] == [{"date": "2026-03-02", "success": 1, "failed": 1}]
    assert (found["total_executions"], found["success_rate"], found["average_duration"]) == (2, 0.5, 45.0)


def test_13_it_measures_itself(client, ran):
    client.post("/tasks/1/trigger")
    found = enveloped(client.get("/metrics"))
    fits(found, METRICS)
    assert found["queue_status"] == {"pending_tasks": 1, "running_tasks": 0, "completed_today": 2}
    assert found["database_status"] == "HEALTHY" and 0 < found["memory_percent"] < 100


def test_14_it_shows_what_is_running(client, app):
    client.post("/tasks", json.loads(SYNC))
    client.post("/tasks/1/trigger")
    with app.app_context():
        lifecycle.claim([1])
    (found,) = enveloped(client.get("/running"))
    fits(found, RUNNING)
    assert found["status"] == client.data("/tasks/1")["status"] == "RUNNING"


def test_15_it_cleans_workspaces(ran, program, instance, clock):
    for run in (1, 2):
        (workspace_folder(instance, run)).mkdir(parents=True)
    (workspace_folder(instance, 1) / "data").write_bytes(b"x" * (1 << 20))
    clock.move(hours=49)
    answer = program("ada").post("/cleanup-workspaces?max_age_hours=48", headers={"Accept-Language": "en"})
    assert "48 hours" in answer.json["message"]
    found = enveloped(answer)
    fits(found, CLEANED)
    assert (found["cleanup_summary"]["directories_removed"], found["cleanup_summary"]["space_freed_mb"]) == (2, 1.0)
    assert not any(workspace_folder(instance, run).exists() for run in (1, 2))


@pytest.mark.parametrize(
    ("kind", "config"),
    [("ONCE", "2027-01-01T15:30:00Z"), ("DATE", "2027-01-01T15:30:00Z"), ("INTERVAL", "3600"), ("CRON", "30 9 * * 1-5")],
)
def test_it_takes_the_documents_four_kinds_of_schedule(client, kind, config):
    made = client.post("/tasks", json.loads(SYNC) | {"schedule_type": kind, "schedule_config": config}).json["data"]
    assert (made["schedule_type"], made["schedule_config"]) == (kind, config)


def test_it_says_what_is_wrong_as_the_document_does(client):
    refused = client.post("/tasks", json.loads(SYNC) | {"schedule_config": "0 25 * * *"})
    fits(refused.json, {"success": bool, "code": int, "message": str, "errors": list, "timestamp": TIME})
    assert (refused.status_code, refused.json["code"], refused.json["success"]) == (400, 400, False)
    assert [error["field"] for error in refused.json["errors"]] == ["schedule_config"]
    again = client.post("/tasks", json.loads(SYNC) | {"schedule_config": "0 25 * * *"}, headers={"Accept-Language": "zh"})
    assert again.json["message"] == "调度配置无效"


def test_it_keeps_the_documents_statuses_of_errors(client, anybody, program):
    client.post("/tasks", json.loads(SYNC))
    assert anybody.get("/tasks").status_code == 401
    assert program("victor").delete("/tasks/1").status_code == 403
    assert client.get("/tasks/9").status_code == client.get("/executions/exec-9").status_code == 404
    assert client.post("/tasks", json.loads(SYNC)).status_code == 409
