"""The queue as people see it: each waiting run's position and the one thing it waits for; letting a retry go at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, and_, case, func, select, update

from scheduler import clock, nodes, signals, trouble
from scheduler.accounts import audit
from scheduler.accounts.permissions import SYSTEM, Actor, require, visible
from scheduler.config import settings
from scheduler.database import after_commit, db, transaction
from scheduler.errors import N_, Conflict
from scheduler.runs import policy, waiting
from scheduler.runs.models import Run
from scheduler.runs.reasons import Sentence
from scheduler.runs.status import Status
from scheduler.tasks import pausing
from scheduler.tasks.models import Task
from scheduler.tasks.queries import scoped

LONGEST = 10_000  # how far the queue is looked through


class Hold(StrEnum):
    """What a run waits for, always one thing: the nearest."""

    LATER = "later"
    PAUSED = "paused"
    TASK = "task"
    GROUP = "group"
    ALL = "all"
    NOBODY = "nobody"
    DISK = "disk"
    WORKERS = "workers"
    READY = "ready"


_WHY = {
    Hold.LATER: N_("Its next attempt starts at %(at)s."),
    Hold.PAUSED: N_("Everything is paused."),
    Hold.TASK: N_("Its task may run %(limit)s at a time, and run #%(number)s is going on."),
    Hold.GROUP: N_("Of the group “%(group)s” %(limit)s may run at a time."),
    Hold.ALL: N_("%(limit)s runs may go on at a time, of all tasks together."),
    Hold.NOBODY: N_("The scheduler is not running; it starts when that is back."),
    Hold.DISK: N_("The disk is full or cannot be written to; it starts when there is room again."),
    Hold.WORKERS: N_("No worker takes runs: there is none, or the broker does not answer. It starts when that is put right."),
    Hold.READY: N_("It is about to start."),
}
_BEHIND = N_("Its task may run %(limit)s at a time, and others of it come before.")


@dataclass(frozen=True)
class Place:
    """A waiting run's place; `ahead` is the run of its task that is going on, `limit` the limit it meets."""

    run: Run
    task: Task
    position: int
    hold: Hold
    limit: int | None = None
    ahead: int | None = None

    @property
    def is_retry(self) -> bool:
        """Whether it waits for the time of its next attempt."""
        return self.run.not_before is not None

    @property
    def blocker(self) -> int | None:
        """The number of the run that is in its way, if it is one."""
        return self.ahead if self.hold is Hold.TASK else None

    @property
    def why(self) -> Sentence:
        """Why it waits."""
        text = _BEHIND if self.hold is Hold.TASK and self.ahead is None else _WHY[self.hold]
        values = {"at": self.run.not_before, "limit": self.limit, "number": self.ahead, "group": self.task.group.name}
        return Sentence(text, {name: value for name, value in values.items() if f"%({name})s" in text})


def entries(actor: Actor, first: int = 0, most: int = 100) -> tuple[list[Place], int]:
    """At most `most` of the waiting runs this actor may see, from the `first`-th on in starting order, and how many there are.

    Positions count everybody's, so that they say how many really come before.
    """
    now = clock.now()
    rows = _line(actor, now)
    seen = [(number, row) for number, row in enumerate(rows, 1) if row.seen]
    return _places(seen[first : first + most], rows, now), len(seen)


def place_of(run: Run) -> Place | None:
    """The place of one run; None when it does not wait, or farther back than anybody looks."""
    now = clock.now()
    rows = _line(SYSTEM, now) if run.status == Status.PENDING else []
    found = _places([(number, row) for number, row in enumerate(rows, 1) if row.id == run.id], rows, now)
    return found[0] if found else None


def hasten(actor: Actor, run: Run) -> None:
    """Let a waiting retry start at once, in a pause too; `Conflict` when the run does not wait for one."""
    with transaction() as session:
        require(actor, "task.run", session.get(Task, run.task_id), missing=N_("There is no such run."))
        waits = and_(Run.id == run.id, Run.status == Status.PENDING, Run.not_before.is_not(None), Run.cancel_at.is_(None))
        weight = policy.weight(run.priority, run.queued_at)
        values = {"not_before": None, "weight": weight, "hastened_by": actor.name}
        if not session.connection().execute(update(Run).where(waits).values(values).returning(Run.id)).all():
            raise Conflict.because(N_("This run does not wait for a retry."))
        audit.record(actor, "run.hasten", ("run", run.id, run.public_id))
        after_commit(signals.run_queued, run_ids=[run.id])
        session.expire_all()


def _line(actor: Actor, now: datetime) -> Sequence[Row[Any]]:
    """Everything that waits, in starting order, and whether this actor may see it; retries to come stand at the end."""
    seen = case((scoped(visible(actor)), True), else_=False).label("seen")
    later = case((Run.not_before > now, 1), else_=0)
    query = waiting.selected(Run.status == Status.PENDING).add_columns(seen)
    query = query.order_by(later, case((later == 1, Run.not_before)), *waiting.ORDER)
    return db.session.execute(query.limit(LONGEST), {"now": now}).all()


def _places(chosen: Sequence[tuple[int, Row[Any]]], rows: Sequence[Row[Any]], now: datetime) -> list[Place]:
    """The chosen of `rows`, each with its number, with all that is to be shown of them, by a few questions."""
    if not chosen:
        return []
    holds = _holds(rows, now)
    running = select(Run.task_id, func.min(Run.id)).where(Run.status == Status.RUNNING)
    of_them = running.where(Run.task_id.in_({row.task_id for _, row in chosen})).group_by(Run.task_id)
    ahead: dict[int, int] = {task_id: run_id for task_id, run_id in db.session.execute(of_them)}
    query = select(Run, Task).join(Task, Task.id == Run.task_id).where(Run.id.in_([row.id for _, row in chosen]))
    found = {run.id: (run, task) for run, task in db.session.execute(query).unique()}
    return [Place(*found[row.id], number, *holds[row.id], ahead.get(row.task_id)) for number, row in chosen if row.id in found]


def _free() -> Hold:
    """What holds a run that nothing else holds."""
    if trouble.condition(settings().instance):
        return Hold.DISK
    if not nodes.ticking():
        return Hold.NOBODY
    return Hold.WORKERS if settings().handed_over and not nodes.workers() else Hold.READY


def _holds(rows: Sequence[Row[Any]], now: datetime) -> dict[int, tuple[Hold, int | None]]:
    """What holds each of `rows`, and the limit it meets."""
    later = {row.id: row.not_before for row in rows if row.not_before is not None and row.not_before > now}
    slots = waiting.slots()
    asking = [waiting.asking(row) for row in rows if row.not_before is None or row.not_before <= now]
    held = policy.admit(asking, slots)[1]
    free = _free()
    pause = pausing.current() if later else None
    span = pause and pausing.Span(pause.since, pause.until)
    found: dict[int, tuple[Hold, int | None]] = {
        run: (Hold.PAUSED if span and span.covers(at) else Hold.LATER, None) for run, at in later.items()
    }
    for one in asking:
        hold = Hold(held.get(one.run_id, free))
        limits = {Hold.TASK: one.limit, Hold.GROUP: one.group_limit, Hold.ALL: slots.most}
        found[one.run_id] = hold, limits.get(hold)
    return found
