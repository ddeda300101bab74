"""How long the API takes to answer while nine tenths of a million runs are cleaned away beside it, and without that.

The API is asked at the beginning of it, when the tables are largest. `python -m benchmarks.cleaning --whole` asks
to the end of it, `--runs 100000` measures the same with fewer.
"""

import argparse
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.request import Request, urlopen

from benchmarks.stage import Result, Stage, percentile, stage
from scheduler import clock
from scheduler.database import transaction
from scheduler.runs.models import Tally, Upkeep
from scheduler.runs.status import Status
from scheduler.runs.tally import FOLDED, KEPT

RUNS, TASKS, CLIENTS = 1_000_000, 100, 2
OLD = 0.9  # of them are older than history keeps
QUIET = 15.0  # seconds the API is asked before, with nothing being cleaned
LONGEST, WHOLE = 45.0, 1800.0  # seconds of cleaning that are looked at


def cleaning(runs: int = RUNS, longest: float = LONGEST) -> list[Result]:
    """p99 of the API's answers while it is cleaned, beside p99 in quiet, and how fast it went."""
    with stage(engine__max_workers="4") as here:
        tasks = [here.add(f"task {number}", "true") for number in range(TASKS)]
        began = time.monotonic()
        fill_runs(here, tasks, runs)
        print(f"  {runs:,} runs made in {time.monotonic() - began:.0f} s", flush=True)
        with here.server():
            ask = _signed_in(here.port)
            began = time.monotonic()
            quiet = _asked(ask, tasks, lambda: time.monotonic() - began < QUIET)
            began = time.monotonic()
            ask("POST", "/scheduler/upkeep")
            busy = _asked(ask, tasks, lambda: not _cleaned(ask) and time.monotonic() - began < longest)
            took = time.monotonic() - began
        gone = runs - _count(here)
    before, during = percentile(quiet, 0.99), percentile(busy, 0.99)
    shown = [f"{seconds * 1000:.0f} ms" for seconds in (during, before, max(busy), max(quiet))]
    promised = int(runs * OLD) - TASKS
    what = f"API p99 while {promised:,} of {runs:,} runs are cleaned"
    return [
        Result(what, shown[0], shown[1], f"{during / before:.1f} ×", "< 500 ms", during < 0.5),
        Result("… the slowest call", shown[2], shown[3], f"of {len(busy):,} calls", "", True),
        Result("… cleaned in the time", f"{gone:,} in {took:.0f} s", "", f"{gone / took:,.0f} runs/s", "it goes on", gone > 0),
    ]  # fmt: skip


def fill_runs(here: Stage, tasks: list[int], runs: int) -> None:
    """Runs spread evenly over the tasks and, the old ones and the young ones, over their times; each with its attempt."""
    with here.app.app_context(), transaction() as session:  # today's clean-up is done: it begins when it is asked for
        now = clock.now()
        session.add(Upkeep(due_at=now, asked_at=now, status=Status.SUCCESS, started_at=now, finished_at=now))
        for name in (FOLDED, f"{KEPT}success"):
            session.add(Tally(name=name, value=runs))  # as a server that was there all along has done, minute by minute
    database = sqlite3.connect(here.instance / "scheduler.db")
    database.executescript("PRAGMA synchronous=OFF; PRAGMA cache_size=-400000")
    run = """INSERT INTO run (id, public_id, task_id, cause_key, scheduled_at, queued_at, started_at, finished_at, task_version,
                              cause, late, triggered_by, status, priority, group_id, duration, hastened_by, cancel_by,
                              cancel_count, attempts, exit_code, last_line, log_bytes, missed_count)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, 'schedule', 0, '', 'success', 0, 1, 1.0, '', '', 0, 1, 0, 'done', 5, 0)"""
    attempt = """INSERT INTO attempt (run_id, number, status, task_version, claimed_at, started_at, finished_at, duration, host,
                                      node)
                 VALUES (?, 1, 'success', 1, ?, ?, ?, 1.0, 'here', 'here')"""
    indexes = database.execute(
        "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'run' AND sql LIKE 'CREATE%INDEX%'"
    ).fetchall()
    for name, _ in indexes:
        database.execute(f"DROP INDEX {name}")
    with database:
        database.executemany(run, _rows(tasks, runs))
        database.executemany(attempt, ((number, at, at, at) for number, at in _times(runs)))
        for _, made in indexes:
            database.execute(made)
    database.close()


def _times(runs: int) -> Iterator[tuple[int, str]]:
    """The numbers of the runs and when each was, oldest first."""
    now, old = datetime.now(UTC).replace(tzinfo=None), int(runs * OLD)
    for number in range(runs):
        age = 31 + 300 * (old - number) / old if number < old else 29 * (runs - number) / (runs - old)
        yield number + 1, str(now - timedelta(days=age, microseconds=1))


def _rows(tasks: list[int], runs: int) -> Iterator[tuple[object, ...]]:
    for number, at in _times(runs):
        yield number, f"exec-{number:08}", tasks[number % len(tasks)], str(number), at, at, at, at


def _signed_in(port: int) -> Callable[[str, str], dict[str, object]]:
    """What asks the API, with a token."""

    def ask(method: str, path: str, body: object = None, token: str = "") -> dict[str, object]:
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(f"http://127.0.0.1:{port}/api/v1{path}", data, headers, method=method), timeout=60) as answer:
            said: dict[str, object] = json.load(answer)
            return said

    signed = ask("POST", "/auth/login", {"username": "admin", "password": "benchmark password"})
    token = str(signed["data"]["access_token"])  # type: ignore[index]
    return lambda method, path: ask(method, path, None, token)


def _asked(ask: Callable[[str, str], object], tasks: list[int], on: Callable[[], bool]) -> list[float]:
    """How long each call took, in seconds, of a few clients that ask one after the other while `on`."""
    spent: list[float] = []
    over = threading.Event()

    def client(number: int) -> None:
        turn = number
        while not over.is_set():
            task = tasks[turn % len(tasks)]
            calls = (("GET", "/scheduler/tasks?size=20"), ("GET", f"/scheduler/tasks/{task}/executions?size=20"),
                     ("GET", f"/scheduler/tasks/{task}"), ("POST", f"/scheduler/tasks/{task}/trigger"))  # fmt: skip
            began = time.perf_counter()
            ask(*calls[turn % len(calls)])
            spent.append(time.perf_counter() - began)
            turn += 1
            time.sleep(0.02)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    while on():
        time.sleep(1)
    over.set()
    for thread in threads:
        thread.join()
    return spent


def _cleaned(ask: Callable[[str, str], dict[str, object]]) -> bool:
    newest = ask("GET", "/scheduler/upkeep")["data"]["runs"][0]  # type: ignore[index]
    return bool(newest["end_time"])


def _count(here: Stage) -> int:
    """How many of the runs made beforehand are left."""
    database = sqlite3.connect(here.instance / "scheduler.db")
    found = int(database.execute("SELECT count(*) FROM run WHERE cause = 'schedule'").fetchone()[0])
    database.close()
    return found


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=RUNS)
    options.add_argument("--whole", action="store_true")
    given = options.parse_args()
    for line in cleaning(given.runs, WHOLE if given.whole else LONGEST):
        print(f"{line.what}: {line.measured}; floor {line.floor}; {line.ratio}; {line.promise}: {line.kept}")
