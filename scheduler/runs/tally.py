"""What is counted over all runs there ever were: folded out of history up to a number, so that what retention takes still counts.

Everything up to the run `FOLDED` is in the table; what is newer is counted when it is asked for. Each run is in exactly
one of the two, because both change in one transaction: whichever process is asked, the numbers are the same and never fall.
How many runs history has stands beside it, which does fall: counting a million rows takes longer than showing twenty.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from scheduler.database import db, transaction
from scheduler.runs.models import Run, Tally
from scheduler.runs.status import LIVE, Cause

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)  # seconds
CHUNK = 5000  # read at once
PART = 1000  # folded in one transaction
FOLDED = "folded"
RUNS, LATE, LATE_SUM, LATE_COUNT = "runs:", "late:", "late_sum", "late_count"
KEPT = "kept:"  # of the folded runs those that history still has, by status

_COUNTED = (Run.id, Run.status, Run.cause, Run.scheduled_at, Run.started_at)


def totals() -> Mapping[str, float]:
    """Everything counted up to now: `runs:<status>`, and of scheduled starts `late:<seconds>`, `late_sum`, `late_count`."""
    session = db.session()
    session.rollback()
    if db.engine.dialect.name == "postgresql":  # SQLite's readers see one moment anyway
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    found = _known(session)
    last = int(found.pop(FOLDED, 0))
    while rows := _after(session, last):
        for name, value in _counted(rows).items():
            found[name] += value
        last = rows[-1].id
    session.rollback()
    return found


def fold() -> bool:
    """Put the next finished runs into the table, up to the oldest that is not over yet; whether there may be more."""
    known = db.session.scalar(select(Tally.value).where(Tally.name == FOLDED)) or 0
    newest = db.session.scalar(select(func.max(Run.id))) or 0
    db.session.rollback()
    if newest <= known:
        return False
    with transaction() as session:
        last = int(_known(session)[FOLDED])
        alive = session.scalar(select(func.min(Run.id)).where(Run.status.in_(LIVE)))
        rows = [row for row in _after(session, last, PART) if alive is None or row.id < alive]
        if not rows:
            return False
        kept = Counter(KEPT + row.status for row in rows)
        _add(session, _counted(rows) | dict(kept) | {FOLDED: rows[-1].id - last})
    return len(rows) == PART


def keep(session: Session, run_ids: Collection[int]) -> None:
    """Count, in the transaction that deletes them, those of these runs that are not folded yet; the others leave history."""
    last = session.scalar(select(Tally.value).where(Tally.name == FOLDED)) or 0
    fresh = [run_id for run_id in run_ids if run_id > last]
    if fresh:
        _add(session, _counted(session.execute(select(*_COUNTED).where(Run.id.in_(fresh))).all()))
    if len(fresh) < len(run_ids):
        leave = select(Run.status, func.count()).where(Run.id.in_(run_ids), Run.id <= last).group_by(Run.status)
        _add(session, {KEPT + status: -count for status, count in session.execute(leave)})


def standing(statuses: Collection[str] = ()) -> int:
    """How many runs history has, or has of these statuses."""
    names = [KEPT + status for status in statuses]
    chosen, of_them = (Tally.name.in_(names), Run.status.in_(statuses)) if names else (Tally.name.startswith(KEPT), true())
    folded = select(func.coalesce(func.sum(Tally.value), 0)).where(chosen).scalar_subquery()
    last = select(func.coalesce(func.max(Tally.value), 0)).where(Tally.name == FOLDED).scalar_subquery()
    newer = select(func.count(Run.id)).where(Run.id > last, of_them).scalar_subquery()
    return int(db.session.execute(select(folded + newer)).scalar_one())  # one statement: a folding in between is not seen half


def _known(session: Session) -> defaultdict[str, float]:
    ever = Tally.name.not_like(f"{KEPT}%")
    return defaultdict(float, {row.name: row.value for row in session.execute(select(Tally.name, Tally.value).where(ever))})


def _after(session: Session, last: int, most: int = CHUNK) -> Sequence[Any]:
    query = select(*_COUNTED).where(Run.id > last, Run.status.not_in(LIVE)).order_by(Run.id).limit(most)
    return session.execute(query).all()


def _counted(rows: Sequence[Any]) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for row in rows:
        found[RUNS + row.status] += 1
        if row.cause != Cause.SCHEDULE or row.started_at is None:
            continue
        late = max((row.started_at - row.scheduled_at).total_seconds(), 0.0)
        found[LATE_COUNT] += 1
        found[LATE_SUM] += late
        bucket = next((edge for edge in BUCKETS if late <= edge), None)
        if bucket is not None:
            found[f"{LATE}{bucket:g}"] += 1
    return dict(found)


def _add(session: Session, more: Mapping[str, float]) -> None:
    for name, value in more.items():
        row = session.get(Tally, name)
        if row is None:
            session.add(Tally(name=name, value=value))
        else:
            row.value += value
    session.flush()
