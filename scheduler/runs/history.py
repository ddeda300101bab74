"""The questions pages and API ask of runs: one, a list, who is alive; pages by key, never by offset from the newest."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import aliased, defer, lazyload

from scheduler.accounts.permissions import Actor, require, visible
from scheduler.database import db, storable
from scheduler.errors import N_, NotFound
from scheduler.runs import tally
from scheduler.runs.models import Attempt, Run
from scheduler.runs.status import LIVE, Status
from scheduler.tasks.models import Task
from scheduler.tasks.queries import matching, scoped

# A list of runs says little of their tasks; what they do, and the words on them, is read where somebody asks.
_BRIEF = (
    lazyload(Task.tags),
    *map(defer, (Task.content, Task.params, Task.env, Task.notes, Task.policy, Task.schedule_config, Task.recent)),
)


@dataclass(frozen=True)
class Wanted:
    """Which runs; what is None or empty says nothing. Times are of the due instant; `since` included, `until` not."""

    task_id: int | None = None
    statuses: frozenset[str] = frozenset()
    cause: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Entry:
    """A run with the task it belongs to."""

    run: Run
    task: Task


@dataclass(frozen=True)
class Page:
    """Some entries, newest first, and whether there are newer and older ones; turn it by the runs at its ends."""

    entries: list[Entry]
    newer: int | None = None  # ask again with after=
    older: int | None = None  # … with before=


def find(actor: Actor, public_id: str) -> Entry:
    """The run of that public id, or of that number; `NotFound` alike for one that is not there and one not for this actor."""
    match = matching(Run.id, Run.public_id, public_id)
    row = db.session.execute(select(Run, Task).join(Task, Task.id == Run.task_id).where(match)).unique().one_or_none()
    if row is None:
        raise NotFound.because(N_("There is no such run."))
    require(actor, "task.see", row.Task, missing=N_("There is no such run."))
    return Entry(row.Run, row.Task)


def named(actor: Actor, public_ids: Collection[str]) -> list[Entry]:
    """The runs of these public ids that are still there and that this actor may see, oldest first."""
    if not public_ids:
        return []
    query = select(Run, Task).join(Task, Task.id == Run.task_id).where(Run.public_id.in_(public_ids), scoped(visible(actor)))
    return [Entry(row.Run, row.Task) for row in db.session.execute(query.order_by(Run.id)).unique()]


def page(actor: Actor, wanted: Wanted, most: int, before: int | None = None, after: int | None = None) -> Page:
    """At most `most` runs older than run `before`, or newer than run `after`, or the newest."""
    condition = _condition(actor, wanted)
    query = select(Run, Task).join(Task, Task.id == Run.task_id).where(condition).options(*_BRIEF)
    if after is not None:
        query = query.where(Run.id > after).order_by(Run.id)
    else:
        query = query.where(Run.id < before if before is not None else true()).order_by(Run.id.desc())
    rows = [Entry(row.Run, row.Task) for row in db.session.execute(query.limit(most + 1)).unique()]
    more, rows = len(rows) > most, rows[:most]
    if after is not None:
        rows.reverse()
    if not rows:
        return Page([])
    first, last = rows[0].run.id, rows[-1].run.id
    has_newer = more if after is not None else before is not None
    has_older = more if after is None else True
    return Page(rows, first if has_newer else None, last if has_older else None)


def numbered(actor: Actor, wanted: Wanted, first: int, most: int) -> tuple[list[Entry], int]:
    """At most `most` runs from the `first`-th newest on, and how many there are: for documents that page by number."""
    condition, total = _condition(actor, wanted), _total(actor, wanted)
    if first >= total:
        return [], total
    joined = select(Run, Task).join(Task, Task.id == Run.task_id).where(condition)
    rows = db.session.execute(joined.options(*_BRIEF).order_by(Run.id.desc()).offset(first).limit(most)).unique()
    return [Entry(row.Run, row.Task) for row in rows], total


def _total(actor: Actor, wanted: Wanted) -> int:
    """How many runs that are; all of history is known without counting it, and what is hidden from the actor is seldom much."""
    scope = visible(actor)
    if (scope.everything or scope.all_groups) and wanted == Wanted(statuses=wanted.statuses):
        everything = tally.standing(wanted.statuses)
        if scope.everything:
            return everything
        hidden = [Run.task_id.in_(select(Task.id).where(scoped(scope).is_not(true())))]
        hidden += [Run.status.in_(wanted.statuses)] if wanted.statuses else []
        return everything - (db.session.scalar(select(func.count()).select_from(Run).where(*hidden)) or 0)
    counted = select(func.count()).select_from(Run)
    if wanted.text or not scope.everything:
        counted = counted.join(Task, Task.id == Run.task_id)
    return db.session.scalar(counted.where(_condition(actor, wanted))) or 0


def attempts(run: Run) -> Sequence[Attempt]:
    """The tries of a run, first to last."""
    return db.session.scalars(select(Attempt).where(Attempt.run_id == run.id).order_by(Attempt.number)).all()


def attempts_of(run_ids: Iterable[int]) -> dict[int, list[Attempt]]:
    """The tries of each of these runs, first to last."""
    found: dict[int, list[Attempt]] = {}
    query = select(Attempt).where(Attempt.run_id.in_(list(run_ids))).order_by(Attempt.run_id, Attempt.number)
    for attempt in db.session.scalars(query):
        found.setdefault(attempt.run_id, []).append(attempt)
    return found


def last_of(tasks: Iterable[Task]) -> dict[int, Run]:
    """The last run of each of these tasks that has ended, by the task's number."""
    ids = [task.last_run_id for task in tasks if task.last_run_id is not None]
    return {run.task_id: run for run in db.session.scalars(select(Run).where(Run.id.in_(ids)))}


