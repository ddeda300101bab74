"""How everything one may see has gone: in all, by group, by day; and the words on tasks. One task's are with the task."""

from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel, Field

from scheduler import gate
from scheduler.api import asking, described
from scheduler.api.answers import done
from scheduler.api.described import Shape
from scheduler.api.v1.answer_models import Number, Trends
from scheduler.api.v1.shapes import averages, daily
from scheduler.runs import statistics
from scheduler.tasks import queries, totals
from scheduler.tasks.totals import Totals

calls = Blueprint("v1_stats", __name__, url_prefix="/v1/scheduler")
MOST_DAYS = 90


class Days(BaseModel):
    """How many days back."""

    days: int = Field(7, ge=1, le=MOST_DAYS)


class Counted(Shape):
    """Tasks and how their executions went."""

    task_count: int
    enabled_count: int
    total_executions: int
    success_count: int
    failed_count: int
    success_rate: Number
    average_duration: Number


class OfGroup(Counted):
    """… in one group."""

    group_id: int
    key: str
    name: str


class Stats(Counted):
    """… in all, by group and by day."""

    by_group: list[OfGroup]
    execution_trends: Trends


class Tag(Shape):
    """A word on tasks, and on how many."""

    name: str
    task_count: int


@calls.get("/stats")
@described.call(asks=Days, answers=Stats)
@gate.allowed("task.see")
def stats() -> Response:
    """In all, by group, and on each of the last days in UTC; totals are of the tasks that are not deleted."""
    actor = gate.current_actor()
    days = asking.number("days", 7, (1, MOST_DAYS))
    counted = totals.by_group(actor)
    groups = [
        {"group_id": one.id, "key": one.key, "name": one.name} | _counts(counted[one.id])
        for one in queries.groups(actor)
        if one.id in counted
    ]
    trends = {"daily_counts": daily(statistics.daily_of_all(actor, days))}
    return done(_counts(sum(counted.values(), Totals())) | {"by_group": groups, "execution_trends": trends})


@calls.get("/tags")
@described.call(answers=list[Tag])
@gate.allowed("task.see")
def tags() -> Response:
    """The words on the tasks one may see."""
    return done([{"name": name, "task_count": count} for name, count in queries.tag_counts(gate.current_actor())])


def _counts(found: Totals) -> dict[str, Any]:
    return {"task_count": found.tasks, "enabled_count": found.enabled} | averages(found)
