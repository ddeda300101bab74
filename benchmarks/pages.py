"""How long lists take with ten thousand tasks and a hundred thousand runs, against the application's own empty page."""

import re
from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import event, insert

from benchmarks.stage import Result, Stage, median_time, stage
from scheduler import clock
from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db, table, transaction
from scheduler.runs.models import Run
from scheduler.tasks import definitions
from scheduler.tasks.models import Task

TASKS, RUNS, ROUNDS = 10_000, 100_000, 15


def lists() -> list[Result]:
    """The task list and the newest runs, full, beside the account page, which shows no list."""
    with stage() as here:
        small = _signed_in(here)
        few = {path: _queries(here, small, path) for path in ("/tasks", "/runs")}
        _fill(here)
        client = _signed_in(here)
        empty = median_time(lambda: client.get("/account"), ROUNDS)
        results = []
        for what, path in ((f"List of 50 of {TASKS:,} tasks", "/tasks"), (f"Newest 50 of {RUNS:,} runs", "/runs")):
            spent = median_time(lambda path=path: client.get(path), ROUNDS)  # type: ignore[misc]
            ratio = spent / empty
            results.append(
                Result(what, f"{spent * 1000:.1f} ms", f"{empty * 1000:.1f} ms", f"{ratio:.1f} ×", "≤ 3 ×", ratio <= 3)
            )
            many = _queries(here, client, path)
            results.append(
                Result(
                    "… its queries",
                    str(many),
                    str(few[path]),
                    f"+{many - few[path]}",
                    "do not grow with rows",
                    many <= few[path] + 4,
                )
            )
        return results


def _signed_in(here: Stage) -> FlaskClient:
    client = here.app.test_client()
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/login").text)
    assert token
    form = {"username": "admin", "password": "benchmark password", "csrf_token": token[1]}
    assert client.post("/login", data=form).status_code in (302, 303)
    return client


def _queries(here: Stage, client: FlaskClient, path: str) -> int:
    """How many statements one answer takes."""
    seen: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    with here.app.app_context():
        event.listen(db.engine, "before_cursor_execute", count)
        assert client.get(path).status_code == 200
        event.remove(db.engine, "before_cursor_execute", count)
    return len(seen)


def _fill(here: Stage) -> None:
    """Copies of one task made by the verb, and runs spread over them."""
    with here.app.app_context():
        first = definitions.create(
            SYSTEM, {"name": "task 0", "command": ":", "schedule_type": "cron", "schedule_config": "0 2 * * *"}
        )
        values = {
            column.name: getattr(first, column.name) for column in table(Task).columns if column.name not in ("id", "metadata")
        }
        recent = [["success", 3.0], ["technical_failure", 1.0]] * 10
        now = clock.now()
        with transaction() as session:
            connection = session.connection()
            tasks = [
                values
                | {
                    "name": f"task {n}",
                    "key": f"task-{n}",
                    "metadata": {},
                    "recent": recent,
                    "last_status": "success",
                    "last_run_id": 1,
                    "last_started_at": now,
                    "last_duration": 3.0,
                }
                for n in range(1, TASKS)
            ]
            connection.execute(insert(table(Task)), tasks)
            runs = [
                {
                    "public_id": f"exec-{n}",
                    "task_id": n % TASKS + 1,
                    "task_version": 1,
                    "cause": "schedule",
                    "cause_key": str(n),
                    "status": "success",
                    "group_id": 1,
                    "scheduled_at": now - timedelta(seconds=RUNS - n),
                    "queued_at": now,
                    "started_at": now,
                    "finished_at": now,
                    "duration": 1.0,
                    "exit_code": 0,
                    "attempts": 1,
                    "last_line": "done",
                }
                for n in range(RUNS)
            ]
            connection.execute(insert(table(Run)), runs)
