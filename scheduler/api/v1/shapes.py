"""Tasks and executions as v1 shows them: every documented key, always there, of its documented type; nothing is decided here.

A schedule is answered with the word it was asked for with, in capitals (`ONCE`, `DATE`, `CRON`, `WEEKLY` …); its
`schedule_config` is one text for cron, interval (seconds) and single dates, an object for the other kinds.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from scheduler.accounts import users
from scheduler.accounts.models import User
from scheduler.accounts.permissions import Actor, can
from scheduler.api import wishes
from scheduler.api.times import shown
from scheduler.api.v1.statuses import WORDS
from scheduler.kinds import kinds
from scheduler.runs import history
from scheduler.runs.models import Run
from scheduler.runs.statistics import Day
from scheduler.runs.status import Status
from scheduler.schedules import spellings
from scheduler.tasks import definitions, dependencies
from scheduler.tasks.models import Task
from scheduler.tasks.totals import Totals
from scheduler.vault import MASK

LATER = ("schedule_type", "schedule_config", "start_at", "end_at", "env")  # written otherwise than a draft has them


def tasks(actor: Actor, found: Sequence[Task]) -> list[dict[str, Any]]:
    """Tasks as `actor` may see them, with what runs of them and how the last one went."""
    alive = history.alive([task.id for task in found])
    last = history.last_of(found)
    owners = users.names(task.owner_id for task in found)
    upstreams = dependencies.references([task.id for task in found], actor)
    return [
        _identity(task)
        | _written(task, upstreams[task.id])
        | {
            "owner": owners.get(task.owner_id or 0),
            "env": dict(task.env) if can(actor, "env.see", task) else dict.fromkeys(task.env, MASK),
            "status": status(alive.get(task.id, ())),
            "next_run_time": shown(task.next_run_at),
            "last_execution": brief(last.get(task.id)),
        }
        for task in found
    ]


def task(actor: Actor, found: Task) -> dict[str, Any]:
    """One task."""
    return tasks(actor, [found])[0]


def status(alive: Sequence[Run]) -> str:
    """A task's own status: RUNNING while a run of it is, else PENDING."""
    return WORDS[Status.RUNNING if any(run.status == Status.RUNNING for run in alive) else Status.PENDING]


def brief(run: Run | None) -> dict[str, Any] | None:
    """A run in four words, for the task it belongs to."""
    if run is None:
        return None
    return {
        "execution_id": run.public_id,
        "status": WORDS[run.status],
        "start_time": shown(run.started_at),
        "duration_seconds": number(run.duration),
    }


def counters(task: Task) -> dict[str, int]:
    """How many of a task's runs ran, and how they ended."""
    return {
        "total_executions": task.total_count,
        "success_count": task.success_count,
        "failed_count": task.failure_count,
    }


def averages(found: Totals) -> dict[str, Any]:
    """How the runs of many tasks went."""
    return {
        "total_executions": found.runs,
        "success_count": found.successes,
        "failed_count": found.failures,
        "success_rate": round(found.successes / found.runs, 4) if found.runs else 0.0,
        "average_duration": round(found.seconds / found.runs, 3) if found.runs else 0.0,
    }


def daily(days: Sequence[Day]) -> list[dict[str, Any]]:
    """How many executions succeeded and failed on each day."""
    return [{"date": day.date.isoformat(), "success": day.success, "failed": day.failed} for day in days]


def number(value: float | None) -> float | int | None:
    """A length of time or a share, to three places; a whole one without any."""
    if value is None:
        return None
    rounded = round(float(value), 3)
    return int(rounded) if rounded.is_integer() else rounded


def user(found: User) -> dict[str, Any]:
    """A user, as anybody may see themself."""
    return {
        "id": found.id,
        "username": found.username,
        "email": found.email,
        "role": found.role,
        "is_active": found.active,
        "limited_to_groups": found.limited_to_groups,
        "language": found.language or None,
        "timezone": found.timezone or None,
        "created_at": shown(found.created_at),
        "last_login_at": shown(found.last_sign_in_at),
    }


def _identity(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "project_id": task.group_id,
        "project_name": task.group.name,
        "schedule_type": (task.schedule_word or task.schedule_kind).upper(),
        "schedule_config": spellings.plain(task.schedule_kind, task.schedule_config),
        "start_at": shown(task.start_at),
        "end_at": shown(task.end_at),
        "version": task.version,
        "created_at": shown(task.created_at),
        "updated_at": shown(task.updated_at),
    }


def _written(task: Task, upstreams: Sequence[str]) -> dict[str, Any]:
    """What a draft of the task holds and is shown as it is."""
    values = definitions.written(task, upstreams)
    kept = {name: value for name, value in values.items() if name not in LATER}
    notes = {name: value for name, value in task.notes.items() if name != wishes.KEPT}
    own = {"description": task.description or None, "metadata": notes, "notify": wishes.rules(task)}
    return kept | _content(task, values) | own


def _content(task: Task, values: Mapping[str, Any]) -> dict[str, Any]:
    """What it runs, whole: the content at rest leaves out what is as ever."""
    if task.kind is None:
        return {}
    fields = kinds.get(task.kind).model.model_fields
    return {name: _over(_default(field), values.get(name)) for name, field in fields.items()}


def _over(default: Any, value: Any) -> Any:
    if isinstance(default, Mapping) and isinstance(value, Mapping):
        return {**default, **value}
    return default if value is None else value


def _default(field: FieldInfo) -> Any:
    value = None if field.is_required() else field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return list(value) if isinstance(value, tuple) else value
