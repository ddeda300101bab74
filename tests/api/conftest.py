"""A program that talks to the API: signed in with a token, speaking JSON."""

import json
import os
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pydantic import TypeAdapter
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from scheduler import clock
from scheduler.accounts import tokens
from scheduler.api import described
from scheduler.execution.sink import Sink
from scheduler.runs import lifecycle
from scheduler.runs.folders import attempt_folder
from scheduler.runs.lifecycle import Report
from scheduler.runs.logformat import STDOUT
from scheduler.runs.policy import Outcome
from tests.conftest import begin

BASE = "/api/v1/scheduler"
SHELL = {"type": "shell", "command": "echo hello"}
BACKUP = {"name": "Backup", "schedule_type": "CRON", "schedule_config": "0 2 * * *", **SHELL}


class Program:
    """Sends requests below the base path, with a bearer token when it has one."""

    def __init__(self, app: Flask, token: str = "") -> None:
        self.client = app.test_client()
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def send(self, method: str, path: str, json: Any = None, headers: dict[str, str] | None = None, **rest: Any) -> TestResponse:
        path = path if path.startswith("/api/") else BASE + path
        answer = self.client.open(path, method=method, json=json, headers={**self.headers, **(headers or {})}, **rest)
        if answer.status_code == 200:
            as_described(self.client.application, method, path.partition("?")[0], answer)
        return answer

    def get(self, path: str, **rest: Any) -> TestResponse:
        return self.send("GET", path, **rest)

    def post(self, path: str, json: Any = None, **rest: Any) -> TestResponse:
        return self.send("POST", path, json, **rest)

    def put(self, path: str, json: Any = None, **rest: Any) -> TestResponse:
        return self.send("PUT", path, json, **rest)

    def delete(self, path: str, **rest: Any) -> TestResponse:
        return self.send("DELETE", path, **rest)

    def data(self, path: str, **rest: Any) -> Any:
        """What the envelope of a successful GET holds."""
        response = self.get(path, **rest)
        assert response.status_code == 200, response.get_data(as_text=True)
        return response.json["data"]

    def make(self, **fields: Any) -> dict[str, Any]:
        """A new task; a shell task at two in the morning unless told."""
        body = {name: value for name, value in (BACKUP | fields).items() if value is not None}
        response = self.post("/tasks", body)
        assert response.status_code == 200, response.get_data(as_text=True)
        made: dict[str, Any] = response.json["data"]
        return made

    def run(self, task: Any = 1) -> str:
        """The id of a new execution."""
        found: str = self.post(f"/tasks/{task}/trigger").json["data"]["execution_id"]
        return found


@pytest.fixture
def program(app: Flask) -> Callable[[str], Program]:
    """`program("ada")`: somebody's program, signed in, though not with a password."""
    numbers: Counter[str] = Counter()

    def of(name: str) -> Program:
        numbers[name] += 1
        with app.app_context():
            begun = begin(f"{name}'s program {numbers[name]}", name, "api")
            return Program(app, tokens._signed(begun, tokens.ACCESS, "its first", tokens.ACCESS_LIFE))

    return of


@pytest.fixture
def ada_calls(program: Callable[[str], Program]) -> Program:
    return program("ada")


@pytest.fixture
def anybody(app: Flask) -> Program:
    return Program(app)


def as_described(app: Flask, method: str, path: str, answer: TestResponse) -> None:
    """Every answer any test gets is what its call is said to answer: no key missing, none besides."""
    try:
        endpoint, _ = app.url_map.bind("").match(path, method)
    except HTTPException:
        return
    said = described.of(app.view_functions[endpoint])
    if said is None or said.form == "text":
        return
    held = {"one": "data", "page": "items"}.get(said.form)
    _adapter(said.answers, said.form == "page").validate_python(answer.json[held] if held else answer.json)


@cache
def _adapter(kind: type, many: bool) -> TypeAdapter[Any]:
    return TypeAdapter(list[kind] if many else kind)  # type: ignore[valid-type]


def fields(response: TestResponse) -> list[str]:
    """The fields an error names."""
    return [error["field"] for error in response.json["errors"]]


def end(app: Flask, run_id: int, exit_code: int = 0, seconds: float = 45.0, **details: Any) -> None:
    """Let a waiting run have an attempt that begins now and is over after `seconds`."""
    began = clock.now().timestamp()
    outcome = Outcome("exited", exit_code, None, None, began, began + seconds, seconds, 321, "host", details)
    with app.app_context():
        (claimed,) = lifecycle.claim([run_id])
        lifecycle.note_start(run_id, claimed.number, 321, "host", began)
        lifecycle.finish([Report(run_id, claimed.number, outcome)])


def prints(instance: Path, run_id: int, *chunks: bytes | tuple[int, bytes], attempt: int = 1) -> None:
    """Keep output as the log of an attempt, as the real sink does."""
    path = attempt_folder(instance, run_id, attempt)
    path.mkdir(parents=True)
    folder = os.open(path, os.O_RDONLY)
    sink = Sink(folder, 1 << 20)
    for chunk in chunks:
        sink.write(*((STDOUT, chunk) if isinstance(chunk, bytes) else chunk))
    index = sink.close()
    result = {"log_bytes": sink.size, "log_lines": sink.lines, "index": index and [list(record) for record in index]}
    (path / "result").write_text(json.dumps(result))
    os.close(folder)
