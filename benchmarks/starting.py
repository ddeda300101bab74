"""How late runs start: at rest, and when three hundred are due at one second; and what a run costs in processor time."""

import subprocess
import time
from datetime import datetime, timedelta

from sqlalchemy import select

from benchmarks.stage import Result, Stage, floor_loop, next_minute, percentile, processor_seconds, stage, wait_until
from scheduler.database import db
from scheduler.runs.models import Attempt, Run
from scheduler.runs.status import Status

BURST = 300
AT_REST = 20


def at_rest() -> list[Result]:
    """Twenty tasks a minute, three seconds apart, over one minute; the floor is a loop that sleeps and calls Popen."""
    with stage() as here:
        due = [next_minute(20) + timedelta(seconds=3 * number) for number in range(AT_REST)]
        for number, instant in enumerate(due):
            here.add(f"rest {number}", ":", schedule_type="once", schedule_config={"at": instant.isoformat()})
        with here.server():
            wait_until(lambda: len(_late(here)) == AT_REST, 180, 0.5)
            ours = _late(here)
    floor = _sleeping_floor(AT_REST)
    over = (percentile(ours, 0.99) - percentile(floor, 0.99)) * 1000
    return [
        Result(
            "Start lateness at rest, p99",
            f"{percentile(ours, 0.99) * 1000:.1f} ms",
            f"{percentile(floor, 0.99) * 1000:.1f} ms",
            f"+{over:.1f} ms",
            "≤ +50 ms",
            over <= 50,
        )
    ]


def burst() -> list[Result]:
    """Three hundred no-ops due at one second, ten at once: lateness, completeness, processor time."""
    before, cost_before = floor_loop(":", BURST)
    with stage(execution__concurrency__max_concurrent="10") as here:
        instant = next_minute(20)
        for number in range(BURST):
            here.add(f"burst {number}", ":", schedule_type="once", schedule_config={"at": instant.isoformat()})
        with here.server() as server:
            idle = _idle(server)
            began, spent = time.monotonic(), processor_seconds(server.pid)
            wait_until(lambda: _count(here, Status.SUCCESS) == BURST, 120, 0.5)
            cost = (processor_seconds(server.pid) - spent - idle * (time.monotonic() - began)) / BURST
            ours = _late(here)
    after, cost_after = floor_loop(":", BURST)
    floor = (percentile(before, 0.99) + percentile(after, 0.99)) / 2
    floor_cost = (cost_before + cost_after) / 2
    late, ratio, cost_ratio = percentile(ours, 0.99), percentile(ours, 0.99) / floor, cost / floor_cost
    return [
        Result(
            f"Burst of {BURST}, start lateness p99",
            f"{late * 1000:.0f} ms",
            f"{floor * 1000:.0f} ms",
            f"{ratio:.1f} ×",
            "≤ 4 ×",
            ratio <= 4,
        ),
        Result(
            "Processor time per no-op run",
            f"{cost * 1000:.2f} ms",
            f"{floor_cost * 1000:.2f} ms",
            f"{cost_ratio:.1f} ×",
            "≤ 6 ×",
            cost_ratio <= 6,
        ),
    ]


def _late(here: Stage) -> list[float]:
    """Seconds from the due instant to the start its supervisor recorded, of every finished first attempt."""
    with here.app.app_context():
        query = (
            select(Run.scheduled_at, Attempt.started_at)
            .join(Attempt, Attempt.run_id == Run.id)
            .where(Attempt.finished_at.is_not(None))
        )
        rows: list[tuple[datetime, datetime]] = [(row[0], row[1]) for row in db.session.execute(query)]
    return [(started - scheduled).total_seconds() for scheduled, started in rows]


def _count(here: Stage, status: Status) -> int:
    with here.app.app_context():
        return len(db.session.scalars(select(Run.id).where(Run.status == status)).all())


def _idle(server: subprocess.Popen[bytes]) -> float:
    """Processor seconds the server spends in a second with nothing to do, once it has settled down."""
    time.sleep(3)
    before = processor_seconds(server.pid)
    time.sleep(4)
    return (processor_seconds(server.pid) - before) / 4


def _sleeping_floor(count: int) -> list[float]:
    late = []
    for _ in range(count):
        due = time.time() + 0.2
        time.sleep(due - time.time())
        process = subprocess.Popen(["sh", "-c", ":"])
        late.append(time.time() - due)
        process.wait()
    return late
