"""The only writer of a status: every change is an UPDATE that names the old one, and ends stay ends; decides nothing itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, bindparam, case, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from scheduler import clock, signals
from scheduler.accounts import audit
from scheduler.accounts.permissions import Actor, require
from scheduler.database import after_commit, db, storable, table, transaction
from scheduler.errors import N_, Conflict
from scheduler.failpoints import failpoint
from scheduler.runs import dependants, digest, policy
from scheduler.runs.digest import Ended
from scheduler.runs.models import Attempt, Run
from scheduler.runs.policy import Outcome
from scheduler.runs.status import ASKED_FOR, FAILED, LIVE, AttemptStatus, Status
from scheduler.tasks.models import Task

KEPT = ("progress", "metrics", "stopped_with", "log_error", "last_error_line", "log_lines", "log_cut")  # of the process's details

_run, _attempt = table(Run).c, table(Attempt).c
_CLOSE = update(table(Attempt)).where(
    _attempt.run_id == bindparam("run"), _attempt.number == bindparam("attempt"), _attempt.status == AttemptStatus.RUNNING
)
_MOVE = update(table(Run)).where(
    _run.id == bindparam("run"), _run.attempts == bindparam("attempt"), _run.status == Status.RUNNING
)


@dataclass(frozen=True)
class Claimed:
    """An attempt that is ours to start, at most once."""

    run_id: int
    number: int
    task_id: int


@dataclass(frozen=True)
class Report:
    """The outcome of one attempt."""

    run_id: int
    number: int
    outcome: Outcome


def claim(run_ids: Sequence[int]) -> list[Claimed]:
    """Take these waiting runs and open an attempt for each; a run somebody else took or cancelled is left out."""
    now = clock.now()
    with transaction() as session:
        version = select(Task.version).where(Task.id == Run.task_id).scalar_subquery()
        taken = (
            update(Run)
            .where(Run.id.in_(run_ids), Run.status == Status.PENDING, Run.cancel_at.is_(None))
            .values(status=Status.RUNNING, attempts=Run.attempts + 1, not_before=None, task_version=version,
                    started_at=func.coalesce(Run.started_at, now))
            .returning(Run.id, Run.attempts, Run.task_id, Run.task_version)
            .execution_options(synchronize_session=False)
        )  # fmt: skip
        rows = session.connection().execute(taken).all()
        attempts = [
            {"run_id": row.id, "number": row.attempts, "status": AttemptStatus.RUNNING, "task_version": row.task_version,
             "claimed_at": now, "host": "", "started_at": now}
            for row in rows
        ]  # fmt: skip
        if attempts:
            session.connection().execute(insert(table(Attempt)), attempts)
        failpoint("claim_before_commit")
    failpoint("claim_after_commit")
    order = {run_id: place for place, run_id in enumerate(run_ids)}
    return sorted((Claimed(row.id, row.attempts, row.task_id) for row in rows), key=lambda one: order[one.run_id])


def finish(reports: Sequence[Report]) -> list[int]:
    """Write what became of these attempts: each run ends, or waits for its next attempt. All in one transaction.

    A report that comes twice, or for an attempt that is over, changes nothing. Answers the runs that ended.
    """
    now = clock.now()
    closed: list[dict[str, Any]] = []
    ends: list[dict[str, Any]] = []
    again: list[dict[str, Any]] = []
    ended: list[Ended] = []
    with transaction() as session:
        running = _running(session, reports)
        for report in reports:
            row = running.pop((report.run_id, report.number), None)
            if row is None:
                continue
            status = _judged(report, row)
            closed.append(_closed(report, row, status, now))
            unwanted = row.cancel_at or row.deleted_at or not (row.enabled or row.cause in ASKED_FOR)
            delay = None if unwanted else policy.retry(status, row.tries + 1, row.policy)
            if delay is not None:
                again.append(_again(report, now + delay))
                continue
            ends.append(_ends(report, row, status, now))
            ended.append(Ended(row.id, row.task_id, status, ends[-1]["finished_at"], row.started_at, report.outcome.duration))
        connection = session.connection()
        for statement, rows in ((_CLOSE, closed), (_MOVE, ends), (_MOVE, again)):
            if rows:
                connection.execute(statement, rows)
        digest.add(session, ended)
        if ended:
            after_commit(signals.run_finished, run_ids=[run.run_id for run in ended])
            cancel_runs(session, dependants.release(session, ended), "", {"code": "replaced"})
        if again:
            after_commit(signals.run_queued, run_ids=[row["run"] for row in again])
        failpoint("finish_before_commit")
    failpoint("finish_after_commit")
    return [run.run_id for run in ended]


def unstart(run_id: int, number: int, error: str | None = None) -> bool:
    """Put a run back to wait: this attempt never began and, fenced, never will. One that shall stop ends instead."""
    now = clock.now()
    with transaction() as session:
        this = and_(Attempt.run_id == run_id, Attempt.number == number, Attempt.status == AttemptStatus.RUNNING)
        values = {"status": AttemptStatus.UNSTARTED, "finished_at": now, "started_at": None, "error": error}
        if not _changed(session, update(Attempt).where(this).values(values)):
            return False
        run = update(Run).where(Run.id == run_id, Run.status == Status.RUNNING, Run.attempts == number)
        started_at = case((Run.attempts == 1, None), else_=Run.started_at)
        waits = run.where(Run.cancel_at.is_(None)).values(status=Status.PENDING, started_at=started_at)
        if _changed(session, waits):
            after_commit(signals.run_queued, run_ids=[run_id])
            return True
        ends = run.values(status=Status.CANCELLED, finished_at=now, started_at=started_at).returning(Run.task_id)
        for task_id in session.connection().execute(ends).scalars():
            digest.add(session, [Ended(run_id, task_id, Status.CANCELLED, now)])
            after_commit(signals.run_finished, run_ids=[run_id])
    return True


def note_start(run_id: int, number: int, pid: int | None, host: str, started_at: float | None) -> None:
    """Keep what a running attempt's supervisor says of itself."""
    with transaction() as session:
        this = and_(Attempt.run_id == run_id, Attempt.number == number, Attempt.status == AttemptStatus.RUNNING)
        values = {"pid": pid, "host": host[:64], "started_at": _moment(started_at)}
        _changed(session, update(Attempt).where(this).values({name: value for name, value in values.items() if value}))


