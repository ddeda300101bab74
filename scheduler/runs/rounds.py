"""Which runs belong together because they go back to the same due instant, along what they came after; writes nothing."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.database import chunks, table
from scheduler.runs.digest import Ended
from scheduler.runs.models import Run
from scheduler.runs.status import LIVE
from scheduler.tasks import dependencies

_run = table(Run).c
_PLANNED = select(_run.id, _run.task_id, _run.public_id, _run.scheduled_at, _run.upstream)


class Rounds:
    """Of tasks that others wait for together: whose turn is still to end, as one run after the other does."""

    def __init__(self, session: Session, tasks: Collection[int], ended: Sequence[Ended]) -> None:
        self._behind = dependencies.behind(session, tasks) if tasks else {}
        self._open: dict[int, int] = {}
        self._began: dict[int, datetime] = {}
        if tasks:
            going = _going(session, {one for behind in self._behind.values() for one in behind})
            runs = {row.id: row for row in [*_of_ids(session, [end.run_id for end in ended]), *going]}
            self._open = {row.id: row.task_id for row in runs.values()}
            self._began = _began(session, list(runs.values()))

    def hear(self, end: Ended) -> set[int]:
        """A run has ended: the other tasks of which a run is still to come that belongs to its round or to one before."""
        self._open.pop(end.run_id, None)
        busy = {task for run, task in self._open.items() if self._began[run] <= self._began[end.run_id]}
        return {task for task, behind in self._behind.items() if not behind.isdisjoint(busy)} - {end.task_id}


def _going(session: Session, task_ids: Collection[int]) -> Iterable[Any]:
    """The runs of these tasks that have not ended, but for those that were asked to stop."""
    for part in chunks(sorted(task_ids)):
        yield from session.execute(_PLANNED.where(_run.status.in_(LIVE), _run.task_id.in_(part), _run.cancel_at.is_(None)))


def _of_ids(session: Session, run_ids: Sequence[int]) -> Iterable[Any]:
    for part in chunks(run_ids):
        yield from session.execute(_PLANNED.where(_run.id.in_(part)))


def _began(session: Session, runs: Sequence[Any]) -> dict[int, datetime]:
    """When the round of each began: the newest due instant among those it goes back to and that are still known."""
    known = {row.public_id: row for row in runs}
    wanted = sorted(_sources(runs) - known.keys())
    while wanted:
        fresh = [row for part in chunks(wanted) for row in session.execute(_PLANNED.where(_run.public_id.in_(part)))]
        known |= {row.public_id: row for row in fresh}
        wanted = sorted(_sources(fresh) - known.keys())
    began: dict[str, datetime] = {}
    for row in sorted(known.values(), key=lambda row: row.id):  # what a run came after is older than it
        began[row.public_id] = max((began[one] for one in row.upstream or () if one in began), default=row.scheduled_at)
    return {row.id: began[row.public_id] for row in runs}


def _sources(runs: Iterable[Any]) -> set[str]:
    return {one for row in runs for one in row.upstream or ()}
