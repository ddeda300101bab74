"""Files of tasks by API: what goes out comes in again, a dry run tells and changes nothing, nonsense is 400 with its line."""

from collections.abc import Callable
from typing import Any

import pytest

from scheduler.database import db
from scheduler.tasks.models import Task
from tests.api.conftest import Program

CRONTAB = "# Backup\n0 2 * * * /opt/backup.sh\n@reboot x\n"
IMPORT = "/import?format="


@pytest.fixture
def calls(program: Callable[[str], Program]) -> Program:
    return program("edith")


def send(program: Program, text: str | bytes, query: str = "json", **headers: str) -> Any:
    return program.post(IMPORT + query, data=text, headers=headers)


def keys() -> set[str]:
    db.session.rollback()
    return {task.key for task in db.session.query(Task) if task.deleted_at is None}


@pytest.mark.parametrize("format_", ["json", "yaml"])
def test_what_goes_out_comes_in_again(calls: Program, format_: str) -> None:
    calls.make(name="Backup")
    out = calls.get(f"/export?format={format_}")
    assert out.status_code == 200 and f"tasks.{format_}" in out.headers["Content-Disposition"]
    answer = send(calls, out.data, format_)
    assert answer.status_code == 200 and answer.json["data"]["unchanged"] == 1
    assert calls.get(f"/export?format={format_}").data == out.data


def test_some_can_be_chosen(calls: Program) -> None:
    calls.make(name="One"), calls.make(name="Two")
    assert [task["key"] for task in calls.get("/export?ids=2").json["tasks"]] == ["two"]


def test_a_dry_run_tells_what_would_be_and_changes_nothing(calls: Program) -> None:
    data = send(calls, CRONTAB, "crontab&dry_run=1").json["data"]
    assert (data["dry_run"], data["created"], data["fires"]["gained"]) == (True, 2, 14)
    assert data["lines"][1] | {"text": ""} == {"line": 2, "text": "", "role": "task", "becomes": "Backup", "notes": []}
    assert data["tasks"][0]["fires"]["first_gained"][0] == "2026-03-02T18:00:00Z" and keys() == set()


def test_a_crontab_becomes_disabled_tasks(calls: Program) -> None:
    assert send(calls, CRONTAB, "crontab").json["data"]["created"] == 2
    assert keys() == {"backup", "x"} and not any(task.enabled for task in db.session.query(Task))


def test_replacing_says_what_goes(calls: Program) -> None:
    calls.make(name="Old")
    data = send(calls, '{"format": "scheduler", "version": 1}', "json&replace=true").json["data"]
    assert data["deleted"] == 1 and data["tasks"][0]["action"] == "delete" and keys() == set()


@pytest.mark.parametrize("query", ["json", "json&dry_run=1"])
def test_what_is_wrong_is_told_with_line_and_field(calls: Program, query: str) -> None:
    text = '{"format": "scheduler", "version": 1, "tasks": [\n{"name": "x", "command": "y", "colour": 1}]}'
    answer = send(calls, text, query)
    assert answer.status_code == 400 and keys() == set()
    assert {"field": "line 2: tasks[0].colour", "message": "There is no such field."} in answer.json["errors"]


@pytest.mark.parametrize("query", ["rtf", "json&dry_run=perhaps", "json&form=royal"])
def test_a_wrong_question_is_refused(calls: Program, query: str) -> None:
    assert send(calls, "{}", query).status_code == 400


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}', b"{" * 3_000_000], ids=len)
@pytest.mark.parametrize("format_", ["json", "yaml", "tasks.json"])
def test_nonsense_is_refused_in_v1_s_shape(calls: Program, data: bytes, format_: str) -> None:
    answer = send(calls, data, format_)
    assert answer.status_code == 400 and answer.json["success"] is False


def test_more_than_twenty_megabytes_are_too_much(calls: Program) -> None:
    assert send(calls, b" " * (20 * 1024 * 1024 + 1)).status_code == 413


def test_other_calls_still_take_two(calls: Program) -> None:
    assert calls.post("/tasks", data=b" " * (2 * 1024 * 1024 + 1)).status_code == 413


def test_who_may_do_it(program: Callable[[str], Program], anybody: Program) -> None:
    for name in ("victor", "oscar", "mallory"):
        assert send(program(name), CRONTAB, "crontab").status_code == 403
    assert send(anybody, CRONTAB, "crontab").status_code == 401 and anybody.get("/export").status_code == 401
    assert program("victor").get("/export").status_code == 200


def test_a_dry_run_tells_what_becomes_of_rules_and_templates(ada_calls: Program) -> None:
    rule = {"scope": "all", "name": "Failing", "triggers": ["lost"], "channels": [{"type": "inbox", "users": ["ada"]}]}
    ada_calls.post("/notification-rules", rule)
    out = ada_calls.get("/export").json
    assert out["rules"] == [rule] and out["templates"] == []
    changed = {**out, "rules": [rule | {"threshold": 3}, rule | {"name": "New"}]}
    data = ada_calls.post("/import?dry_run=1&replace=1", json=changed).json["data"]
    told = [(one["scope"], one["name"], one["action"], one["changes"].get("threshold")) for one in data["rules"]]
    assert told == [("all", "Failing", "change", {"before": None, "after": 3}), ("all", "New", "create", None)]
    gone = ada_calls.post("/import?replace=1", json={**out, "rules": []}).json["data"]
    assert [one["action"] for one in gone["rules"]] == ["delete"] and ada_calls.get("/notification-rules").json["total"] == 0