def cancel(actor: Actor, run: Run) -> None:
    """End a waiting run, or ask a running one to stop; `Conflict` when it is over already. Asked again, it is killed at once."""
    with transaction() as session:
        require(actor, "task.stop", session.get(Task, run.task_id), missing=N_("There is no such run."))
        if not cancel_runs(session, [run.id], actor.name, {"code": "stopped", "by": actor.name}):
            raise Conflict.because(N_("This run is over already."))
        audit.record(actor, "run.stop", ("run", run.id, run.public_id))


def stop(actor: Actor, task: Task) -> list[str]:
    """`cancel` every live run of a task and answer their public ids; `Conflict` when there is none."""
    with transaction() as session:
        require(actor, "task.stop", task)
        runs = session.scalars(select(Run).where(Run.task_id == task.id, Run.status.in_(LIVE)).order_by(Run.id)).all()
        if not runs:
            raise Conflict.because(N_("No run of this task waits or is going on."))
        found = [run.public_id for run in runs]
        for run in runs:
            cancel(actor, run)
    return found


def cancel_all(task_id: int, by: str, code: str) -> None:
    """End or stop every live run of a task: it was deleted, say (`code`)."""
    with transaction() as session:
        ids = session.scalars(select(Run.id).where(Run.task_id == task_id, Run.status.in_(LIVE))).all()
        cancel_runs(session, ids, by, {"code": code, "by": by})


