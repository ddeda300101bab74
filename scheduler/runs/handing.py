"""Attempts handed over to workers, which are nobody's until one of them takes one; a status is `lifecycle`'s to write."""

from sqlalchemy import case, exists, func, select, update

from scheduler import clock, nodes
from scheduler.database import LARGEST, db, table, transaction
from scheduler.runs import lifecycle
from scheduler.runs.lifecycle import Claimed
from scheduler.runs.models import Attempt, Run
from scheduler.runs.status import AttemptStatus, Status
from scheduler.tasks.models import Task

NOBODY = ""  # the node of an attempt that was handed over and not taken

_run, _attempt, _task = table(Run).c, table(Attempt).c, table(Task).c
_UNTAKEN = (
    select(_run.id, _run.attempts)
    .join_from(table(Run), table(Attempt), (_attempt.run_id == _run.id) & (_attempt.number == _run.attempts))
    .where(_run.status == Status.RUNNING, _attempt.status == AttemptStatus.RUNNING, _attempt.node == NOBODY)
)


def is_untaken(attempt: Attempt | None) -> bool:
    """Whether it was handed over, and no worker has taken it yet."""
    return attempt is not None and attempt.node == NOBODY and attempt.status == AttemptStatus.RUNNING


def take(run_id: int, number: int) -> Claimed | None:
    """Make an attempt that is nobody's this node's; None when it is somebody's, over, or shall stop.

    It is of the task as it is now. Read the task in the same transaction.
    """
    if not (0 < run_id <= LARGEST and 0 < number <= LARGEST):
        return None  # whoever can reach the broker can send anything
    now = clock.now()
    wanted = exists().where(_run.id == run_id, _run.attempts == number, _run.status == Status.RUNNING, _run.cancel_at.is_(None))
    version = select(_task.version).where(_task.id == _run.task_id, _run.id == run_id).scalar_subquery()
    free = (_attempt.run_id == run_id, _attempt.number == number, _attempt.node == NOBODY)
    mine = {"node": nodes.own(), "host": nodes.HOST, "claimed_at": now, "started_at": now, "task_version": version}
    begun = case((_run.attempts == 1, now), else_=func.coalesce(_run.started_at, now))
    with transaction() as session:
        connection = session.connection()
        running = _attempt.status == AttemptStatus.RUNNING
        if not connection.execute(update(table(Attempt)).where(*free, running, wanted).values(mine)).rowcount:
            return None
        change = update(table(Run)).where(_run.id == run_id).values(started_at=begun, task_version=version)
        columns = (_run.id, _run.attempts, _run.task_id, _run.task_version, _run.cause, _run.scheduled_at)
        return Claimed(*connection.execute(change.returning(*columns)).one())


def end_unwanted() -> int:
    """End the runs that shall stop and whose attempt nobody has taken; how many."""
    unwanted = db.session.connection().execute(_UNTAKEN.where(_run.cancel_at.is_not(None))).all()
    db.session.rollback()
    return sum(put_back(row.id, row.attempts) for row in unwanted)


def put_back(run_id: int, number: int, why: str | None = None) -> bool:
    """Have a run wait again, or end where it shall stop, whose attempt nobody has taken; False when somebody has."""
    return lifecycle.unstart(run_id, number, why, node=NOBODY)
