"""The API over HTTP: how long questions take with ten thousand tasks and a million runs, runs per second, and an import."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import func, insert, select

from benchmarks.cleaning import fill_runs
from benchmarks.stage import ROOT, Result, Stage, floor_loop, percentile, stage, wait_until
from scheduler import clock
from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db, table, transaction
from scheduler.runs.models import Run
from scheduler.runs.status import Status
from scheduler.tasks import definitions
from scheduler.tasks.models import Task

TASKS, RUNS, CALLS = 10_000, 1_000_000, 150
TRIGGERS, CLIENTS = 300, 4
EMPTY = "/auth/me"
PREVIEW = {"schedule_type": "CRON", "schedule_config": "0 2 * * *", "timezone": "Europe/Berlin"}
QUESTIONS = {
    "List": ("GET", "/scheduler/tasks?page=7", None),
    "Detail": ("GET", "/scheduler/tasks/task-77", None),
    "History": ("GET", "/scheduler/tasks/task-77/executions", None),
    "History of all": ("GET", "/scheduler/executions?page=3", None),
    "Stats of a task": ("GET", "/scheduler/tasks/task-77/stats", None),
    "Stats of all": ("GET", "/scheduler/stats", None),
    "Preview": ("POST", "/scheduler/schedules/preview", PREVIEW),
}


class Caller:
    """One connection to the server that stays open, signed in."""

    def __init__(self, here: Stage) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", here.port, timeout=60)
        self._headers = {"Content-Type": "application/json"}
        pair = self.ask("POST", "/auth/login", {"username": "admin", "password": "benchmark password"})["data"]
        self._headers["Authorization"] = f"Bearer {pair['access_token']}"

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON; anything but 200 ends the measurement."""
        self._connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), self._headers)
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {said[:200]!r}")
        return json.loads(said)


def questions(tasks: int = TASKS, runs: int = RUNS) -> list[Result]:
    """p95 of each question beside p95 of the empty call, asked in turn so that both meet the same moments."""
    with stage() as here:
        began = time.monotonic()
        ids = fill_tasks(here, tasks)
        fill_runs(here, ids, runs)
        print(f"  {tasks:,} tasks and {runs:,} runs made in {time.monotonic() - began:.0f} s", flush=True)
        with here.server():
            caller = Caller(here)
            return [_question(caller, what, *asked) for what, asked in QUESTIONS.items()]


def _question(caller: Caller, what: str, method: str, path: str, body: Any) -> Result:
    spent: dict[bool, list[float]] = {True: [], False: []}
    for call in range(2 * (CALLS + 5)):
        empty = call % 2 == 0
        began = time.perf_counter()
        caller.ask("GET", EMPTY) if empty else caller.ask(method, path, body)
        if call >= 10:  # the first ones fill the caches
            spent[empty].append(time.perf_counter() - began)
    ours, floor = percentile(spent[False], 0.95), percentile(spent[True], 0.95)
    kept = ours <= 3 * floor and ours < 0.1
    shown = f"{ours * 1000:.1f} ms", f"{floor * 1000:.1f} ms", f"{ours / floor:.1f} ×"
    return Result(f"{what} by API, p95, {TASKS:,} tasks and {RUNS:,} runs", *shown, "≤ 3 ×, < 100 ms", kept)


def fill_tasks(here: Stage, count: int) -> list[int]:
    """Copies of one task made by the verb; their numbers."""
    with here.app.app_context():
        first = definitions.create(
            SYSTEM, {"name": "task 0", "command": ":", "schedule_type": "cron", "schedule_config": "0 2 * * *"}
        )
        columns = [column.name for column in table(Task).columns if column.name not in ("id", "metadata")]
        values = {name: getattr(first, name) for name in columns} | {"metadata": {}, "last_status": "success"}
        known = {"last_started_at": clock.now(), "last_duration": 3.0, "recent": [["success", 3.0]] * 20}
        rows = [values | known | {"name": f"task {number}", "key": f"task-{number}"} for number in range(1, count)]
        with transaction() as session:
            session.connection().execute(insert(table(Task)), rows)
        return list(db.session.scalars(select(Task.id)))


def triggering() -> list[Result]:
    """Runs per second that clients start by HTTP, to the last one's recorded end, beside a plain loop of Popen."""
    floors = [_loop()]
    with stage(execution__concurrency__max_concurrent="10") as here:
        here.add("idle", ":", overlap_policy="allow", max_instances=1000)
        with here.server():
            callers = [Caller(here) for _ in range(CLIENTS)]
            callers[0].ask("POST", "/scheduler/tasks/idle/trigger?wait=10")
            began = time.monotonic()
            with ThreadPoolExecutor(CLIENTS) as pool:
                list(pool.map(_share, callers))
            asked = time.monotonic() - began
            wait_until(lambda: _over(here) > TRIGGERS, 120, 0.05)
            rate = TRIGGERS / (time.monotonic() - began)
    floors.append(_loop())
    floor = sum(floors) / 2
    shown = f"{rate:.0f} runs/s", f"{floor:.0f} runs/s", f"{rate / floor:.2f} ×"
    return [
        Result(f"{TRIGGERS} triggers by {CLIENTS} clients, to the last end", *shown, "≥ 0.25 ×", rate >= floor / 4),
        Result("… answered", f"{TRIGGERS / asked:.0f} calls/s", "", "", "", True),
    ]


def _share(caller: Caller) -> None:
    for _ in range(TRIGGERS // CLIENTS):
        caller.ask("POST", "/scheduler/tasks/idle/trigger")


def _loop() -> float:
    began = time.monotonic()
    floor_loop(":", TRIGGERS)
    return TRIGGERS / (time.monotonic() - began)


def _over(here: Stage) -> int:
    with here.app.app_context():
        return db.session.scalar(select(func.count()).select_from(Run).where(Run.status == Status.SUCCESS)) or 0


def importing() -> list[Result]:
    """Ten thousand tasks from a file by the command line, beside a file of one: what the command itself takes."""
    tasks = [
        {"key": f"task-{number}", "name": f"Task {number}", "type": "shell", "command": f"echo {number}",
         "schedule_type": "CRON", "schedule_config": f"{number % 60} {number % 24} * * *", "tags": ["imported"]}
        for number in range(TASKS)
    ]  # fmt: skip
    with stage() as here:
        path = here.instance / "tasks.json"
        path.write_text(json.dumps({"format": "scheduler", "version": 1, "tasks": tasks}))
        empty = here.instance / "none.json"
        empty.write_text(json.dumps({"format": "scheduler", "version": 1, "tasks": tasks[:1]}))
        floor = _timed(lambda: _import(here, str(empty)))
        first = _timed(lambda: _import(here, str(path)))
        again = _timed(lambda: _import(here, str(path)))
    return [
        Result(
            f"Import of {TASKS:,} tasks",
            f"{first:.1f} s",
            f"{floor:.1f} s (of one)",
            f"{first / floor:.1f} ×",
            "< 20 s",
            first < 20,
        ),
        Result("… again, unchanged", f"{again:.1f} s", "", f"{again / floor:.1f} ×", "< 20 s", again < 20),
    ]


def _import(here: Stage, path: str) -> None:
    command = [sys.executable, "-m", "flask", "--app", "app", "scheduler", "import", path]
    subprocess.run(command, cwd=ROOT, env=here.environ, check=True, stdout=subprocess.DEVNULL)


def _timed(work: Callable[[], None]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began
