"""What the report of an attempt amounts to: how the attempt and its run end, as values of their rows; writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, bindparam, exists, func, select
from sqlalchemy.orm import Session

from scheduler.columns import shared
from scheduler.database import chunks, storable, table
from scheduler.runs import digest, policy
from scheduler.runs.models import Attempt, Run
from scheduler.runs.policy import Outcome
from scheduler.runs.status import FAILED, AttemptStatus, Status
from scheduler.tasks.models import Dependency, Task

KEPT = (  # of the process's details
    "progress", "metrics", "stopped_with", "log_error", "last_error_line", "log_lines", "log_cut", "left_behind", "unmet_limits",
)  # fmt: skip

_run, _attempt, _task, _edge = table(Run).c, table(Attempt).c, table(Task).c, table(Dependency).c
_before = table(Attempt).alias("before").c
_UNSTARTED = (
    select(func.count())
    .where(_before.run_id == _run.id, _before.status.in_((AttemptStatus.UNSTARTED, AttemptStatus.LOST)))
    .scalar_subquery()
)
_JUDGED = (
    select(_run.id, _run.attempts, _run.task_id, _run.started_at, _run.cancel_at, _run.reason, _run.priority,
           shared(_task.policy), _task.deleted_at, _task.enabled,
           exists().where(_edge.upstream_id == _run.task_id).label("awaited"),
           (_run.attempts - 1 - _UNSTARTED).label("tries"), _attempt.started_at.label("began"), _attempt.host, _attempt.pid,
           *digest.COLUMNS)
    .join_from(table(Run), table(Task), _task.id == _run.task_id)
    .join(table(Attempt), and_(_attempt.run_id == _run.id, _attempt.number == _run.attempts))
    .where(_run.id.in_(bindparam("runs", expanding=True)), _run.status == Status.RUNNING)
)  # fmt: skip


@dataclass(frozen=True)
class Report:
    """The outcome of one attempt."""

    run_id: int
    number: int
    outcome: Outcome


def unbegun(run_id: int, number: int, why: str, at: datetime, hopeless: bool = False) -> Report:
    """The report of an attempt that could not be made ready; a `hopeless` one is not even tried again."""
    epoch, details = at.timestamp(), {policy.HOPELESS: True} if hopeless else {}
    outcome = Outcome("start_failed", error=why, started_at=epoch, finished_at=epoch, duration=0.0, details=details)
    return Report(run_id, number, outcome)


def running(session: Session, reports: Sequence[Report]) -> dict[tuple[int, int], Any]:
    """The runs whose attempt these reports are of and that go on still, with what is needed to judge them."""
    found: dict[tuple[int, int], Any] = {}
    for ids in chunks([report.run_id for report in reports]):
        found |= {(row.id, row.attempts): row for row in session.connection().execute(_JUDGED, {"runs": ids})}
    return found


def judged(report: Report, row: Any) -> Status:
    """How the attempt ended. Told to stop, a program often ends by itself, with whatever code: it was stopped all the same."""
    status = policy.judge(report.outcome, row.policy)
    return Status.CANCELLED if row.cancel_at and status in FAILED and report.outcome.reason != "timeout" else status


def next_try(report: Report, row: Any, status: Status, now: datetime) -> datetime | None:
    """When the run is to be tried again; None when it has ended, nobody wants it any more, or there is no hope."""
    unwanted = report.outcome.details.get(policy.HOPELESS) or row.cancel_at or row.deleted_at or not row.enabled
    delay = None if unwanted else policy.retry(status, row.tries + 1, row.policy)
    return None if delay is None else now + delay


def closed(report: Report, row: Any, status: Status, now: datetime) -> dict[str, Any]:
    """The values of an attempt that is over."""
    outcome, details = report.outcome, report.outcome.details
    return {
        "run": report.run_id,
        "attempt": report.number,
        "status": status,
        # Of a lost attempt nobody tells when and where it began: what was noted of it meanwhile stays.
        "started_at": _moment(outcome.started_at) or row.began,
        "finished_at": _moment(outcome.finished_at) or now,
        "duration": outcome.duration,
        "exit_code": outcome.exit_code,
        "signal": outcome.signal,
        "error": storable(outcome.error),
        "host": outcome.host[:64] or row.host,
        "pid": outcome.pid or row.pid,
        "peak_memory_kb": details.get("peak_memory_kb"),
        "cpu_seconds": details.get("cpu_seconds"),
        "result": storable({name: details[name] for name in KEPT if details.get(name)}) or None,
    }


def ended(report: Report, row: Any, status: Status, now: datetime) -> dict[str, Any]:
    """The values of a run whose last attempt is over."""
    outcome, details = report.outcome, report.outcome.details
    return {
        "run": report.run_id,
        "attempt": report.number,
        "status": status,
        "started_at": (report.number == 1 and _moment(outcome.started_at)) or row.started_at,
        "finished_at": _moment(outcome.finished_at) or now,
        "duration": outcome.duration,
        "exit_code": outcome.exit_code,
        "signal": outcome.signal,
        "reason": row.reason if status is Status.CANCELLED else None,  # one asked to stop may have ended otherwise
        "error": storable(outcome.error),
        "summary": storable(details.get("summary")),
        "last_line": storable(details.get("last_line")),
        "log_bytes": details.get("log_bytes") or 0,
        "peak_memory_kb": details.get("peak_memory_kb"),
        "cpu_seconds": details.get("cpu_seconds"),
    }


def waiting_again(report: Report, row: Any, not_before: datetime) -> dict[str, Any]:
    """The values of a run that waits for its next attempt."""
    outcome = report.outcome
    return {
        "run": report.run_id,
        "attempt": report.number,
        "status": Status.PENDING,
        "not_before": not_before,
        "weight": policy.weight(row.priority, not_before),
        "hastened_by": "",
        "error": storable(outcome.error),
        "exit_code": outcome.exit_code,
    }


def _moment(epoch: float | None) -> datetime | None:
    return datetime.fromtimestamp(epoch, UTC) if epoch else None
