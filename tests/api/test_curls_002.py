"""The curl lines of document 002, word for word: parsed as a shell would, sent, and answered 200."""

import json
import shlex

import pytest

from scheduler.database import transaction
from scheduler.tasks.models import DEFAULT_GROUP, Group
from tests.api.conftest import Program, end, prints

CREATE = """curl -X POST /api/v1/scheduler/tasks \\
  -H "Authorization: Bearer <token>" \\
  -H "Content-Type: application/json" \\
  -d '{
    "name": "数据同步任务",
    "project_id": 1,
    "schedule_type": "CRON",
    "schedule_config": "0 */2 * * *",
    "is_active": true
  }'"""
UPDATE = """curl -X PUT /api/v1/scheduler/tasks/1 \\
  -H "Authorization: Bearer <token>" \\
  -H "Content-Type: application/json" \\
  -d '{
    "name": "更新的数据同步任务",
    "schedule_config": "0 */4 * * *"
  }'"""
PLAIN = """curl -X {} \\
  -H "Authorization: Bearer <token>\""""
LINES = [
    'GET "/api/v1/scheduler/tasks?page=1&size=10&is_active=true"',
    "GET /api/v1/scheduler/tasks/1",
    "DELETE /api/v1/scheduler/tasks/1",
    "POST /api/v1/scheduler/tasks/1/pause",
    "POST /api/v1/scheduler/tasks/1/resume",
    "POST /api/v1/scheduler/tasks/1/trigger",
    'GET "/api/v1/scheduler/tasks/1/executions?page=1&size=10&status=SUCCESS"',
    "GET /api/v1/scheduler/executions/exec-20240101-001",
    'GET "/api/v1/scheduler/executions/exec-20240101-001/logs/file?log_type=output&lines=100"',
    "GET /api/v1/scheduler/tasks/1/stats",
    "GET /api/v1/scheduler/metrics",
    "GET /api/v1/scheduler/running",
    'POST "/api/v1/scheduler/cleanup-workspaces?max_age_hours=48"',
]


@pytest.fixture
def ran(app, ada_calls, instance) -> str:
    """Task 1 of the document, which has run once."""
    with transaction() as session:
        session.get_one(Group, DEFAULT_GROUP).default_content = {"type": "shell", "command": "sync-data"}
    ada_calls.post("/tasks", {"name": "数据同步任务", "schedule_type": "CRON", "schedule_config": "0 */2 * * *"})
    execution = ada_calls.run()
    prints(instance, 1, b"2024-01-01 02:00:01 [INFO] begun\n")
    end(app, 1)
    return execution


def sent(program: Program, curl: str, execution: str = ""):
    """What the line gets from a server; our own token and execution stand where the document has examples."""
    words = shlex.split(curl.replace("exec-20240101-001", execution))
    assert words[:2] == ["curl", "-X"]
    headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
    assert headers["Authorization"] == "Bearer <token>"
    body = words[words.index("-d") + 1].encode() if "-d" in words else None
    return program.send(words[2], words[3], data=body, content_type=headers.get("Content-Type"))


def test_the_first_call_makes_the_documents_task(ada_calls, ran):
    ada_calls.delete("/tasks/1")
    made = sent(ada_calls, CREATE)
    assert made.status_code == 200 and made.json["data"].items() >= json.loads(shlex.split(CREATE)[-1]).items()


def test_the_fourth_call_changes_it(ada_calls, ran):
    changed = sent(ada_calls, UPDATE)
    assert changed.status_code == 200 and changed.json["data"]["schedule_config"] == "0 */4 * * *"


@pytest.mark.parametrize("line", LINES)
def test_the_others_are_answered(ada_calls, ran, line):
    answer = sent(ada_calls, PLAIN.format(line), ran)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert ("items" in answer.json) if "?page" in line else (answer.json["code"] == 200 and "data" in answer.json)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("GET /api/v1/scheduler/tasks/1", "获取成功"),
        ("DELETE /api/v1/scheduler/tasks/1", "任务删除成功"),
        ("POST /api/v1/scheduler/tasks/1/pause", "任务已暂停"),
        ("POST /api/v1/scheduler/tasks/1/resume", "任务已恢复"),
        ("POST /api/v1/scheduler/tasks/1/trigger", "任务已触发"),
    ],
)
def test_it_speaks_the_documents_words(ada_calls, ran, line, text):
    ada_calls.headers["Accept-Language"] = "zh-CN"
    assert sent(ada_calls, PLAIN.format(line), ran).json["message"] == text
