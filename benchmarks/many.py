"""What ten thousand enabled tasks cost the server: to start, to rest, to hold, and to wake up when a thousand are due."""

import gc
import subprocess
import sys
import time
from datetime import timedelta
from statistics import median
from typing import Any

from apscheduler.schedulers.base import STATE_RUNNING
from sqlalchemy import insert, update

from benchmarks.stage import ROOT, Result, Stage, own_processor_seconds, resident_mb, stage
from scheduler import clock
from scheduler.accounts.permissions import SYSTEM
from scheduler.daemon.timetable import Timetable
from scheduler.database import db, table, transaction
from scheduler.runs import ledger
from scheduler.runs.models import Run
from scheduler.tasks import definitions
from scheduler.tasks.models import Task

FEW, MANY, DUE = 10, 10_000, 1_000
ROUNDS = 5
SETTLING = 15.0  # seconds in which a first clean-up is done, which is no rest
REST = 30.0


def tasks() -> list[Result]:
    """A server with ten tasks, then one with ten thousand, each with a cron expression of its own."""
    bare = min(_imports() for _ in range(3))
    few, many = _server(FEW), _server(MANY)
    over, growth, rest = many["start"] - bare, many["memory"] - few["memory"], many["rest"]
    return [
        Result(
            f"Start with {MANY:,} tasks, processor time",
            f"{many['start']:.2f} s",
            f"{bare:.2f} s",
            f"+{over:.2f} s",
            "≤ +2 s",
            over <= 2,
        ),
        Result("… of a core at rest", f"{rest:.3%}", f"{few['rest']:.3%} with {FEW}", "", "≤ 0.1 %", rest <= 0.001),
        Result(
            "… memory over that with ten",
            f"{many['memory']:.1f} MB",
            f"{few['memory']:.1f} MB",
            f"+{growth:.1f} MB",
            "≤ +10 MB",
            growth <= 10,
        ),
    ]


def wake_up() -> list[Result]:
    """A pass of the timetable over ten thousand jobs of which a thousand are due: until all have their row."""
    with stage() as here:
        _fill(here, MANY)
        each = median(_pass(here) for _ in range(ROUNDS)) / DUE * 1000
    return [Result(f"Wake-up, {DUE:,} of {MANY:,} due, for each", f"{each:.3f} ms", "", "", "≤ 0.05 ms", each <= 0.05)]


def _server(count: int) -> dict[str, float]:
    with stage() as here:
        _fill(here, count)
        with here.server() as server:
            time.sleep(3)
            start = own_processor_seconds(server.pid)
            time.sleep(SETTLING)
            before, began = own_processor_seconds(server.pid), time.monotonic()
            time.sleep(REST)
            spent = (own_processor_seconds(server.pid) - before) / (time.monotonic() - began)
            return {"start": start, "rest": spent, "memory": resident_mb(server.pid)}


def _imports() -> float:
    """Processor seconds of a process that imports the same and does nothing."""
    code = "import time, app, scheduler.cli; print(time.process_time())"
    return float(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT))


def _pass(here: Stage) -> float:
    """Processor seconds of one pass in which `DUE` tasks are due."""
    with here.app.app_context(), transaction() as session:
        instant = clock.now().replace(microsecond=0) - timedelta(seconds=1)
        session.connection().execute(update(table(Run)).values(status="success"))
        due = update(table(Task)).where(table(Task).c.id <= DUE)
        session.connection().execute(due.values(next_run_at=instant, schedule_config={"cron": "*/15 * * * *"}))
    timetable = Timetable(here.app, ledger.settle)
    timetable.refresh()
    timetable._scheduler.start(paused=True)
    timetable._scheduler.state = STATE_RUNNING
    gc.collect()
    gc.freeze()
    began = time.thread_time()
    timetable._scheduler._process_jobs()
    spent = time.thread_time() - began
    timetable.stop()
    return spent


def _fill(here: Stage, count: int) -> None:
    """Copies of one task made by the verb, each with an expression of its own, none due soon."""
    with here.app.app_context():
        values = {"name": "task 0", "command": ":", "schedule_type": "cron", "schedule_config": "0 2 * * *"}
        first = definitions.create(SYSTEM, values)
        known: dict[str, Any] = {
            column.name: getattr(first, column.name) for column in table(Task).columns if column.name not in ("id", "metadata")
        }
        known |= {"metadata": {}, "next_run_at": clock.now() + timedelta(days=2)}
        copies = [
            known
            | {"name": f"task {n}", "key": f"task-{n}", "schedule_config": {"cron": f"{n % 60} {n // 60 % 24} {n % 28 + 1} * *"}}
            for n in range(1, count)
        ]
        with transaction() as session:
            session.connection().execute(insert(table(Task)), copies)
        db.session.remove()
