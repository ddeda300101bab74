"""Every call of every face against everything not meant well: an error of 4xx in the face's own shape, and nothing saved."""

from collections.abc import Iterator
from time import perf_counter
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from scheduler import gate
from scheduler.api import described
from scheduler.database import Base, db
from scheduler.tasks.models import Task
from tests.api.conftest import Program

V1, PLAIN = {"success", "code", "message", "errors", "timestamp"}, {"error", "errors"}
SLOW = 2.0  # seconds
WRITE = ("POST", "PUT")
NAMES = ("name", "username", "password", "refresh_token", "new_password", "schedule_type", "schedule_config", "schedule",
         "task_name", "task_exec", "task_schedule", "ids", "action", "enabled", "reason", "until", "scopes", "role",
         "count", "params")  # fmt: skip
BODIES = {
    "not JSON": b"{",
    "no object": b"[]",
    "nothing": b"null",
    "text": b'"text"',
    "NaN": b'{"name": NaN}',
    "infinite": b'{"priority": 1e999}',
    "a name twice": b'{"name": "a", "name": "b"}',
    "depth 100,000": b"[" * 100_000,
    "objects of depth 100,000": b'{"a":' * 100_000,
    "depth 100": b'{"metadata": ' + b"[" * 100 + b"]" * 100 + b"}",
    "NUL": b'{"name": "a\\u0000"}',
    "lone surrogate": b'{"name": "\\ud800"}',
    "not UTF-8": b'{"name": "\xff"}',
    "10,000 digits": b'{"name": ' + b"9" * 10_000 + b"}",
    "10 MB": b'{"name": "' + b"x" * 10_000_000 + b'"}',
    "unknown field": b'{"nonsense_field": 1}',
    "wrong types": ("{" + ", ".join(f'"{name}": [{{}}]' for name in NAMES) + "}").encode(),
}
QUERIES = ("page=-1", "page=0", "page=x", "page=1e3", "size=10000", "limit=10000000", "limit=-1", "offset=-1",
           "page=9" + "9" * 30,
           "status=NOPE", "start_date=never", "end_date=10000-01-01", "start_date=0001-01-01T00:00:00%2B14:00",
           "start_date=9999-12-31T23:59:59-14:00", "since=9999-12-31T23:59:59-14:00", "at=9999-12-31T23:59:59-14:00", "q=%00",
           "q=%ED%A0%80", "q=" + "x" * 3000, "task_id=%00", "group=%00", "tag=%00", "ids=x", "ids=1,%00", "format=x", "stream=x",
           "log_type=x", "lines=10000000", "after=-1", "count=1000", "days=100000", "wait=61", "level=%00")  # fmt: skip


def written(path: str) -> Iterator[str]:
    """The path as it is not written."""
    yield from (
        path.upper(),
        path.replace("/api/", "/API/"),
        path.replace("/api/", "/api//"),
        path.replace("/api/", "/api%2f"),
    )
    yield from (
        f"{path}/",
        f"{path}%2f",
        f"{path}%00",
        f"{path};x=1",
        f"{path}/../../x",
        f"{path}%0d%0aX:y",
        f"{path}%ff",
        f"{path}%5c",
    )


@pytest.fixture
def ran(ada_calls: Program) -> str:
    """An execution of the task "victim", beside a task "other"."""
    ada_calls.make(name="Victim")
    ada_calls.make(name="Other")
    return ada_calls.run("victim")


@pytest.fixture
def calls(app: Flask, ran: str) -> list[tuple[str, str]]:
    """Every method and address there is, with what is there in its places."""
    places = {"task_id": "victim", "execution_id": ran, "group_id": "default", "user_id": "1", "number": "1", "key_id": "1"}
    found = []
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/api/") or rule.rule == "/api/docs":  # a page
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            wanted = {name: places.get(name, "1") for name in rule.arguments}
            path = "".join(wanted[text] if dynamic else text for dynamic, text in rule._trace if text != "|")
            found.append((method, path))
    return found


