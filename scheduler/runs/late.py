"""Results that came after their run had been given up: kept beside the attempt, they change no status."""

from typing import Any

from sqlalchemy import select, update

from scheduler.database import db, storable, transaction
from scheduler.runs.models import Attempt
from scheduler.runs.policy import Outcome
from scheduler.runs.status import AttemptStatus

MOST = 1000  # looked for at once, the newest


def awaited(node: str) -> list[tuple[int, int]]:
    """The attempts of a node that were given up and of which nothing came since: run and number."""
    query = select(Attempt.run_id, Attempt.number).where(Attempt.status == AttemptStatus.LOST, Attempt.node == node)
    query = query.where(Attempt.result.is_(None)).order_by(Attempt.run_id.desc()).limit(MOST)
    found = [(row.run_id, row.number) for row in db.session.execute(query)]
    db.session.rollback()
    return found


def keep(run_id: int, number: int, outcome: Outcome) -> bool:
    """Keep what a lost attempt left after all, its log with it: what became of the run was said and stands."""
    late: dict[str, Any] = {name: getattr(outcome, name) for name in ("reason", "exit_code", "signal", "finished_at")}
    change = update(Attempt).where(Attempt.run_id == run_id, Attempt.number == number, Attempt.status == AttemptStatus.LOST)
    with transaction() as session:
        changed = session.execute(change.where(Attempt.result.is_(None)).values(result=storable({"late": late})))
        return bool(changed.rowcount)  # type: ignore[attr-defined]
