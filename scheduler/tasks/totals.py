"""How many tasks there are and how their runs went, in all and by group: read from the tasks' own digests, never from runs."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from scheduler.accounts.permissions import Actor, visible
from scheduler.database import db
from scheduler.tasks.models import Task
from scheduler.tasks.queries import scoped


@dataclass(frozen=True)
class Totals:
    """Tasks, those enabled, their runs that ran, how those ended, and for how many seconds they ran."""

    tasks: int = 0
    enabled: int = 0
    runs: int = 0
    successes: int = 0
    failures: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(
            self.tasks + other.tasks,
            self.enabled + other.enabled,
            self.runs + other.runs,
            self.successes + other.successes,
            self.failures + other.failures,
            self.seconds + other.seconds,
        )


def by_group(actor: Actor) -> dict[int, Totals]:
    """The totals of what this actor may see in each group, by its number; a group without any is not among them."""
    sums = (func.sum(column) for column in (Task.total_count, Task.success_count, Task.failure_count, Task.total_duration))
    query: Any = select(Task.group_id, func.count(), func.count().filter(Task.enabled), *sums)
    rows = db.session.execute(query.where(Task.deleted_at.is_(None), scoped(visible(actor))).group_by(Task.group_id))
    return {row[0]: Totals(row[1], row[2], int(row[3]), int(row[4]), int(row[5]), float(row[6])) for row in rows}
