"""The only writer of a status: every change is an UPDATE that names the old one, and ends stay ends; decides nothing itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, bindparam, case, func, insert, or_, select, update
from sqlalchemy.orm import Session

from scheduler import clock, nodes, signals
from scheduler.accounts import audit
from scheduler.accounts.permissions import Actor, require
from scheduler.columns import UTCDateTime
from scheduler.database import after_commit, chunks, db, table, transaction
from scheduler.errors import N_, Conflict
from scheduler.failpoints import failpoint
from scheduler.prepared import Prepared
from scheduler.runs import dependants, digest, endings, journal
from scheduler.runs.digest import Ended
from scheduler.runs.endings import Report as Report
from scheduler.runs.models import Attempt, Run
from scheduler.runs.status import ASKED_FOR, LIVE, AttemptStatus, Status
from scheduler.tasks.models import Task

_run, _attempt, _task = table(Run).c, table(Attempt).c, table(Task).c
# Made once: on the run path making a statement costs more than executing it.
_TAKE = (
    update(table(Run))
    .where(_run.id.in_(bindparam("runs", expanding=True)), _run.status == Status.PENDING, _run.cancel_at.is_(None))
    .values(status=Status.RUNNING, attempts=_run.attempts + 1, not_before=None,
            task_version=select(_task.version).where(_task.id == _run.task_id).scalar_subquery(),
            started_at=func.coalesce(_run.started_at, bindparam("now", type_=UTCDateTime)))
    .returning(_run.id, _run.attempts, _run.task_id, _run.task_version, _run.cause, _run.scheduled_at)
)  # fmt: skip
_OPEN = Prepared(insert(table(Attempt)))
_BY_ITSELF = and_(_run.status == Status.PENDING, or_(_run.not_before.is_not(None), _run.cause.not_in(ASKED_FOR)))
_ORPHANS = (
    select(_run.id, _task.deleted_at)
    .join_from(table(Run), table(Task), _task.id == _run.task_id)
    .where(_run.status.in_(LIVE), _run.cancel_at.is_(None))
    .where(or_(and_(_task.deleted_at.is_not(None), _task.trial.is_(False)), and_(_task.enabled.is_(False), _BY_ITSELF)))
)
_CLOSE = Prepared(
    update(table(Attempt)).where(
        _attempt.run_id == bindparam("run"), _attempt.number == bindparam("attempt"), _attempt.status == AttemptStatus.RUNNING
    )
)
_MOVE = Prepared(
    update(table(Run)).where(_run.id == bindparam("run"), _run.attempts == bindparam("attempt"), _run.status == Status.RUNNING)
)


@dataclass(frozen=True)
class Claimed:
    """An attempt that is ours to start, at most once, of the task as it was at `version`."""

    run_id: int
    number: int
    task_id: int
    version: int
    cause: str
    scheduled_at: datetime


def claim(run_ids: Sequence[int], node: str | None = None) -> list[Claimed]:
    """Take these waiting runs and open an attempt for each; a run somebody else took or cancelled is left out.

    The attempts are this node's, or (`node` is "") nobody's until a worker takes them. Read the tasks in the same
    transaction: only there they are surely as the attempts say, at the versions told.
    """
    now = clock.now()
    whose = {"node": nodes.own(), "host": nodes.HOST, "started_at": now}
    if node is not None:
        whose = {"node": node, "host": "", "started_at": None}
    with transaction() as session:
        connection = session.connection()
        rows = [row for part in chunks(run_ids) for row in connection.execute(_TAKE, {"runs": part, "now": now})]
        attempts = [
            {"run_id": row.id, "number": row.attempts, "status": AttemptStatus.RUNNING, "task_version": row.task_version,
             "claimed_at": now, **whose}
            for row in rows
        ]  # fmt: skip
        _OPEN.execute(connection, attempts)
        failpoint("claim_before_commit")
    order = {run_id: place for place, run_id in enumerate(run_ids)}
    claimed = (Claimed(row.id, row.attempts, row.task_id, row.task_version, row.cause, row.scheduled_at) for row in rows)
    return sorted(claimed, key=lambda one: order[one.run_id])


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
        running = endings.running(session, reports)
        known = list(running.values())
        awaited = {row.task_id for row in running.values() if row.awaited}
        for report in reports:
            row = running.pop((report.run_id, report.number), None)
            if row is None:
                continue
            status = endings.judged(report, row)
            closed.append(endings.closed(report, row, status, now))
            not_before = endings.next_try(report, row, status, now)
            if not_before is not None:
                again.append(endings.waiting_again(report, row, not_before))
                continue
            ends.append(endings.ended(report, row, status, now))
            ended.append(Ended(row.id, row.task_id, status, ends[-1]["finished_at"], row.started_at, report.outcome.duration))
        connection = session.connection()
        for statement, rows in ((_CLOSE, closed), (_MOVE, ends), (_MOVE, again)):
            statement.execute(connection, rows)
        digest.add(session, ended, known)
        journal.ended(ends, again)
        if ended:
            after_commit(signals.run_finished, run_ids=[run.run_id for run in ended])
            replaced = dependants.release(session, [run for run in ended if run.task_id in awaited])
            cancel_runs(session, replaced, "", {"code": "replaced"})
        if again:
            after_commit(signals.run_queued, run_ids=[row["run"] for row in again])
        failpoint("finish_before_commit")
    return [run.run_id for run in ended]


def unstart(run_id: int, number: int, error: str | None = None, node: str | None = None) -> bool:
    """Put a run back to wait: this attempt never began and, fenced, never will. One that shall stop ends instead.

    With `node` only while the attempt is that one's; False when it is not, or is over.
    """
    now = clock.now()
    with transaction() as session:
        this = and_(Attempt.run_id == run_id, Attempt.number == number, Attempt.status == AttemptStatus.RUNNING)
        if node is not None:
            this = and_(this, Attempt.node == node)
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
        values = {"pid": pid, "host": host[:64], "started_at": datetime.fromtimestamp(started_at, UTC) if started_at else None}
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
    """End what nobody wants any more: all of tasks in the trash, and of disabled ones what waits and would begin by itself.

    Whoever deleted or disabled them may have had no daemon to tell.
    """
    found = db.session.connection().execute(_ORPHANS.limit(1)).first()
    db.session.rollback()
    if found is None:
        return
    with transaction() as session:
        orphans = session.connection().execute(_ORPHANS).all()
        for code in ("deleted", "disabled"):
            ids = [run.id for run in orphans if (run.deleted_at is not None) == (code == "deleted")]
            cancel_runs(session, ids, "", {"code": code, "by": ""})


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


def _changed(session: Session, statement: Any) -> bool:
    return bool(session.connection().execute(statement).rowcount)
