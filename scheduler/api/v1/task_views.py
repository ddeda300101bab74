"""What can be asked about one task: its next due instants, how it stands, how it has gone."""

from typing import Any

from flask import Blueprint, Response

from scheduler import gate
from scheduler.api import asking
from scheduler.api.answers import done
from scheduler.api.times import shown
from scheduler.api.v1 import shapes
from scheduler.api.v1.schedules import occurrence
from scheduler.runs import history, statistics
from scheduler.runs.models import Run
from scheduler.runs.status import Status
from scheduler.schedules import zone
from scheduler.schedules.preview import Occurrence, note
from scheduler.tasks import queries
from scheduler.tasks.models import Task

calls = Blueprint("v1_task_views", __name__, url_prefix="/v1/scheduler/tasks/<task_id>")
MOST_RUNS = 100
TREND_DAYS = 30


@calls.get("/next-runs")
@gate.allowed("task.see")
def next_runs(task_id: str) -> Response:
    """When it is due next; never, while it is paused."""
    task = queries.find(gate.current_actor(), task_id)
    count = asking.number("count", 5, (1, MOST_RUNS))
    plan, here = queries.plan_of(task), zone(task.timezone)
    due = [Occurrence(utc, utc.astimezone(here), note(plan, utc, here)) for utc in queries.upcoming(task, count)]
    return done({"next_runs": [occurrence(one) for one in due]})


@calls.get("/status")
@gate.allowed("task.see")
def status(task_id: str) -> Response:
    """How it stands now."""
    task = queries.find(gate.current_actor(), task_id)
    alive = history.alive([task.id]).get(task.id, [])
    return done(
        {
            "task_id": task.id,
            "status": shapes.status(alive),
            "is_active": task.enabled,
            "running": _ids(alive, Status.RUNNING),
            "pending": _ids(alive, Status.PENDING),
            "next_run_time": shown(task.next_run_at),
            "last_execution": _last(task),
        }
    )


@calls.get("/stats")
@gate.allowed("task.see")
def stats(task_id: str) -> Response:
    """How it has gone: in all, and on each of the last days in UTC."""
    task = queries.find(gate.current_actor(), task_id)
    total = task.total_count
    days = [
        {"date": day.date.isoformat(), "success": day.success, "failed": day.failed} for day in statistics.daily(task, TREND_DAYS)
    ]
    averages = {
        "success_rate": round(task.success_count / total, 4) if total else 0.0,
        "average_duration": round(task.total_duration / total, 3) if total else 0.0,
    }
    rest = {"last_execution": _last(task), "execution_trends": {"daily_counts": days}}
    return done(shapes.counters(task) | averages | rest)


def _last(task: Task) -> dict[str, Any] | None:
    return shapes.brief(history.last_of([task]).get(task.id))


def _ids(alive: list[Run], status: Status) -> list[str]:
    return [run.public_id for run in alive if run.status == status]
