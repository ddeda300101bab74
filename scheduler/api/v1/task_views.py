"""What can be asked about one task: its next due instants, how it stands, how it has gone, what it waits for."""

from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel, Field

from scheduler import gate
from scheduler.accounts.permissions import Actor, can
from scheduler.api import asking, described
from scheduler.api.answers import done
from scheduler.api.described import Shape
from scheduler.api.language import say
from scheduler.api.times import shown
from scheduler.api.v1 import shapes
from scheduler.api.v1.answer_models import Brief, Number, Trends
from scheduler.api.v1.schedules import Due, occurrence
from scheduler.api.v1.statuses import WORDS
from scheduler.runs import history, statistics
from scheduler.runs.models import Run
from scheduler.runs.status import Status
from scheduler.schedules import zone
from scheduler.schedules.preview import occurrences
from scheduler.tasks import dependencies, queries
from scheduler.tasks.models import Task

calls = Blueprint("v1_task_views", __name__, url_prefix="/v1/scheduler/tasks/<task_id>")
MOST_RUNS = 100
TREND_DAYS = 30


class Count(BaseModel):
    """How many."""

    count: int = Field(5, ge=1, le=MOST_RUNS)


class NextRuns(Shape):
    """The next due instants."""

    next_runs: list[Due]


class Standing(Shape):
    """How a task stands."""

    task_id: int
    status: str
    is_active: bool
    running: list[str]
    pending: list[str]
    next_run_time: str | None
    last_execution: Brief | None


class Stats(Shape):
    """How a task has gone."""

    total_executions: int
    success_count: int
    failed_count: int
    success_rate: Number
    average_duration: Number
    last_execution: Brief | None
    execution_trends: Trends


class Neighbour(Shape):
    """A task beside another one; of one that may not be seen the number only."""

    task_id: int
    is_deleted: bool
    key: str | None
    name: str | None
    is_active: bool | None
    depends_mode: str | None
    last_status: str | None


class Upstream(Neighbour):
    """One that is waited for, and its end that is not used up yet."""

    arrived_execution_id: str | None


class Dependencies(Shape):
    """What a task waits for, and what waits for it."""

    task_id: int
    depends_mode: str
    upstreams: list[Upstream]
    dependants: list[Neighbour]
    warnings: list[str]


@calls.get("/next-runs")
@described.call(asks=Count, answers=NextRuns, refuses=(404,))
@gate.allowed("task.see")
def next_runs(task_id: str) -> Response:
    """When it is due next; never, while it is paused."""
    task = queries.find(gate.current_actor(), task_id)
    count = asking.number("count", 5, (1, MOST_RUNS))
    due = occurrences(queries.plan_of(task), queries.upcoming(task, count), zone(task.timezone))
    return done({"next_runs": [occurrence(one) for one in due]})


@calls.get("/status")
@described.call(answers=Standing, refuses=(404,))
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
@described.call(answers=Stats, refuses=(404,))
@gate.allowed("task.see")
def stats(task_id: str) -> Response:
    """How it has gone: in all, and on each of the last days in UTC."""
    task = queries.find(gate.current_actor(), task_id)
    total = task.total_count
    days = shapes.daily(statistics.daily(task, TREND_DAYS))
    averages = {
        "success_rate": round(task.success_count / total, 4) if total else 0.0,
        "average_duration": round(task.total_duration / total, 3) if total else 0.0,
    }
    rest = {"last_execution": _last(task), "execution_trends": {"daily_counts": days}}
    return done(shapes.counters(task) | averages | rest)


@calls.get("/dependencies")
@described.call(answers=Dependencies, refuses=(404,))
@gate.allowed("task.see")
def waits(task_id: str) -> Response:
    """What it waits for, what waits for it, and what is amiss with that."""
    actor = gate.current_actor()
    task = queries.find(actor, task_id)
    upstreams = dependencies.upstreams(task)
    warnings = dependencies.warnings(actor, task, upstreams)
    return done(
        {
            "task_id": task.id,
            "depends_mode": task.depends_mode,
            "upstreams": [_neighbour(actor, one.task) | {"arrived_execution_id": one.arrival} for one in upstreams],
            "dependants": [_neighbour(actor, one) for one in dependencies.dependants(actor, task)],
            "warnings": [say(one.text, **one.params) for one in warnings],
        }
    )


def _neighbour(actor: Actor, task: Task) -> dict[str, Any]:
    """A task beside another one; of one that may not be seen no more than its number, and whether it is deleted."""
    known = {"task_id": task.id, "is_deleted": task.deleted_at is not None}
    if not can(actor, "task.see", task):
        return {**known, "key": None, "name": None, "is_active": None, "depends_mode": None, "last_status": None}
    last = WORDS[task.last_status] if task.last_status else None
    rest = {"key": task.key, "name": task.name, "is_active": task.enabled, "depends_mode": task.depends_mode}
    return {**known, **rest, "last_status": last}


def _last(task: Task) -> dict[str, Any] | None:
    return shapes.brief(history.last_of([task]).get(task.id))


def _ids(alive: list[Run], status: Status) -> list[str]:
    return [run.public_id for run in alive if run.status == status]
