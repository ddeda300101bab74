"""Which runs history no longer keeps, by age and by number, and their going: folder first, then row, a few hundred at a time."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, delete, func, not_, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from scheduler import clock
from scheduler.accounts import audit
from scheduler.accounts.permissions import SYSTEM
from scheduler.config import settings
from scheduler.database import db, transaction
from scheduler.runs import disk, tally
from scheduler.runs.folders import run_folder, workspace_folder
from scheduler.runs.models import Run
from scheduler.runs.status import LIVE, Cause
from scheduler.tasks import trials
from scheduler.tasks.models import Dependency, Task

BATCH = 500
BREATH = 0.01  # seconds between two transactions at least; else
SHARE = 0.5  # of the time the last one took
REPEATABLE = timedelta(days=1)  # for which a caller may send the same idempotency key again

Rest = Callable[[float], None]
"""Waits that many seconds, and raises `Stopped` when there is no time for more."""

_log = logging.getLogger("Upkeep")
_over = Run.status.not_in(LIVE)
_LAST = select(Task.id).where(Task.id == Run.task_id, Task.last_run_id == Run.id).exists()
_AWAITED = select(Dependency.task_id).where(Dependency.upstream_id == Run.task_id, Dependency.arrival == Run.public_id).exists()


class Stopped(Exception):
    """The clean-up was asked to stop; what it has done is done, and the rest is there to be done another time."""


class Sweep(NamedTuple):
    """A set of runs to go, and the column along whose index they are found."""

    which: ColumnElement[bool]
    along: InstrumentedAttribute[Any] = Run.id


def clean(now: datetime, freed: Counter[str], rest: Rest) -> None:
    """Remove what is too old or too much of every task; adds `runs`, `bytes` and `failed` to `freed`.

    Kept whatever their age: what is not over, each task's last run, an end that a task still waits with, and for a day
    what came by the API, so that a call sent twice is not obeyed twice.
    """
    needless = and_(_over, not_(_LAST), not_(_AWAITED), or_(Run.cause != Cause.API, Run.finished_at < now - REPEATABLE))
    for sweep in _by_age(now):
        _remove(sweep, needless, freed, rest)
    for sweep in _by_number():
        _remove(sweep, needless, freed, rest)


def empty_trash(now: datetime, freed: Counter[str], rest: Rest) -> None:
    """Remove for good what has been in the trash long enough, with all its runs; adds `tasks` to `freed`."""
    gone = or_(
        Task.deleted_at < now - timedelta(days=settings().history.trash_days),
        and_(Task.trial.is_(True), Task.deleted_at < now - trials.KEPT),
    )
    for task_id in db.session.scalars(select(Task.id).where(gone).order_by(Task.id)).all():
        _remove(Sweep(Run.task_id == task_id), _over, freed, rest)
        with transaction() as session:
            task = session.scalars(select(Task).where(Task.id == task_id, gone)).unique().one_or_none()
            if task is None or session.scalar(select(Run.id).where(Run.task_id == task_id).limit(1)) is not None:
                continue  # brought back just now, or something of it still ends or could not be removed
            audit.record(SYSTEM, "task.purge", ("task", task.id, task.name))
            session.delete(task)
            freed["tasks"] += 1


def _by_age(now: datetime) -> Iterator[Sweep]:
    own = _own("retention_days")
    yield Sweep(
        and_(
            Run.finished_at < now - timedelta(days=settings().history.retention_days),
            Run.task_id.not_in(list(own)) if own else true(),
        ),
        Run.finished_at,
    )
    for task_id, days in own.items():
        yield Sweep(and_(Run.task_id == task_id, Run.finished_at < now - timedelta(days=days)))


def _by_number() -> Iterator[Sweep]:
    own, general = _own("max_records"), settings().history.max_records
    counts = select(Run.task_id, func.count().label("count")).group_by(Run.task_id)
    found = db.session.execute(counts.having(func.count() > min([general, *own.values()]))).all()
    db.session.rollback()
    for task_id, count in found:
        most = own.get(task_id, general)
        if count > most:
            newest = select(Run.id).where(Run.task_id == task_id).order_by(Run.id.desc()).offset(most).limit(1)
            yield Sweep(and_(Run.task_id == task_id, Run.id <= newest.scalar_subquery()))


def _own(rule: str) -> Mapping[int, int]:
    """The tasks that say themselves how long, or how many, and what."""
    value = Task.policy[rule].as_integer()
    found = {row.id: row[1] for row in db.session.execute(select(Task.id, value).where(value.is_not(None)))}
    db.session.rollback()
    return found


def _remove(sweep: Sweep, needless: ColumnElement[bool], freed: Counter[str], rest: Rest) -> None:
    """Walk along the sweep's index, `BATCH` runs in a transaction of their own each, and a breath for others in between."""
    columns = (Run.id, Run.attempts, sweep.along.label("place"))
    query = select(*columns).where(sweep.which, needless).order_by(sweep.along, Run.id).limit(BATCH)
    last: Any = None
    while True:
        began = clock.monotonic()
        later = and_(sweep.along >= last.place, or_(sweep.along > last.place, Run.id > last.id)) if last else true()
        rows = db.session.execute(query.where(later)).all()
        db.session.rollback()
        if rows:
            last = rows[-1]
            _drop([(row.id, row.attempts > 0) for row in rows], freed)
        rest(max(BREATH, SHARE * (clock.monotonic() - began)))
        if len(rows) < BATCH:
            return


def _drop(runs: Sequence[tuple[int, bool]], freed: Counter[str]) -> None:
    """Remove these runs' folders, where they ever began and so may have some, then the rows of those whose folders are gone."""
    instance = settings().instance
    parents = [os.fspath(folder.parent) for folder in (run_folder(instance, 0), workspace_folder(instance, 0))]
    gone = []
    for run_id, began in runs:
        try:
            if began:
                freed["bytes"] += sum(disk.remove(f"{parent}/{run_id}") for parent in parents)
        except OSError as error:
            _log.error("event=run_not_removed run=%s reason=%s", run_id, error)
            freed["failed"] += 1
        else:
            gone.append(run_id)
    with transaction() as session:
        tally.keep(session, gone)
        statement = delete(Run).where(Run.id.in_(gone), _over).returning(Run.id)
        freed["runs"] += len(session.connection().execute(statement).all())
