"""Executions as 000 shows them."""

from typing import Any

from scheduler.accounts.permissions import Actor, can
from scheduler.api import lines
from scheduler.api.times import shown
from scheduler.api.v1.execution_shapes import went_wrong
from scheduler.api.v1.shapes import number
from scheduler.api.words import WORDS, failure_kind
from scheduler.runs import history
from scheduler.runs.history import Entry


def execution(entry: Entry) -> dict[str, Any]:
    """An execution as in a list: of its output the summary, else the last line."""
    run = entry.run
    return {
        "id": run.public_id,
        "task_id": entry.task.key,
        "status": WORDS[run.status],
        "failure_kind": failure_kind(run.status),
        "reason": (run.reason or {}).get("code"),
        "cause": run.cause,
        "scheduled_at": shown(run.scheduled_at),
        "started_at": shown(run.started_at),
        "finished_at": shown(run.finished_at),
        "duration": number(run.duration),
        "output": run.summary or run.last_line or "",
    }


def detail(actor: Actor, entry: Entry) -> dict[str, Any]:
    """One execution, with the end of what it printed for whoever may read that."""
    run, last = entry.run, next(reversed(history.attempts(entry.run)), None)
    printed = {"output": lines.output(entry)} if can(actor, "log.read", entry.task) else {}
    return {**execution(entry), **printed, "error": went_wrong(run, last), "exit_code": run.exit_code}