def cancel_orphans() -> None:
    """End what nobody wants any more: all of tasks in the trash, waiting retries of the schedules of disabled ones.

    Whoever deleted or disabled them may have had no daemon to tell.
    """
    retry = and_(Run.status == Status.PENDING, Run.not_before.is_not(None), Run.cause.not_in(ASKED_FOR))
    unwanted = {"deleted": Task.deleted_at.is_not(None), "disabled": and_(Task.enabled.is_(False), retry)}
    for code, condition in unwanted.items():
        orphans = select(Run.id).join(Task, Task.id == Run.task_id)
        orphans = orphans.where(Run.status.in_(LIVE), Run.cancel_at.is_(None), condition)
        found = db.session.execute(orphans.limit(1)).first()
        db.session.rollback()
        if found is not None:
            with transaction() as session:
                cancel_runs(session, session.scalars(orphans).all(), "", {"code": code, "by": ""})


def cancel_runs(session: Session, run_ids: Sequence[int], by: str, reason: dict[str, Any]) -> int:
    """Within a transaction, end those that wait and ask those that run; how many of either there were."""
    if not run_ids:
        return 0
    now = clock.now()
    waiting = update(Run).where(Run.id.in_(run_ids), Run.status == Status.PENDING)
    asks = {"cancel_at": now, "cancel_by": by, "reason": reason}
    ends = {"status": Status.CANCELLED, "finished_at": now, "not_before": None}
    over = session.connection().execute(waiting.values(asks | ends).returning(Run.id, Run.task_id)).all()
    asked = update(Run).where(Run.id.in_(run_ids), Run.status == Status.RUNNING)
    asked = asked.values(asks | {"cancel_count": Run.cancel_count + 1})
    running = session.connection().execute(asked.returning(Run.id)).scalars().all()
    if over:
        digest.add(session, [Ended(row.id, row.task_id, Status.CANCELLED, now) for row in over])
        after_commit(signals.run_finished, run_ids=[row.id for row in over])
    if running:
        after_commit(signals.cancel_requested, run_ids=list(running))
    session.expire_all()
    return len(over) + len(running)


def _running(session: Session, reports: Sequence[Report]) -> dict[tuple[int, int], Any]:
    """The runs whose attempt these reports are of, with what is needed to judge them."""
    this = aliased(Attempt)
    unstarted = (
        select(func.count())
        .where(Attempt.run_id == Run.id, Attempt.status.in_((AttemptStatus.UNSTARTED, AttemptStatus.LOST)))
        .scalar_subquery()
    )
    query = (
        select(Run.id, Run.attempts, Run.task_id, Run.started_at, Run.cancel_at, Run.reason, Run.cause,
               Task.policy, Task.deleted_at, Task.enabled,
               (Run.attempts - 1 - unstarted).label("tries"), this.started_at.label("began"), this.host, this.pid)
        .join(Task, Task.id == Run.task_id)
        .join(this, and_(this.run_id == Run.id, this.number == Run.attempts))
        .where(Run.id.in_([report.run_id for report in reports]), Run.status == Status.RUNNING)
    )  # fmt: skip
    return {(row.id, row.attempts): row for row in session.execute(query)}


def _judged(report: Report, row: Any) -> Status:
    status = policy.judge(report.outcome, row.policy)
    # Told to stop, a program often ends by itself, with whatever code: it was stopped all the same.
    return Status.CANCELLED if row.cancel_at and status in FAILED and report.outcome.reason != "timeout" else status


def _closed(report: Report, row: Any, status: Status, now: datetime) -> dict[str, Any]:
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


def _ends(report: Report, row: Any, status: Status, now: datetime) -> dict[str, Any]:
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


def _again(report: Report, not_before: datetime) -> dict[str, Any]:
    return {
        "run": report.run_id,
        "attempt": report.number,
        "status": Status.PENDING,
        "not_before": not_before,
        "hastened_by": "",
        "error": storable(report.outcome.error),
        "exit_code": report.outcome.exit_code,
    }


def _changed(session: Session, statement: Any) -> bool:
    return bool(session.connection().execute(statement).rowcount)


def _moment(epoch: float | None) -> datetime | None:
    return datetime.fromtimestamp(epoch, UTC) if epoch else None
