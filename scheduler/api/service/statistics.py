"""How a task and all tasks go, in 000's words, and 004's status of the scheduler."""

from flask import Blueprint, Response

from scheduler import gate, heartbeat
from scheduler.api import described
from scheduler.api.answers import answer
from scheduler.api.service import answer_models, questions
from scheduler.api.v1 import ranges
from scheduler.api.v1.shapes import number
from scheduler.config import settings
from scheduler.runs import history, statistics
from scheduler.runs.status import Status
from scheduler.schedules import zone
from scheduler.tasks import queries, totals
from scheduler.tasks.totals import Totals

calls = Blueprint("service_statistics", __name__, url_prefix="/scheduler")


@calls.get("/tasks/<task_id>/stats")
@described.call(asks=questions.Span, answers=answer_models.TaskStats, form="bare", refuses=(404,))
@gate.allowed("task.see")
def of_task(task_id: str) -> Response:
    """How a task's executions went, all or those of some days; the rate in per cent."""
    task = queries.find(gate.current_actor(), task_id)
    found = statistics.within(task, *ranges.days(zone(task.timezone)))
    return answer(
        {
            "total_executions": found.runs,
            "success": found.successes,
            "failed": found.failures,
            "success_rate": _rate(found),
            "avg_duration": number(found.seconds / found.runs) if found.runs else 0,
            "total_duration": number(found.seconds),
        }
    )


@calls.get("/stats")
@described.call(answers=answer_models.AllStats, form="bare")
@gate.allowed("task.see")
def of_all() -> Response:
    """How all tasks go that one may see; the rate in per cent."""
    found = _all()
    return answer(
        {
            "total_tasks": found.tasks,
            "active_tasks": found.enabled,
            "total_executions": found.runs,
            "success_rate": _rate(found),
            "by_status": {"success": found.successes, "failed": found.failures},
        }
    )


@calls.get("/status")
@described.call(answers=answer_models.Standing, form="bare")
@gate.allowed("task.see")
def status() -> Response:
    """Whether the scheduler works, and how much there is of what one may see."""
    found = _all()
    return answer(
        {
            "running": heartbeat.fresh(settings().instance),
            "total_tasks": found.tasks,
            "enabled_tasks": found.enabled,
            "running_executions": history.count(Status.RUNNING, gate.current_actor()),
        }
    )


def _all() -> Totals:
    return sum(totals.by_group(gate.current_actor()).values(), Totals())


def _rate(found: Totals) -> float:
    return round(100 * found.successes / found.runs, 2) if found.runs else 0.0
