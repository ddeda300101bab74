"""The audit log over HTTP: filtered, in pages, as a file; everybody's own acts, all of them for administrators."""

import csv
import io
import json

import pytest

from tests.api.conftest import Program


@pytest.fixture
def acts(ada_calls, program):
    program("edith").make(name="=Backup")
    ada_calls.put("/tasks/1", {"priority": 5})


def test_it_says_who_did_what(ada_calls, acts):
    item = ada_calls.get("/audit?action=task.edit").json["items"][0]
    assert (item["actor"], item["object_type"], item["object_id"], item["object_name"]) == ("ada", "task", "1", "=Backup")
    assert (item["before"], item["after"]) == ({"priority": 0}, {"priority": 5})


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("actor=edith&action=task.create", 1),
        ("object_type=task&object_id=1", 2),
        ("object_type=task&end_date=2026-03-01", 0),
        ("object_type=task&start_date=2026-03-02", 2),
        ("actor=nobody", 0),
    ],
)
def test_it_is_narrowed(ada_calls, acts, query, total):
    assert ada_calls.get(f"/audit?{query}").json["total"] == total


def test_others_see_their_own_acts_only(program, acts):
    assert {item["actor"] for item in program("edith").get("/audit").json["items"]} == {"edith"}
    assert program("edith").get("/audit?actor=ada").json["total"] == 0


def test_it_is_exported_line_by_line(ada_calls, acts):
    answer = ada_calls.get("/audit/export?object_type=task")
    found = [json.loads(line) for line in answer.get_data(as_text=True).splitlines()]
    assert [entry["action"] for entry in found] == ["task.edit", "task.create"] and "attachment" in answer.headers[
        "Content-Disposition"
    ]


def test_a_table_holds_no_formula(ada_calls, acts):
    text = ada_calls.get("/audit/export?format=csv&object_type=task").get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert len(rows) == 2 and rows[0]["object_name"] == "'=Backup" and json.loads(rows[0]["after"]) == {"priority": 5}


def test_it_names_the_key_that_was_used(app, ada_calls):
    key = ada_calls.post("/api-keys", {"name": "ci", "scopes": ["write"]}).json["data"]
    writes = Program(app, key["key"])
    writes.make()
    assert ada_calls.get("/audit?action=task.create").json["items"][0]["api_key"] == key["prefix"]
    assert writes.get("/audit").status_code == 403


def test_it_cannot_be_changed(ada_calls, acts):
    assert [ada_calls.send(method, "/audit").status_code for method in ("POST", "PUT", "DELETE")] == [405] * 3
