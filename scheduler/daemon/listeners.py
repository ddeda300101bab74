"""APScheduler's events: one that says an instant has come leads to a call of the ledger, and all go to the engine's log."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobExecutionEvent,
    JobSubmissionEvent,
)
from apscheduler.schedulers.base import BaseScheduler

NAMES = {
    EVENT_JOB_EXECUTED: "executed",
    EVENT_JOB_ERROR: "error",
    EVENT_JOB_MISSED: "missed",
    EVENT_JOB_MAX_INSTANCES: "max_instances",
}

_log = logging.getLogger("SchedulerEngine")


def listen(scheduler: BaseScheduler, tick: Callable[[datetime], None]) -> None:
    """Call `tick` with the instant of every event that means one has come; events of one instant call it once.

    The ledger settles everything due up to now, whoever asks: of three hundred jobs that fire together the first
    event writes three hundred rows, and the other two hundred and ninety-nine find nothing left to do.
    """
    last: list[datetime] = []

    def heard(event: JobExecutionEvent | JobSubmissionEvent) -> None:
        level = logging.WARNING if event.code in (EVENT_JOB_MISSED, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_ERROR) else logging.DEBUG
        if _log.isEnabledFor(level):  # a thousand of these events come at once
            due = [instant.isoformat() for instant in _instants(event)[-1:]]
            _log.log(level, "event=%s task=%s due=%s", NAMES[event.code], event.job_id, *(due or ["?"]))
        for instant in _instants(event):
            if last != [instant]:
                last[:] = [instant]
                tick(instant)

    scheduler.add_listener(heard, sum(NAMES))


def _instants(event: Any) -> list[datetime]:
    """When what the event speaks of was due, in UTC."""
    times = getattr(event, "scheduled_run_times", None) or [getattr(event, "scheduled_run_time", None)]
    return [moment.astimezone(UTC) for moment in times if moment is not None]