def refused(answer: Any, path: str) -> bool:
    """Whether it is an error of the asker's, in the shape of the face that the path is of."""
    plain = (
        path.lower().replace("//", "/").lstrip("/").startswith(("api/scheduler", "api/tasks", "api%2fscheduler", "api%2ftasks"))
    )
    shape = PLAIN if plain and "%2f" not in path[:6] else V1
    return 400 <= answer.status_code < 500 and answer.mimetype == "application/json" and set(answer.json) == shape


def contents() -> dict[str, int]:
    """How many rows each table has."""
    db.session.rollback()
    tables = [table for table in Base.metadata.sorted_tables if table.name not in ("audit_entry", "sign_in", "sign_in_try")]
    return {table.name: db.session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def takes_a_body(app: Flask, method: str, path: str) -> bool:
    return method in WRITE and not path.endswith(("/logout", "/import"))


@pytest.mark.slow  # a thousand requests
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_every_call_refuses_a_body_that_is_none(app, ada_calls, calls, body):
    before, wrong = contents(), []
    for method, path in calls:
        if not takes_a_body(app, method, path):
            continue
        began = perf_counter()
        answer = ada_calls.client.open(path, method=method, data=body, content_type="application/json", headers=ada_calls.headers)
        if not refused(answer, path) or perf_counter() - began > SLOW:
            wrong.append((method, path, answer.status_code))
    assert wrong == [] and contents() == before


@pytest.mark.any_database
def test_every_call_refuses_a_form(app, ada_calls, calls):
    before = contents()
    for method, path in calls:
        if takes_a_body(app, method, path):
            assert refused(ada_calls.client.open(path, method=method, data={"name": "x"}, headers=ada_calls.headers), path), path
    assert contents() == before


@pytest.mark.any_database
def test_every_address_refuses_another_method(ada_calls, calls):
    for path in {path for _, path in calls}:
        for method in ("PATCH", "TRACE", "BREW", "CONNECT", "PROPFIND"):
            answer = ada_calls.client.open(path, method=method, headers=ada_calls.headers)
            assert refused(answer, path) and answer.status_code == 405, (method, path)


@pytest.mark.slow  # a thousand requests
@pytest.mark.any_database
def test_no_address_is_found_that_is_written_otherwise(ada_calls, calls):
    for path in {path for _, path in calls}:
        for odd in written(path):
            answer = ada_calls.client.get(odd, headers=ada_calls.headers, environ_overrides={"REQUEST_URI": odd})
            assert answer.status_code in (404, 405) and answer.mimetype == "application/json", odd


def test_a_wrong_question_is_refused_or_means_nothing_there(app, ada_calls, calls):
    for path in asked(calls):
        for query in (query for query in QUERIES if query.partition("=")[0] in known(app, path)):
            answer = ada_calls.client.get(f"{path}?{query}", headers=ada_calls.headers, buffered=True)
            assert answer.status_code == 200 or refused(answer, path), (path, query[:24], answer.status_code)


@pytest.mark.any_database
def test_every_question_that_is_not_for_a_call_means_nothing_to_it(app, ada_calls, calls):
    for path in asked(calls):
        plain = ada_calls.client.get(path, headers=ada_calls.headers, buffered=True)
        strange = "&".join(query for query in QUERIES if query.partition("=")[0] not in known(app, path))
        answer = ada_calls.client.get(f"{path}?{strange}", headers=ada_calls.headers, buffered=True)
        assert answer.status_code == plain.status_code, (path, answer.status_code)


def asked(calls: list[tuple[str, str]]) -> list[str]:
    return [path for method, path in calls if method == "GET"]


def known(app: Flask, path: str) -> set[str]:
    """What may stand in the query of a GET of this path, by what is said beside its route."""
    said = described.of(view_of(app, "GET", path))
    return {field.alias or name for name, field in said.asks.model_fields.items()} if said and said.asks else set()


HEADERS = [
    {"Authorization": "Bearer"}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer a.b.c"},
    {"Authorization": "Bearer " + "x" * 7000}, {"Authorization": "Bearer \u00ff"}, {"X-API-Key": ""},
    {"X-API-Key": "sch_" + "a" * 43},
]  # fmt: skip


@pytest.mark.slow  # a thousand requests
@pytest.mark.any_database
@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: str(headers)[:32])
def test_credentials_that_are_none_open_nothing(app, anybody, calls, headers):
    for method, path in calls:
        policy = next(gate.policy_of(view) for view in [view_of(app, method, path)])
        if policy is not None and not policy.public:
            answer = anybody.client.open(path, method=method, headers=headers)
            assert answer.status_code == 401 and refused(answer, path), path


