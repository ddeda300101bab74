"""Tasks as 000 shows them: brief in lists, whole when one is asked for; 004's form of them stands beside."""

from collections.abc import Mapping, Sequence
from typing import Any

from scheduler.accounts.permissions import Actor
from scheduler.api import spelled, wishes
from scheduler.api.service.bodies import RESERVED
from scheduler.api.times import shown
from scheduler.api.v1 import shapes
from scheduler.api.words import WORDS, current
from scheduler.runs import history
from scheduler.runs.models import Run
from scheduler.tasks import queries
from scheduler.tasks.models import Task

OTHERWISE = frozenset({"key", "name", "is_active", "schedule_type", "schedule_config", "metadata"})  # 000 has its own for these


def briefs(found: Sequence[Task]) -> list[dict[str, Any]]:
    """Tasks as in 000's list."""
    alive = history.alive([task.id for task in found])
    return [_brief(task, alive.get(task.id, ())) for task in found]


def whole(actor: Actor, task: Task) -> dict[str, Any]:
    """One task with all that can be sent, under the names it can be sent with."""
    values: Mapping[str, Any] = shapes.task(actor, task)
    fields = {name: values[name] for name in sorted(spelled.OURS - OTHERWISE) if name in values}
    notes = {name: value for name, value in task.notes.items() if name not in RESERVED}
    own = {"enabled": task.enabled, "owner": values["owner"], "metadata": notes, "task_notify": wishes.rules(task)}
    times = {"created_at": shown(task.created_at), "updated_at": shown(task.updated_at)}
    return {**briefs([task])[0], **fields, **own, **times}


def _brief(task: Task, alive: Sequence[Run]) -> dict[str, Any]:
    return {
        "id": task.key,
        "name": task.name,
        "group": task.group.key,
        "status": "active" if task.enabled else "inactive",
        "schedule": queries.plan_of(task).schedule.text(),
        "next_run": shown(task.next_run_at),
        "last_run": shown(task.last_started_at),
        "last_status": WORDS[task.last_status] if task.last_status else None,
        "current_status": current(task, alive),
    }
