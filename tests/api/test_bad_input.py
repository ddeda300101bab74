"""What the API does with what is not meant well: always an error of the right kind, never a failure of ours, never slow."""

import json
from time import perf_counter

import pytest

from tests.api.conftest import BACKUP, fields

JSON = "application/json"


def raw(caller, body, kind=JSON, path="/tasks", method="POST"):
    return caller.client.open(f"/api/v1/scheduler{path}", method=method, data=body, content_type=kind, headers=caller.headers)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"name=x",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b"[]",
        b'"text"',
        b"null",
        b"{'name': 'x'}",
        b'{"name": NaN}',
        b'{"timeout_seconds": Infinity}',
        b'{"timeout_seconds": 1e999}',
        b'{"name": "a", "name": "b"}',
        b'{"metadata": {"a": 1, "a": 2}}',
        b'{"max_runs": ' + b"9" * 5000 + b"}",
        b'{"name": "\\ud800"}',
        b'{"metadata": {"\\u0000": 1}}',
        b'{"metadata": {"a": ["x\\u0000"]}}',
        b"[" * 100_000,
        b'{"metadata": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"metadata": ' + b'{"a":' * 40 + b"1" + b"}" * 40 + b"}",
    ],
    ids=lambda body: body[:24].decode("ascii", "replace"),
)
def test_a_body_that_is_no_proper_object_is_400(ada_calls, body):
    began = perf_counter()
    refused = raw(ada_calls, body)
    assert (refused.status_code, len(refused.json["errors"])) == (400, 1)
    assert perf_counter() - began < 2


def test_it_names_what_stands_there_twice(ada_calls):
    assert fields(raw(ada_calls, b'{"name": "a", "key": "x", "name": "b"}')) == ["name"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "image/json"])
def test_another_content_type_is_415(ada_calls, kind):
    assert raw(ada_calls, json.dumps(BACKUP).encode(), kind).status_code == 415


def test_three_megabytes_are_413(ada_calls):
    refused = raw(ada_calls, b'{"name": "' + b"x" * 3_000_000 + b'"}')
    assert (refused.status_code, refused.json["code"]) == (413, 413)


@pytest.mark.parametrize("verb", ["trigger", "pause", "resume", "stop"])
def test_a_body_where_none_is_wanted_says_nothing_or_is_refused(ada_calls, verb):
    ada_calls.make()
    assert fields(ada_calls.post(f"/tasks/1/{verb}", {"force": True})) == ["force"]
    assert raw(ada_calls, b"{", path=f"/tasks/1/{verb}").status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/tasks/999999999999999999999999999999",
        "/tasks/-1",
        "/tasks/1e3",
        "/tasks/%F0%9F%98%80",
        "/tasks/..",
        "/tasks/%2e%2e%2fetc",
        "/tasks/" + "x" * 4000,
        "/executions/999999999999999999999",
        "/executions/../../etc/passwd",
        "/executions/exec-1'%20OR%201=1--",
        "/executions/exec-1/logs/file?log_type=../../etc/passwd",
    ],
)
def test_an_address_of_nothing_is_404(ada_calls, path):
    assert ada_calls.get(path).status_code in (400, 404)


@pytest.mark.parametrize("query", ["page=1&page=x", "page=1e3", "page=%20", "size=20.5", "is_active=maybe", "size=-20", "page=٣"])
def test_a_wrong_page_is_400(ada_calls, query):
    found = ada_calls.get(f"/tasks?{query}")
    assert found.status_code == (200 if query.startswith("page=1&") else 400)


def test_a_search_for_wildcards_finds_just_them(ada_calls):
    ada_calls.make(name="100% sure")
    assert [ada_calls.get(f"/tasks?q={text}").json["total"] for text in ("%25", "_", "%5C", "%27")] == [1, 0, 0, 0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"schedule_config": 5},
        {"schedule_config": True},
        {"schedule_config": []},
        {"schedule_config": {}},
        {"schedule_config": {"cron": ["*"]}},
        {"schedule_type": "interval", "schedule_config": 10**40},
        {"schedule_type": "interval", "schedule_config": "-5"},
        {"schedule_type": "weekly", "schedule_config": {"day_of_week": 10**40, "time": "03:00"}},
        {"schedule_type": "weekly", "schedule_config": {"day_of_week": [[]], "time": {}}},
        {"schedule_type": "once", "schedule_config": "9999-12-31T23:59:59"},
        {"schedule_type": "once", "schedule_config": "0001-01-01T00:00:00+14:00"},
        {"schedule_type": ["CRON"]},
        {"type": 5},
        {"type": "http", "url": 5, "auth": []},
        {"max_runs": 0},
        {"max_runs": 10**30},
        {"priority": 10**30},
        {"limits": {"memory_mb": -1}},
        {"limits": []},
        {"success_exit_codes": [300]},
        {"env": {"A B": "x"}},
        {"env": ["A=B"]},
        {"key": "../x"},
        {"key": "123"},
        {"name": "x" * 101},
        {"name": "<b>"},
        {"name": "a\u202eb"},
        {"tags": [[]]},
        {"timezone": "../../etc/passwd"},
        {"working_directory": "relative"},
        {"metadata": []},
        {"command": "x" * 70_000},
    ],
    ids=lambda wrong: str(wrong)[:60],
)
def test_a_wrong_value_is_400_and_nothing_is_saved(ada_calls, wrong):
    refused = ada_calls.post("/tasks", BACKUP | wrong)
    assert (refused.status_code, ada_calls.get("/tasks").json["total"]) == (400, 0)
    assert fields(refused)


@pytest.mark.parametrize("wrong", [{"version": "1"}, {"version": True}, {"version": 1.0}, {"id": 2}, {"status": "RUNNING"}])
def test_a_wrong_change_is_400(ada_calls, wrong):
    ada_calls.make()
    assert fields(ada_calls.put("/tasks/1", wrong)) == list(wrong)


@pytest.mark.parametrize("wrong", [{}, {"username": "ada"}, {"username": 1, "password": ""}, {"username": "a"}])
def test_wrong_credentials_are_400_by_field(anybody, wrong):
    named = set(fields(anybody.post("/api/v1/auth/login", wrong)))
    assert named and named <= {"username", "password"}
