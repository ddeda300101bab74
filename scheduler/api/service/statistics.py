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
from scheduler.tasks import queries

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
            "total_executions": found.total,
            "success": found.success,
            "failed": found.failed,
            "success_rate": round(100 * found.rate, 2),
            "avg_duration": number(found.average),
            "total_duration": number(found.duration),
        }
    )


@calls.get("/stats")
@described.call(answers=answer_models.AllStats, form="bare")
@gate.allowed("task.see")
def of_all() -> Response:
    """How all tasks go that one may see; the rate in per cent."""
    actor = gate.current_actor()
    counts, found = queries.counts(actor, frozenset()), statistics.of_all(actor)
    return answer(
        {
            "total_tasks": counts["all"],
            "active_tasks": counts["all"] - counts["disabled"],
            "total_executions": found.total,
            "success_rate": round(100 * found.rate, 2),
            "by_status": {"success": found.success, "failed": found.failed},
        }
    )


@calls.get("/status")
@described.call(answers=answer_models.Standing, form="bare")
@gate.allowed("task.see")
def status() -> Response:
    """Whether the scheduler works, and how much there is of what one may see."""
    actor = gate.current_actor()
    counts = queries.counts(actor, frozenset())
    return answer(
        {
            "running": heartbeat.fresh(settings().instance),
            "total_tasks": counts["all"],
            "enabled_tasks": counts["all"] - counts["disabled"],
            "running_executions": history.count(Status.RUNNING, actor),
        }
    )
