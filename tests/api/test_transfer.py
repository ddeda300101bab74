"""Files of tasks by API: what goes out comes in again, a dry run tells and changes nothing, nonsense is 400 with its line."""

from collections.abc import Callable
from typing import Any

import pytest

from scheduler.database import db
from scheduler.tasks.models import Task
from tests.api.conftest import Program

CRONTAB = "# Backup\n0 2 * * * /opt/backup.sh\n@reboot x\n"
BROKEN = "hello there\n1X=2\n# Fine\n0 2 * * * a\n#0 3 * * * b\n99 * * * * c\n@never d"
WRONG = """{"format": "scheduler", "version": 1, "tasks": [
{"name": "x", "command": "y", "schedule_type": "manual", "colour": 1},
{"name": "z", "command": "y", "schedule_type": "manual"}]}"""
WRONG_PROGRAM = """[
{"task_id": "x", "task_name": "x", "task_exec": "tasks/x.py", "task_schedule": "9 * * * *", "colour": 1},
{"task_id": "z", "task_name": "z", "task_schedule": "0 * * * *"}]"""
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


def test_what_is_wrong_is_told_with_line_and_field(calls: Program) -> None:
    answer = send(calls, WRONG)
    assert answer.status_code == 400 and keys() == set()
    assert {"field": "line 2: tasks[0].colour", "message": "There is no such field."} in answer.json["errors"]


@pytest.mark.parametrize("text, format_", [(WRONG, "json"), (WRONG, "yaml")])
def test_a_dry_run_of_a_file_with_a_wrong_entry_tells_it_and_all_else(calls: Program, text: str, format_: str) -> None:
    answer = send(calls, text, f"{format_}&dry_run=1")
    data = answer.json["data"]
    assert answer.status_code == 200 and (data["valid"], data["created"], keys()) == (False, 1, set())
    assert [(one["line"], one["text"]) for one in data["errors"]] == [(2, "x")] and all(data["errors"][0].values())
    assert "would be refused" in answer.json["message"]


def test_a_dry_run_of_a_tasks_json_names_the_tasks_that_are_wrong(calls: Program) -> None:
    data = send(calls, WRONG_PROGRAM, "tasks.json&dry_run=1").json["data"]
    told = {(one["line"], one["text"], one["field"].rpartition(".")[2]) for one in data["errors"]}
    assert told == {(2, "x", "colour"), (3, "z", "task_exec")}


def test_a_dry_run_of_a_crontab_tells_each_wrong_line_with_a_remedy(calls: Program) -> None:
    answer = send(calls, BROKEN, "crontab&form=user&dry_run=1")
    data = answer.json["data"]
    assert answer.status_code == 200 and keys() == set()
    assert [line["role"] for line in data["lines"]] == ["wrong", "wrong", "comment", "task", "lost", "wrong", "wrong"]
    assert [(one["line"], one["text"]) for one in data["errors"]] == [(n, BROKEN.split("\n")[n - 1]) for n in (1, 2, 6, 7)]
    assert all(one["message"] and "#" in one["remedy"] for one in data["errors"])
    assert (data["created"], data["fires"]["gained"], data["tasks"][0]["name"]) == (1, 14, "Fine")


def test_a_crontab_with_a_wrong_line_is_refused_naming_each(calls: Program) -> None:
    answer = send(calls, BROKEN, "crontab&form=user")
    lines = [one["field"].partition(":")[0] for one in answer.json["errors"]]
    assert answer.status_code == 400 and lines == ["line 1", "line 2", "line 6", "line 7"] and keys() == set()


def test_lines_that_are_not_told_are_counted(calls: Program) -> None:
    data = send(calls, "# x\n" * 1200 + "nonsense\n" * 1100, "crontab&dry_run=1").json["data"]
    assert (len(data["lines"]), data["lines_left_off"], len(data["errors"]), data["errors_left_off"]) == (1000, 1300, 1000, 100)


def test_a_refusal_names_a_thousand_and_counts_the_rest(calls: Program) -> None:
    errors = send(calls, "nonsense\n" * 1100, "crontab").json["errors"]
    assert len(errors) == 1001 and errors[-1]["field"] == "line 1001" and "100 more are wrong" in errors[-1]["message"]


@pytest.mark.parametrize("count", [1999, 2001])
def test_what_was_not_looked_at_is_told(calls: Program, count: int) -> None:
    data = send(calls, "nonsense\n" * count, "crontab&dry_run=1").json["data"]
    error = send(calls, "nonsense\n" * count, "crontab").json["errors"][-1]
    told = ["the rest was not looked at" in text for text in (data["notes"][-1], error["message"])]
    assert told == [count > 2000] * 2 and data["errors_left_off"] == min(count, 2000) - 1000
    assert error["field"] == ("line 2000" if count > 2000 else "line 1001")


def test_what_is_wrong_with_no_line_of_a_file_is_said_all_the_same(calls: Program) -> None:
    answer = send(calls, '{"format": "scheduler", "format": "scheduler", "version": 1}')
    assert answer.status_code == 400 and answer.json["message"] == "“format” stands there twice."


def test_a_file_that_cannot_be_read_at_all_is_400_in_a_dry_run_too(calls: Program) -> None:
    assert send(calls, "{", "json&dry_run=1").status_code == send(calls, "[]", "yaml&dry_run=1").status_code == 400


@pytest.fixture
def whole(program: Callable[[str], Program]) -> dict[str, Any]:
    """An administrator's export, its rule for everybody changed: no editor may bring that in."""
    calls, told = program("ada"), {"triggers": ["lost"], "channels": [{"type": "inbox", "users": ["ada"]}]}
    calls.make(name="Backup")
    calls.post("/notification-rules", {"scope": "all", "name": "Night watch", **told})
    calls.post("/notification-rules", {"scope": "task", "task": "backup", "name": "Own", **told})
    found: dict[str, Any] = calls.get("/export").json
    for rule in found["rules"]:
        rule["threshold"] = 2
    return found


def test_an_editor_is_told_which_rules_keep_the_file_out(calls: Program, whole: dict[str, Any]) -> None:
    data = calls.post("/import?dry_run=1", json=whole).json["data"]
    (error,) = data["errors"]
    assert error["field"] == "line 1: rules[0]" and error["text"] == "*: Night watch" and "Take the entry out" in error["remedy"]
    answer = calls.post("/import", json=whole)
    assert answer.status_code == 400 and [one["message"] for one in answer.json["errors"]] == [error["message"]]
    assert "“Night watch”" in error["message"] and "administrators" in error["message"]


@pytest.mark.parametrize("query, gone", [("", 0), ("&replace=1", 1)])
def test_an_editor_may_bring_in_all_but_those(calls: Program, whole: dict[str, Any], query: str, gone: int) -> None:
    whole["rules"] = [whole["rules"][0] | {"name": "Newer watch"}] if gone else whole["rules"]
    data = calls.post(f"/import?allowed_only=1{query}", json=whole).json["data"]
    assert {one["text"] for one in data["left_out"]} == ({"*: Night watch", "*: Newer watch"} if gone else {"*: Night watch"})
    thresholds = {one["name"]: one["threshold"] for one in calls.get("/notification-rules").json["items"]}
    assert thresholds == ({"Night watch": 1} if gone else {"Night watch": 1, "Own": 2})


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