def view_of(app: Flask, method: str, path: str) -> Any:
    endpoint, _ = app.url_map.bind("").match(path, method)
    return app.view_functions[endpoint]


ODD = [{"Accept-Language": "x" * 5000}, {"Accept-Language": "*;q=nan"}, {"Accept": "text/html"}, {"Host": "evil.example"},
       {"X-HTTP-Method-Override": "DELETE"}, {"X-Forwarded-For": "' OR 1=1"}, {"Range": "bytes=5-1"},
       {"Cookie": "scheduler=\u00ff"}]  # fmt: skip


@pytest.mark.any_database
@pytest.mark.parametrize("headers", ODD, ids=lambda headers: str(headers)[:32])
def test_odd_headers_change_nothing(ada_calls, ran, headers):
    plain = {name: value for name, value in ada_calls.headers.items()}
    assert ada_calls.client.get("/api/v1/auth/me", headers=plain | headers).json["data"]["username"] == "ada"
    assert contents()["task"] == db.session.scalar(select(func.count()).where(Task.deleted_at.is_(None)))


@pytest.mark.parametrize("key", ["x" * 81, "\u00e9", "a\tb"])
def test_a_key_that_is_none_is_refused(ada_calls, ran, key):
    for path in ("/api/v1/scheduler/tasks/victim/trigger", "/api/scheduler/tasks/victim/run", "/api/tasks/victim/execute"):
        assert refused(ada_calls.client.post(path, headers=ada_calls.headers | {"Idempotency-Key": key}), path)


@pytest.mark.parametrize("tag", ["1", 'W/"1"', '"x"', '"1", "2"', '"99999999999999999999"', "'1'"])
def test_a_tag_that_is_not_the_tasks_changes_nothing(ada_calls, ran, tag):
    ada_calls.put("/tasks/victim", {"description": "new"})
    for path in ("/api/v1/scheduler/tasks/victim", "/api/scheduler/tasks/victim", "/api/tasks/victim"):
        answer = ada_calls.client.put(path, json={}, headers=ada_calls.headers | {"If-Match": tag})
        assert refused(answer, path), (path, answer.status_code)


def test_another_tasks_execution_is_not_under_this_task(ada_calls, ran):
    for path in (f"/api/tasks/other/executions/{ran}", f"/api/tasks/other/logs?execution_id={ran}",
                 f"/api/tasks/other/logs/download?execution_id={ran}"):  # fmt: skip
        answer = ada_calls.client.get(path, headers=ada_calls.headers)
        assert refused(answer, path) and answer.status_code == 404, path


def test_what_is_somebody_elses_is_not_there(ada_calls, program, calls, ran):
    ada_calls.put("/tasks/victim", {"private": True})
    edith = program("edith")
    for method, path in calls:
        if "victim" in path or ran in path:
            answer = edith.client.open(path, method=method, json={} if method == "PUT" else None, headers=edith.headers)
            assert refused(answer, path) and answer.status_code in (403, 404, 415), (method, path, answer.status_code)
