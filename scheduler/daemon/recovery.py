"""What became of this node's attempts nobody reported: finished, alive, lost, never begun; asks the engine, tells lifecycle."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import StatementError

from scheduler import nodes
from scheduler.database import db, table
from scheduler.errors import N_
from scheduler.execution.engines import Engine
from scheduler.execution.protocol import State
from scheduler.failpoints import failpoint
from scheduler.runs import lifecycle
from scheduler.runs.lifecycle import Report
from scheduler.runs.models import Attempt
from scheduler.runs.policy import Outcome
from scheduler.runs.status import AttemptStatus

REFUSALS = (StatementError, ValueError, TypeError, ArithmeticError)  # of a report the database cannot keep
LOST = N_("The supervisor is gone and left no result.")
HAND_OVER = 5.0  # seconds a claimed attempt may take to reach its supervisor

_attempt = table(Attempt).c
_RUNNING = select(_attempt.run_id, _attempt.number, _attempt.pid, _attempt.claimed_at, _attempt.node).where(
    _attempt.status == AttemptStatus.RUNNING
)

_log = logging.getLogger("TaskExecutor")


class Strange(NamedTuple):
    """A running attempt of another node."""

    run_id: int
    number: int
    node: str


def recover(engine: Engine, now: datetime, patience: float = HAND_OVER) -> list[Strange]:
    """Look at every attempt that counts as running; `patience` in seconds is the time one may take to begin.

    One whose files cannot be read is logged and looked at again later; it keeps none of the others from being seen to.
    Answers the attempts of other nodes, whose files are there and whose fate cannot be told here.
    """
    running = db.session.connection().execute(_RUNNING).all()
    db.session.rollback()
    if patience == 0 and running:
        _log.info("event=taking_over running=%s", len(running))
    reports: list[Report] = []
    strange: list[Strange] = []
    for run_id, number, pid, claimed_at, node in running:
        if node != nodes.own():
            strange.append(Strange(run_id, number, node))
            continue
        # A clock set back meanwhile makes no attempt wait for the time it was claimed at.
        patient = timedelta(0) <= now - claimed_at < timedelta(seconds=patience)
        try:
            outcome = _found(engine, run_id, number, pid is None, patient)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            _log.error("event=attempt_unreadable run=%s attempt=%s reason=%r", run_id, number, error)
            continue
        if outcome is not None:
            reports.append(Report(run_id, number, outcome))
    if reports:
        write(reports)
    return strange


def write(reports: Sequence[Report]) -> None:
    """Have these written; when one of them cannot be, the others are all the same. Not within a transaction."""
    try:
        lifecycle.finish(reports)
    except REFUSALS:
        if len(reports) == 1:
            raise
        _log.exception("event=reports_refused count=%s", len(reports))
        for report in reports:
            try:
                lifecycle.finish([report])
            except REFUSALS:
                _log.exception("event=report_refused run=%s attempt=%s", report.run_id, report.number)


def _found(engine: Engine, run_id: int, number: int, unnoted: bool, patient: bool) -> Outcome | None:
    """What became of one attempt, if it is over; one that never began goes back to wait."""
    state = engine.probe(run_id, number)
    if state is State.FINISHED:
        return engine.outcome(run_id, number)
    if state is State.LOST:
        _log.error("event=attempt_lost run=%s attempt=%s", run_id, number)
        engine.sweep(run_id, number)
        return Outcome("lost", error=LOST)
    if state is State.ALIVE and unnoted:
        start = engine.started(run_id, number)
        if start and start.get("child"):
            lifecycle.note_start(run_id, number, start["child"], start.get("host", ""), start.get("started_at"))
    elif state is State.UNSTARTED and not patient and engine.fence(run_id, number):
        _log.warning("event=attempt_unstarted run=%s attempt=%s", run_id, number)
        failpoint("unstart_before")
        lifecycle.unstart(run_id, number, "It was never begun.")
        failpoint("unstart_after")
    return None
