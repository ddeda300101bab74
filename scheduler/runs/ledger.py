"""Due instants become rows here, and so do clicks and calls: the only writer of new runs; `lifecycle` has them from then on."""

import hashlib
import logging
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, and_, bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from scheduler import clock, gathered, heartbeat, signals
from scheduler.accounts import audit
from scheduler.accounts.permissions import Actor, require
from scheduler.columns import UTCDateTime, shared
from scheduler.config import settings
from scheduler.database import after_commit, db, table, transaction
from scheduler.errors import N_, Conflict, NotFound, SchedulerError
from scheduler.failpoints import failpoint
from scheduler.prepared import Prepared
from scheduler.runs import elapsed, journal, lifecycle, policy, ticks
from scheduler.runs.models import Run
from scheduler.runs.policy import Past, Verdict
from scheduler.runs.rows import alive_of, join, keep, new_row
from scheduler.runs.status import Cause, Status
from scheduler.runs.ticks import Tick
from scheduler.tasks import pausing, queries
from scheduler.tasks.models import Task

MOST_TASKS = 5000  # in one transaction
LONGEST_KEY = 80

_task = table(Task).c
_IS_DUE = and_(_task.enabled.is_(True), _task.deleted_at.is_(None), _task.next_run_at <= bindparam("now", type_=UTCDateTime))
_ANY = select(_task.id).where(_IS_DUE).limit(1)
_NEXT = select(func.min(_task.next_run_at)).where(_task.enabled.is_(True), _task.deleted_at.is_(None))
_DUE: Select[Any] = (
    select(_task.id, _task.version, _task.group_id, shared(_task.policy), _task.max_runs, _task.ticks, _task.next_run_at,
           *queries.Timing.columns())
    .where(_IS_DUE)
    .order_by(_task.next_run_at)
    .limit(MOST_TASKS)
)  # fmt: skip
_DUE_OF_ONE = _DUE.where(_task.id == bindparam("task"))
_run = table(Run).c
_SAME = select(_run.id, _run.public_id, _run.status).where(
    _run.task_id == bindparam("task"), _run.cause == bindparam("its_cause"), _run.cause_key == bindparam("key")
)
_WAITING = select(func.count()).where(_run.task_id == bindparam("task"), _run.status == Status.PENDING)
_ADD = insert(table(Run)).returning(_run.id)
_ADVANCE = Prepared(update(table(Task)).where(_task.id == bindparam("task")))

_log = logging.getLogger("SchedulerEngine")


class Asked(NamedTuple):
    """The run that a request made, or had made before."""

    id: int
    public_id: str
    status: str = Status.PENDING


def settle(now: datetime, past: Past = policy.UNKNOWN) -> int:
    """Write the row of every instant due up to `now` and advance each task's next one; answers how many rows.

    Reads only the database and may be called at any time, by anybody, twice: a lost, late or doubled call changes nothing.
    What `past` tells of the time before now goes into the reasons of what was missed.
    """
    nothing = db.session.connection().execute(_ANY, {"now": now}).first() is None
    db.session.rollback()
    if nothing:
        return 0
    with transaction() as session:
        rows = _settle(session, session.connection().execute(_DUE, {"now": now}).all(), now, past)
    failpoint("settle_after_commit")
    return rows


def next_due() -> datetime | None:
    """When `settle` will next have something to write, as far as is known now."""
    return db.session.connection().execute(_NEXT).scalar()


def settle_task(task_id: int) -> None:
    """`settle` for one task, at once, whoever leads: its schedule is about to change. Part of the transaction around it."""
    now, instance = clock.now(), settings().instance
    past = Past(watched=heartbeat.last(instance), down=not heartbeat.fresh(instance))
    with transaction() as session:
        _settle(session, session.connection().execute(_DUE_OF_ONE, {"now": now, "task": task_id}).all(), now, past)


def request(actor: Actor, task: Task, cause: Cause = Cause.MANUAL, key: str = "") -> Run:
    """A run of `task` now, because somebody asked; the same `key` again answers the run it made the first time.

    It waits its turn behind the task's other runs and does not move the schedule. `Conflict` when too many wait already.
    """
    with transaction() as session:
        asked = _asked(session, actor, task, cause, key)
        failpoint("request_before_commit")
    failpoint("request_after_commit")
    return db.session.get_one(Run, asked.id)


def call(actor: Actor, reference: str, key: str = "") -> Asked:
    """`request` by a program, for the task of that number or key; `NotFound` also for one this actor may not see.

    Programs call often, and several at once: what comes together is written together.
    """

    def write(session: Session) -> Asked:
        task = queries.called(reference)
        if task is None:
            raise NotFound.because(N_("There is no such task."))
        asked = _asked(session, actor, task, Cause.API, key)
        failpoint("request_before_commit")
        return asked

    asked = gathered.write(write)
    failpoint("request_after_commit")
    return asked


