"""What the engine's log is told of runs once it has been written: missed, skipped, ended, to be retried; writes no row."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from scheduler.database import once_committed
from scheduler.runs.status import Status

MOST_LINES = 50  # of one settlement; of more only the number is told

_engine = logging.getLogger("SchedulerEngine")
_executor = logging.getLogger("TaskExecutor")


def settled(rows: Sequence[Mapping[str, Any]]) -> None:
    """Tell, after the commit, which of these new rows of due instants will never run, and why."""
    undone = [row for row in rows if row["status"] in (Status.MISSED, Status.SKIPPED)]
    if undone:
        once_committed(partial(_tell_undone, undone))


def ended(ends: Sequence[Mapping[str, Any]], again: Sequence[Mapping[str, Any]]) -> None:
    """Tell, after the commit, how attempts went: which runs are over, which are to be tried again and when."""
    if ends or again:
        once_committed(partial(_tell_ended, ends, again))


def _tell_undone(rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows[:MOST_LINES]:
        reason = (row.get("reason") or {}).get("code", "")
        line = "event=%s task=%s due=%s count=%s reason=%s"
        _engine.warning(
            line, row["status"], row["task_id"], row["scheduled_at"].isoformat(), row.get("missed_count") or 1, reason
        )
    if len(rows) > MOST_LINES:
        _engine.warning("event=missed_or_skipped more=%s", len(rows) - MOST_LINES)


def _tell_ended(ends: Sequence[Mapping[str, Any]], again: Sequence[Mapping[str, Any]]) -> None:
    for row in ends:
        level = logging.INFO if row["status"] in (Status.SUCCESS, Status.CANCELLED) else logging.WARNING
        line = "event=run_finished run=%s attempt=%s status=%s exit=%s signal=%s seconds=%s"
        _executor.log(level, line, *(row[name] for name in ("run", "attempt", "status", "exit_code", "signal", "duration")))
    for row in again:
        line = "event=retry_waits run=%s after_attempt=%s exit=%s not_before=%s"
        _executor.warning(line, row["run"], row["attempt"], row["exit_code"], row["not_before"].isoformat(timespec="seconds"))
