"""Executions as v1 shows them; the paths in it are labels after the document's pattern, no file is ever opened by them."""

from collections.abc import Mapping, Sequence
from typing import Any

from scheduler import clock
from scheduler.api.language import say
from scheduler.api.times import shown, written
from scheduler.api.v1.shapes import number
from scheduler.api.v1.statuses import WORDS, failure_kind
from scheduler.runs import history, progress, reasons
from scheduler.runs.history import Entry
from scheduler.runs.models import Attempt, Run
from scheduler.runs.status import FAILED, Status


def executions(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Executions, each with its attempts."""
    attempts = history.attempts_of(entry.run.id for entry in entries)
    return [_whole(entry, attempts.get(entry.run.id, [])) for entry in entries]


def execution(entry: Entry) -> dict[str, Any]:
    """One execution."""
    return executions([entry])[0]


def running(entry: Entry) -> dict[str, Any]:
    """An execution under way, with how long it has been and how far it says it is."""
    run = entry.run
    return {
        "task_id": entry.task.id,
        "task_name": entry.task.name,
        "execution_id": run.public_id,
        "start_time": shown(run.started_at),
        "running_time": int((clock.now() - run.started_at).total_seconds()) if run.started_at else 0,
        "status": WORDS[run.status],
        "progress": _progress(progress.current(run)),
    }


def log_label(run: Run, log_type: str) -> str:
    """What the document calls the file of a log."""
    return f"/logs/tasks/{run.public_id}/{log_type}.log"


def _whole(entry: Entry, attempts: Sequence[Attempt]) -> dict[str, Any]:
    run, last = entry.run, attempts[-1] if attempts else None
    why = reasons.of(run)
    return {
        "execution_id": run.public_id,
        "task_id": entry.task.id,
        "task_name": entry.task.name,
        "task_version": run.task_version,
        "status": WORDS[run.status],
        "failure_kind": failure_kind(run.status),
        "reason": (run.reason or {}).get("code"),
        "reason_text": say(why.text, **written(why.params)) if why else None,
        "missed_count": run.missed_count,
        "missed_until": shown(run.missed_until),
        "cause": run.cause,
        "triggered_by": run.triggered_by or None,
        "upstream_executions": run.upstream or [],
        **_times(run),
        "attempt": run.attempts,
        "attempts": [_attempt(attempt) for attempt in attempts],
        "exit_code": run.exit_code,
        "signal": run.signal,
        "output_summary": run.summary or run.last_line,
        **_said(run, last),
        "error_message": went_wrong(run, last),
        "host": last.host or None if last else None,
        "pid": last.pid if last else None,
        "log_file_path": log_label(run, "output"),
        "error_log_path": log_label(run, "error"),
        "workspace_path": f"/workspaces/{run.public_id}",
        "resource_usage": _usage(run),
    }


def _times(run: Run) -> dict[str, Any]:
    return {
        "scheduled_at": shown(run.scheduled_at),
        "queued_at": shown(run.queued_at),
        "next_attempt_at": shown(run.not_before),
        "start_time": shown(run.started_at),
        "end_time": shown(run.finished_at),
        "duration_seconds": number(run.duration),
        "created_at": shown(run.queued_at),
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "start_time": shown(attempt.started_at),
        "end_time": shown(attempt.finished_at),
        "exit_code": attempt.exit_code,
        "signal": attempt.signal,
        "status": WORDS[attempt.status],
        "error_message": attempt.error or _killed(attempt.status, attempt.signal),
        "metrics": (attempt.result or {}).get("metrics") or {},
        "unmet_limits": (attempt.result or {}).get("unmet_limits") or {},
        "left_behind": (attempt.result or {}).get("left_behind", 0),
    }


def went_wrong(run: Run, last: Attempt | None) -> str | None:
    """What went wrong in words: the engine's, else the last line the newest attempt wrote to its error output."""
    if run.error or run.status not in FAILED or last is None:
        return run.error
    return _killed(run.status, run.signal) or (last.result or {}).get("last_error_line") or None


def _killed(status: str, signal: int | None) -> str | None:
    found = reasons.of_signal(status, signal)
    return say(found.text) if found else None


def _progress(said: Mapping[str, Any] | None) -> dict[str, Any]:
    said = said or {}
    return {"current_step": said.get("text"), "progress_percent": number(said.get("percent"))}


def _said(run: Run, last: Attempt | None) -> dict[str, Any]:
    """What the program told the scheduler: how far it is or came, and its numbers."""
    kept: Mapping[str, Any] = (last.result or {}) if last else {}
    going = run.status == Status.RUNNING
    return {"progress": _progress(progress.current(run) if going else kept.get("progress")), "metrics": kept.get("metrics") or {}}


def _usage(run: Run) -> dict[str, Any]:
    memory, used = run.peak_memory_kb, run.cpu_seconds
    return {
        "max_memory_mb": None if memory is None else round(memory / 1024, 1),
        "cpu_seconds": used,
        "avg_cpu_percent": None if used is None or not run.duration else round(100 * used / run.duration, 1),
    }
