"""What runs because other tasks have run: each end of an upstream counts once; who may wait for whom is for tasks to say."""

import hashlib
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.columns import shared
from scheduler.database import chunks, table
from scheduler.prepared import Prepared
from scheduler.runs.digest import Ended
from scheduler.runs.models import Run
from scheduler.runs.rounds import Rounds
from scheduler.runs.rows import alive_of, join, keep, new_row
from scheduler.runs.status import RAN, Cause, Status
from scheduler.tasks.models import Dependency, Task

KEY_ROOM = Run.cause_key.type.length

_edge = table(Dependency).c
_ARRIVE = Prepared(
    update(table(Dependency)).where(_edge.task_id == bindparam("task"), _edge.upstream_id == bindparam("upstream"))
)
_task, _told, _upstream = table(Task).c, table(Dependency).alias("told"), table(Task).alias("upstream")
# Made once: this is asked at the end of every run, and most have nobody waiting for them.
_TOLD = (
    select(_task.id, _task.version, _task.group_id, shared(_task.policy), _task.enabled, _task.depends_mode,
           _edge.upstream_id, _edge.arrival)
    .select_from(_told)
    .join(table(Task), _task.id == _told.c.task_id)
    .join(table(Dependency), _edge.task_id == _task.id)
    .join(_upstream, _upstream.c.id == _edge.upstream_id)
    .where(_told.c.upstream_id.in_(bindparam("upstreams", expanding=True)))
    .where(_task.deleted_at.is_(None), _upstream.c.deleted_at.is_(None))
    .order_by(_task.id, _edge.upstream_id)
)  # fmt: skip


@dataclass
class Waiting:
    """A task that waits, and the ends of its upstreams that it has not used up: None for one that is still to come."""

    task: Any  # a row with what `_TOLD` reads of it
    arrivals: dict[int, str | None] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    changed: set[int] = field(default_factory=set)

    @property
    def gathering(self) -> bool:
        """Whether ends of several tasks have to come together."""
        return self.task.depends_mode != "any" and len(self.arrivals) > 1

    def hear(self, end: Ended, public_id: str, outdated: Set[int]) -> list[str]:
        """Count this end; the runs that make it due now, if they do. Of `outdated` upstreams a newer run is to end yet."""
        counts = end.status == Status.SUCCESS or self.task.depends_mode == "finished"
        if self.task.depends_mode == "any":
            return [public_id] if counts else []
        for upstream in self.arrivals.keys() & (outdated | {end.task_id}):
            self._arrived(upstream, None)
        if not counts:
            return []
        self._arrived(end.task_id, public_id)
        found = [run for run in self.arrivals.values() if run]
        if len(found) < len(self.arrivals):
            return []
        self.changed.update(self.arrivals)
        self.arrivals = dict.fromkeys(self.arrivals)
        return sorted(found)

    def _arrived(self, upstream: int, run: str | None) -> None:
        if self.arrivals[upstream] != run:
            self.arrivals[upstream] = run
            self.changed.add(upstream)


def release(session: Session, ended: Sequence[Ended]) -> list[int]:
    """Write the rows of the tasks that waited for these runs; part of the transaction that ends them, once for each.

    Only a run that ran counts, a cancelled one does not. Answers the runs that are to be stopped, because what was
    released takes their place.
    """
    ran = sorted((end for end in ended if end.status in RAN), key=lambda end: (end.at, end.run_id))
    waiting = _waiting(session, sorted({end.task_id for end in ran}))
    if not waiting:
        return []
    now = clock.now()
    names = _public_ids(session, [end.run_id for end in ran])
    alive = alive_of(session, sorted(waiting))
    rounds = Rounds(session, {upstream for one in waiting.values() if one.gathering for upstream in one.arrivals}, ran)
    for end in ran:
        outdated = rounds.hear(end)
        for one in waiting.values():
            if end.task_id in one.arrivals:
                sources = one.hear(end, names[end.run_id], outdated)
                if sources:
                    _due(one, sources, (end.at, now), alive.setdefault(one.task.id, []))
    changes = [
        {"task": task_id, "upstream": upstream, "arrival": one.arrivals[upstream]}
        for task_id, one in waiting.items()
        for upstream in sorted(one.changed)
    ]
    _ARRIVE.execute(session.connection(), changes)
    return keep(session, [row for one in waiting.values() for row in one.rows])


def _due(one: Waiting, sources: list[str], moments: tuple[datetime, datetime], alive: list[int]) -> None:
    """The row of a task that came due at the first of `moments`, because of these runs; a disabled one does not run."""
    row = new_row(one.task, *moments, Status.PENDING)
    row |= {"cause": Cause.DEPENDENCY, "cause_key": _key(sources), "upstream": sources}
    if one.task.enabled:
        join(one.rows, row, one.task.policy, alive)
    else:
        one.rows.append(row | {"status": Status.SKIPPED, "reason": {"code": "disabled"}, "finished_at": moments[1]})


def _key(sources: list[str]) -> str:
    """What tells this fire from every other of the same task."""
    text = ",".join(sources)
    return text if len(text) <= KEY_ROOM else hashlib.sha256(text.encode()).hexdigest()


def _waiting(session: Session, upstream_ids: Sequence[int]) -> dict[int, Waiting]:
    """The tasks that wait for one of these, each with all that it waits for; those in the trash neither wait nor count."""
    found: dict[int, Waiting] = {}
    for part in chunks(upstream_ids):
        for row in session.connection().execute(_TOLD, {"upstreams": part}):
            found.setdefault(row.id, Waiting(row)).arrivals[row.upstream_id] = row.arrival
    return found


def _public_ids(session: Session, run_ids: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for part in chunks(run_ids):
        query = select(Run.id, Run.public_id).where(Run.id.in_(part))
        found |= {row.id: row.public_id for row in session.execute(query)}
    return found
