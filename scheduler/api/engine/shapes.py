"""Tasks and executions in 001's words: its Task and its TaskExecution."""

from collections.abc import Sequence
from typing import Any

from scheduler.accounts.permissions import Actor, can
from scheduler.api import wishes
from scheduler.api.engine.bodies import LOG
from scheduler.api.times import shown
from scheduler.api.v1.execution_shapes import went_wrong
from scheduler.api.v1.shapes import number
from scheduler.api.words import WORDS, failure_kind, standing
from scheduler.runs import history
from scheduler.runs.history import Entry
from scheduler.runs.models import Attempt, Run
from scheduler.tasks import dependencies, queries
from scheduler.tasks.models import Task
from scheduler.vault import MASK


def tasks(actor: Actor, found: Sequence[Task]) -> list[dict[str, Any]]:
    """Tasks as `actor` may see them."""
    ids = [task.id for task in found]
    alive, upstreams = history.alive(ids), dependencies.references(ids, actor)
    return [_task(actor, task, alive.get(task.id, ()), upstreams[task.id]) for task in found]


def task(actor: Actor, found: Task) -> dict[str, Any]:
    """One task."""
    return tasks(actor, [found])[0]


def executions(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Executions."""
    attempts = history.attempts_of(entry.run.id for entry in entries)
    return [_execution(entry, attempts.get(entry.run.id, [])) for entry in entries]


def execution(entry: Entry) -> dict[str, Any]:
    """One execution."""
    return executions([entry])[0]


def _execution(entry: Entry, attempts: Sequence[Attempt]) -> dict[str, Any]:
    run = entry.run
    return {
        "task_id": entry.task.key,
        "execution_id": run.public_id,
        "start_time": shown(run.started_at),
        "end_time": shown(run.finished_at),
        "status": WORDS[run.status],
        "failure_kind": failure_kind(run.status),
        "return_code": run.exit_code,
        "error_message": went_wrong(run, attempts[-1] if attempts else None),
        "duration": number(run.duration),
    }


def _task(actor: Actor, task: Task, alive: Sequence[Run], upstreams: Sequence[str]) -> dict[str, Any]:
    return {
        "task_id": task.key,
        "task_name": task.name,
        "task_desc": task.description,
        "task_exec": str(task.content.get("path", "")),
        "task_schedule": queries.plan_of(task).schedule.text(),
        "task_timeout": task.policy["timeout_seconds"],
        "task_retry": task.policy["retry_count"],
        "task_retry_interval": task.policy["retry_delay_seconds"],
        "task_enabled": task.enabled,
        "task_log": task.notes.get(LOG) or f"logs/task_{task.key}.log",
        "task_env": dict(task.env) if can(actor, "env.see", task) else dict.fromkeys(task.env, MASK),
        "task_dependencies": list(upstreams),
        "task_notify": wishes.kept(task),
        "status": standing(task, alive),
        "next_run": shown(task.next_run_at),
    }
