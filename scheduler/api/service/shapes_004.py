"""Tasks and executions as 004 shows them, with 003's `current_status`: its ScheduledTask and its ScheduledTaskLog."""

from collections.abc import Sequence
from typing import Any

from scheduler.accounts.permissions import Actor
from scheduler.api import wishes
from scheduler.api.service.actions import action_config, action_type
from scheduler.api.times import shown
from scheduler.api.v1.execution_shapes import went_wrong
from scheduler.api.v1.shapes import number
from scheduler.api.words import WORDS, current, failure_kind
from scheduler.runs import history
from scheduler.runs.history import Entry
from scheduler.runs.models import Attempt, Run
from scheduler.runs.status import ENDED, FAILED, Status
from scheduler.schedules import spellings
from scheduler.tasks import dependencies, pausing
from scheduler.tasks.models import Task


def tasks(actor: Actor, found: Sequence[Task]) -> list[dict[str, Any]]:
    """Tasks, each whole."""
    ids = [task.id for task in found]
    alive, upstreams = history.alive(ids), dependencies.references(ids, actor)
    paused = pausing.current() is not None
    return [
        _identity(task)
        | {
            "status": _status(task, alive.get(task.id, ()), paused),
            "current_status": current(task, alive.get(task.id, ())),
            "task_dependencies": upstreams[task.id],
        }
        | _counters(task)
        for task in found
    ]


def task(actor: Actor, found: Task) -> dict[str, Any]:
    """One task."""
    return tasks(actor, [found])[0]


def logs(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Executions as 004's log has them."""
    attempts = history.attempts_of(entry.run.id for entry in entries)
    return [_log(entry.run, attempts.get(entry.run.id, [])) for entry in entries]


def _log(run: Run, attempts: Sequence[Attempt]) -> dict[str, Any]:
    result = {"exit_code": run.exit_code, "output": run.summary or run.last_line}
    return {
        "execution_id": run.public_id,
        "started_at": shown(run.started_at),
        "completed_at": shown(run.finished_at),
        "duration": number(run.duration),
        "status": WORDS[run.status],
        "failure_kind": failure_kind(run.status),
        "error_message": went_wrong(run, attempts[-1] if attempts else None),
        "result": result if run.status in ENDED else {},
    }


def _identity(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "task_name": task.name,
        "description": task.description,
        "enabled": task.enabled,
        "schedule_type": task.schedule_kind,
        "schedule_config": spellings.parts(task.schedule_kind, task.schedule_config),
        "action_type": action_type(task),
        "action_config": action_config(task),
        "group": task.group.key,
        "tags": [tag.name for tag in task.tags],
        "timezone": task.timezone,
        "task_notify": wishes.rules(task),
        "created_at": shown(task.created_at),
        "updated_at": shown(task.updated_at),
    }


def _counters(task: Task) -> dict[str, Any]:
    return {
        "next_run_time": shown(task.next_run_at),
        "last_run_time": shown(task.last_started_at),
        "last_success_time": shown(task.last_success_at),
        "last_failure_time": shown(task.last_failure_at),
        "total_runs": task.total_count,
        "success_runs": task.success_count,
        "failure_runs": task.failure_count,
        "average_duration": number(task.total_duration / task.total_count) if task.total_count else 0,
    }


def _status(task: Task, alive: Sequence[Run], paused: bool) -> str:
    """004's five: what runs first; then what is switched off, interrupted, or went wrong the last time."""
    if any(run.status == Status.RUNNING for run in alive):
        return "running"
    if not task.enabled:
        return "inactive"
    if paused or task.last_status == Status.CANCELLED:
        return "paused"
    return "error" if task.last_status in FAILED else "active"
