"""How late runs start: at rest, and when three hundred are due at one second; and what a run costs in processor time."""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import func, select, update

from benchmarks.stage import (
    Result,
    Stage,
    floor_loop,
    in_seconds,
    own_processor_seconds,
    percentile,
    processor_seconds,
    stage,
    wait_until,
)
from scheduler import clock
from scheduler.database import db, table, transaction
from scheduler.runs.models import Attempt, Run
from scheduler.runs.status import Status
from scheduler.tasks.models import Task

BURST = 300
THOUSAND = 1000
ROUNDS = 3
AT_REST = 20


def at_rest() -> list[Result]:
    """Twenty tasks, two seconds apart; the floor is a loop that sleeps and calls Popen."""
    with stage() as here:
        tasks = _tasks(here, AT_REST)
        with here.server():
            first = in_seconds(4)
            for number, task in enumerate(tasks):
                _due(here, [task], first + timedelta(seconds=2 * number))
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


@dataclass(frozen=True)
class Burst:
    """What was measured of one: seconds of lateness and until the last row was there; processor seconds per run."""

    late: float
    floor: float
    rows: float
    cost: float
    own: float
    floor_cost: float


def burst() -> list[Result]:
    """Three hundred no-ops due at one second, ten at once: lateness and processor time, the median of three."""
    taken = [_burst(BURST) for _ in range(ROUNDS)]
    ratio = median(one.late / one.floor for one in taken)
    cost, own = median(one.cost for one in taken), median(one.own for one in taken)
    cost_ratio = median(one.cost / one.floor_cost for one in taken)
    floor_cost = median(one.floor_cost for one in taken)
    return [
        _lateness(BURST, taken, ratio, 4),
        Result(
            "Processor time per no-op run",
            f"{cost * 1000:.2f} ms",
            f"{floor_cost * 1000:.2f} ms",
            f"{cost_ratio:.1f} ×",
            "≤ 6 ×",
            cost_ratio <= 6,
        ),
        Result(
            "… of it the server's", f"{own * 1000:.2f} ms", f"{floor_cost * 1000:.2f} ms", f"{own / floor_cost:.1f} ×", "", True
        ),
    ]


def burst_of_a_thousand() -> list[Result]:
    """A thousand no-ops due at one second, the median of three."""
    taken = [_burst(THOUSAND) for _ in range(ROUNDS)]
    ratio, rows = median(one.late / one.floor for one in taken), max(one.rows for one in taken)
    written = Result("… every row, after the instant", f"{rows * 1000:.0f} ms", "", "", "≤ 1 s", rows <= 1)
    return [_lateness(THOUSAND, taken, ratio, 3), written]


def _lateness(count: int, taken: Sequence[Burst], ratio: float, most: int) -> Result:
    late, floor = median(one.late for one in taken), median(one.floor for one in taken)
    what = f"Burst of {count:,}, start lateness p99"
    return Result(what, f"{late * 1000:.0f} ms", f"{floor * 1000:.0f} ms", f"{ratio:.1f} ×", f"≤ {most} ×", ratio <= most)


def _burst(count: int) -> Burst:
    before, cost_before = floor_loop(":", count)
    with stage(execution__concurrency__max_concurrent="10") as here:
        tasks = _tasks(here, count)
        with here.server() as server:
            instant = in_seconds(5)
            _due(here, tasks, instant)
            time.sleep(max(instant.timestamp() - time.time() - 1, 0))
            spent, own = processor_seconds(server.pid), own_processor_seconds(server.pid)
            wait_until(lambda: _count(here, Status.SUCCESS) == count, 120, 0.5)
            cost, own = processor_seconds(server.pid) - spent, own_processor_seconds(server.pid) - own
            late, rows = _late(here), _last_row(here, instant)
    after, cost_after = floor_loop(":", count)
    floor = (percentile(before, 0.99) + percentile(after, 0.99)) / 2
    return Burst(percentile(late, 0.99), floor, rows, cost / count, own / count, (cost_before + cost_after) / 2)


def _tasks(here: Stage, count: int) -> list[int]:
    """No-ops that are due tomorrow."""
    tomorrow = in_seconds(86400).isoformat()
    return [here.add(f"task {number}", ":", schedule_type="once", schedule_config={"at": tomorrow}) for number in range(count)]


def _due(here: Stage, tasks: Sequence[int], instant: datetime) -> None:
    """Have these due at an instant, in one step: making them takes the longer the busier the machine is."""
    with here.app.app_context(), transaction() as session:
        values = {"schedule_config": {"at": instant.isoformat()}, "next_run_at": instant, "updated_at": clock.now()}
        session.connection().execute(update(table(Task)).where(table(Task).c.id.in_(tasks)).values(values))


def _last_row(here: Stage, instant: datetime) -> float:
    """Seconds from the instant until all its rows were decided on; they are written in that transaction."""
    with here.app.app_context():
        last: datetime = db.session.scalars(select(func.max(Run.queued_at))).one()
    return (last - instant).total_seconds()


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


def _sleeping_floor(count: int) -> list[float]:
    late = []
    for _ in range(count):
        due = time.time() + 0.2
        time.sleep(due - time.time())
        process = subprocess.Popen(["sh", "-c", ":"])
        late.append(time.time() - due)
        process.wait()
    return late