def _asked(session: Session, actor: Actor, task: Task | Row[Any], cause: Cause, key: str) -> Asked:
    """The run of a task, or of a row with what is read of it here. All refusals come before the first writing."""
    now, connection = clock.now(), session.connection()
    if task.deleted_at is not None and not task.trial:
        raise NotFound.because(N_("There is no such task."))
    require(actor, "task.run", task)
    cause_key = key if 0 < len(key) <= LONGEST_KEY else _key(key)
    names = {"task": task.id, "its_cause": cause, "key": cause_key}
    if key and (known := connection.execute(_SAME, names).one_or_none()) is not None:
        return Asked(*known)
    waiting = connection.execute(_WAITING, names).scalar_one()
    if waiting >= policy.MOST_QUEUED:
        text = N_("%(count)s runs of this task wait already; let some of them end first.")
        raise Conflict.because(text, count=waiting)
    row = new_row(task, now, now, Status.PENDING) | {"cause": cause, "cause_key": cause_key, "triggered_by": actor.name}
    asked = Asked(connection.execute(_ADD, row).scalar_one(), row["public_id"])
    audit.record(actor, "task.run", ("task", task.id, task.name), after={"execution_id": asked.public_id})
    after_commit(signals.run_queued, run_ids=[asked.id])
    return asked


def _settle(session: Session, due: Sequence[Row[Any]], now: datetime, past: Past) -> int:
    """Write the rows of these tasks and advance them; none when another settlement came first. How many rows there are."""
    if not due:
        return 0
    alive = alive_of(session, [task.id for task in due])
    again = elapsed.again(session, due)
    past = replace(past, pauses=tuple(pausing.between(due[0].next_run_at, now)))
    rows: list[dict[str, Any]] = []
    changes: list[dict[str, Any]] = []
    for task in due:
        tick, fresh = _settled(task, now, past, alive.setdefault(task.id, []), task.id in again)
        rows += fresh
        changes.append({"task": task.id, "next_run_at": tick.next_run_at, "ticks": task.ticks + tick.count})
    failpoint("settle_before_insert")
    replaced = keep(session, rows)
    journal.settled(rows)
    failpoint("settle_after_insert")
    _ADVANCE.execute(session.connection(), changes)
    if replaced:
        lifecycle.cancel_runs(session, replaced, "", {"code": "replaced"})
    failpoint("settle_before_commit")
    return len(rows)


def _settled(task: Row[Any], now: datetime, past: Past, alive: list[int], again: bool) -> tuple[Tick, list[dict[str, Any]]]:
    """What is due of one task, as rows. A schedule that cannot be read any more (its zone has gone, say) must not keep
    the other tasks from theirs: the stored instant is skipped with the reason, and there is no next one until an edit."""
    try:
        tick = ticks.due(task, now, again)
    except (SchedulerError, ValueError, KeyError, TypeError, ArithmeticError) as error:
        _log.error("event=schedule_broken task=%s reason=%r", task.id, error)
        reason = {"code": "schedule", "error": str(error)}
        row = new_row(task, task.next_run_at, now, Status.SKIPPED) | {"reason": reason} | _of_schedule(task.next_run_at)
        return Tick([task.next_run_at], None), [row]
    return tick, _gap(task, tick, now, past) + _rows(task, tick, now, past, alive)


def _gap(task: Row[Any], tick: Tick, now: datetime, past: Past) -> list[dict[str, Any]]:
    """What was too long to enumerate: one row for each reason there was, with from, to and count."""
    if tick.gap is None:
        return []
    return [
        _missed(task, part.first, now, past) | {"missed_count": part.count, "missed_until": part.until}
        for part in ticks.parts(tick.gap, queries.plan_of(task), policy.edges(past))
    ]


def _rows(task: Row[Any], tick: Tick, now: datetime, past: Past, alive: list[int]) -> list[dict[str, Any]]:
    """The rows of one task's tick; `alive` are its runs that wait or run already, 0 for one that gets its row here."""
    rows: list[dict[str, Any]] = []
    for instant, verdict in zip(tick.instants, policy.misfire(tick.instants, now, task.policy, past.pauses), strict=True):
        if verdict is Verdict.MISSED:
            rows.append(_missed(task, instant, now, past) | {"missed_count": 1})
        else:
            row = new_row(task, instant, now, Status.PENDING)
            row |= _of_schedule(instant)
            row["late"] = verdict is Verdict.RUN_LATE
            join(rows, row, task.policy, alive)
    return rows


def _missed(task: Row[Any], instant: datetime, now: datetime, past: Past) -> dict[str, Any]:
    reason = {"code": policy.missed(instant, past)}
    return new_row(task, instant, now, Status.MISSED) | _of_schedule(instant) | {"reason": reason}


def _key(wanted: str) -> str:
    """A key of our own, or one that stands for a key too long to keep."""
    return hashlib.sha256(wanted.encode()).hexdigest() if wanted else secrets.token_hex(16)


@lru_cache(maxsize=256)
def _of_schedule(instant: datetime) -> dict[str, Any]:
    return {"cause": Cause.SCHEDULE, "cause_key": elapsed.key_of(instant)}