def alive(task_ids: Iterable[int]) -> dict[int, list[Run]]:
    """The runs of these tasks that wait or run now, oldest first."""
    found: dict[int, list[Run]] = {}
    for run in db.session.scalars(select(Run).where(Run.status.in_(LIVE), Run.task_id.in_(list(task_ids))).order_by(Run.id)):
        found.setdefault(run.task_id, []).append(run)
    return found


def tasks_with(status: Status) -> frozenset[int]:
    """The tasks that have a run of this (live) status."""
    return frozenset(db.session.scalars(select(Run.task_id).where(Run.status == status).distinct()))


def count(status: Status, actor: Actor) -> int:
    """How many runs of this (live) status the actor may see."""
    query = select(func.count()).select_from(Run).join(Task, Task.id == Run.task_id)
    return db.session.scalar(query.where(Run.status == status, scoped(visible(actor)))) or 0


def last_failure(task: Task, statuses: Iterable[str]) -> Run | None:
    """The task's newest run of one of `statuses`."""
    query = select(Run).where(Run.task_id == task.id, Run.status.in_(list(statuses))).order_by(Run.id.desc()).limit(1)
    return db.session.scalars(query).one_or_none()


def neighbours(run: Run) -> tuple[str | None, str | None]:
    """The public ids of the task's run before this one and of the one after."""
    other = aliased(Run)
    of_task = select(other.public_id).where(other.task_id == run.task_id).limit(1)
    before = db.session.scalar(of_task.where(other.id < run.id).order_by(other.id.desc()))
    after = db.session.scalar(of_task.where(other.id > run.id).order_by(other.id))
    return before, after


def _condition(actor: Actor, wanted: Wanted) -> ColumnElement[bool]:
    scope = visible(actor)
    parts: list[ColumnElement[bool]] = [] if scope.everything else [scoped(scope)]
    if wanted.task_id is not None:
        parts.append(Run.task_id == wanted.task_id)
    if wanted.statuses:
        parts.append(Run.status.in_(wanted.statuses))
    if wanted.cause:
        parts.append(Run.cause == storable(wanted.cause))
    if wanted.since is not None:
        parts.append(Run.scheduled_at >= wanted.since)
    if wanted.until is not None:
        parts.append(Run.scheduled_at < wanted.until)
    if wanted.text:
        like = "%" + storable(wanted.text.lower()).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        texts = (Task.name, Task.key, Run.public_id, Run.last_line, Run.summary)
        parts.append(or_(*(func.lower(text).like(like, escape="\\") for text in texts)))
    return and_(true(), *parts)
