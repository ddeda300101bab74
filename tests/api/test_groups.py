"""Groups over HTTP: made, changed, counted, deleted; who has which role there."""

from typing import Any

import pytest

from tests.api.conftest import end, fields

REPORTS = {"name": "Reports", "max_concurrent": 2, "default_content": {"type": "shell", "command": "make report"}}


def test_it_makes_shows_changes_and_deletes_one(ada_calls):
    made = ada_calls.post("/groups", REPORTS).json["data"]
    assert {name: made[name] for name in REPORTS} == REPORTS and (made["key"], made["version"]) == ("reports", 1)
    changed = ada_calls.put("/groups/reports", {"description": "monthly", "max_concurrent": None}).json["data"]
    assert (changed["description"], changed["max_concurrent"], changed["name"]) == ("monthly", None, "Reports")
    assert ada_calls.data(f"/groups/{made['id']}") == changed
    assert ada_calls.delete("/groups/reports").status_code == 200 and ada_calls.get("/groups/reports").status_code == 404


def test_a_task_runs_what_its_group_says(ada_calls):
    group = ada_calls.post("/groups", REPORTS).json["data"]
    made = ada_calls.make(type=None, command=None, project_id=group["id"])
    assert (made["project_name"], made["type"]) == ("Reports", None)
    assert ada_calls.delete("/groups/reports").status_code == 409


def test_it_counts_what_is_in_it(app, ada_calls):
    ada_calls.make()
    ada_calls.run()
    end(app, 1, 0, 4)
    (group,) = ada_calls.get("/groups").json["items"]
    assert (group["task_count"], group["total_executions"], group["success_rate"], group["average_duration"]) == (1, 1, 1, 4)


@pytest.mark.parametrize(
    "stale", [{"json": {"name": "B", "version": 1}}, {"json": {"name": "B"}, "headers": {"If-Match": '"1"'}}]
)
def test_an_old_version_is_refused(ada_calls, stale: dict[str, Any]):
    ada_calls.post("/groups", REPORTS)
    tag = ada_calls.put("/groups/reports", {"name": "A"}).headers["ETag"]
    assert tag == '"2"' and ada_calls.put("/groups/reports", **stale).status_code == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": None}, "name"),
        ({"name": 5}, "name"),
        ({"name": "x", "max_concurrent": "2"}, "max_concurrent"),
        ({"name": "x", "colour": "red"}, "colour"),
        ({"name": "x", "default_content": {"type": "shell"}}, "default_content.command"),
    ],
)
def test_it_names_the_wrong_field(ada_calls, body, field):
    answer = ada_calls.post("/groups", body)
    assert answer.status_code == 400 and fields(answer) == [field]


def test_it_gives_and_takes_roles(ada_calls, program, mallory):
    ada_calls.post("/groups", REPORTS)
    path = f"/groups/reports/members/{mallory.id}"
    assert program("mallory").get("/groups/reports").status_code == 404
    assert ada_calls.put(path, {"role": "viewer"}).json["data"]["username"] == "mallory"
    assert program("mallory").get("/groups").json["total"] == 1
    assert [one["role"] for one in ada_calls.data("/groups/reports/members")] == ["viewer"]
    assert ada_calls.delete(path).status_code == 200 and ada_calls.delete(path).status_code == 404
    assert program("mallory").get("/groups").json["total"] == 0


@pytest.mark.parametrize(("method", "path"), [("POST", ""), ("PUT", "/1"), ("DELETE", "/1"), ("GET", "/1/members")])
def test_editors_do_not_manage_groups(program, method, path):
    assert (
        program("edith").send(method, f"/groups{path}", {"name": "x"} if method in ("POST", "PUT") else None).status_code == 403
    )
