"""The installation: its metrics, and its housekeeping, as the job that it is and by hand."""

from typing import Any

from flask import Blueprint, Response

from scheduler import clock, gate, nodes
from scheduler.api import asking, bodies, described
from scheduler.api.answers import done
from scheduler.api.times import shown
from scheduler.api.v1.system_models import Age, Cleaned, Metrics, Record, Records
from scheduler.config import settings
from scheduler.errors import N_
from scheduler.runs import measures, upkeep, workspaces
from scheduler.runs.models import Upkeep
from scheduler.tasks import pausing

calls = Blueprint("v1_system", __name__, url_prefix="/v1/scheduler")
MOST_HOURS = 876_000
MB = 1024 * 1024


@calls.get("/metrics")
@described.call(answers=Metrics)
@gate.allowed("metrics.see")
def metrics() -> Response:
    """How the machine and the scheduler are doing, over all tasks."""
    machine, work = measures.machine(), measures.work(clock.now())
    return done(
        {
            "cpu_percent": machine.cpu,
            "memory_percent": machine.memory,
            "disk_usage": machine.disk,
            "active_tasks": work.running_tasks,
            "scheduler_status": _standing(),
            "queue_status": {
                "pending_tasks": work.pending,
                "running_tasks": work.running,
                "completed_today": work.completed_today,
            },
            "database_status": "HEALTHY",  # it has just answered
            "redis_status": _broker(),
            "last_updated": shown(clock.now()),
        }
    )


@calls.post("/cleanup-workspaces")
@described.call(asks=Age, answers=Cleaned)
@gate.allowed("settings.manage")
def clean_workspaces() -> Response:
    """Remove the workspaces of executions that were over so many hours ago."""
    bodies.nothing()
    hours = asking.number("max_age_hours", 24, (0, MOST_HOURS))
    removed = workspaces.remove(gate.current_actor(), hours)
    summary = {
        "directories_removed": removed.count,
        "directories_failed": removed.failed,
        "space_freed_mb": round(removed.bytes / MB, 1),
        "oldest_removed": shown(removed.oldest),
        "cleanup_time": shown(clock.now()),
    }
    said = N_("Done: workspaces older than %(hours)s hours are removed.")
    return done({"cleanup_summary": summary}, said, hours=hours)


@calls.get("/upkeep")
@described.call(answers=Records)
@gate.allowed("settings.manage")
def shown_upkeep() -> Response:
    """When the clean-up is due, what it keeps for how long, and what it did lately."""
    records = upkeep.records(gate.current_actor())
    return done(
        {
            "next_run": shown(upkeep.next_due(clock.now())),
            "keeps": settings().history.model_dump(),
            "runs": [_record(record) for record in records],
        }
    )


@calls.post("/upkeep")
@described.call(answers=Record, refuses=(409,))
@gate.allowed("settings.manage")
def start_upkeep() -> Response:
    """Have everything cleaned now; the daemon does it."""
    bodies.nothing()
    return done(_record(upkeep.request(gate.current_actor())), N_("The clean-up begins."))


def _standing() -> str:
    if not nodes.ticking():
        return "STOPPED"
    return "PAUSED" if pausing.current() else "RUNNING"


def _broker() -> str:
    """Of the broker, as those know it who live on it."""
    if not settings().handed_over:
        return "DISABLED"
    return "HEALTHY" if nodes.workers() else "UNHEALTHY"


def _record(record: Upkeep) -> dict[str, Any]:
    return {
        "id": record.id,
        "status": record.status.upper(),
        "due_at": shown(record.due_at),
        "asked_by": record.asked_by or None,
        "start_time": shown(record.started_at),
        "end_time": shown(record.finished_at),
        "freed": record.freed or {},
        "error_message": record.error or None,
    }
