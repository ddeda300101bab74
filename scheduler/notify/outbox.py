"""What was sent and what was not, and why, for people to look at; and trying one again that was given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, delete, func, select

from scheduler import clock
from scheduler.accounts import audit
from scheduler.accounts.permissions import Actor, require, visible
from scheduler.config import settings
from scheduler.database import db, transaction
from scheduler.errors import N_, Conflict, NotFound
from scheduler.notify.models import Delivery, Message
from scheduler.tasks.models import Task
from scheduler.tasks.queries import scoped

BATCH = 500
STATUSES = ("pending", "sent", "failed", "folded")


@dataclass(frozen=True)
class Entry:
    """A delivery with the task it tells of."""

    delivery: Delivery
    task: Task


def listed(actor: Actor, first: int, most: int, status: str = "", task: Task | None = None) -> tuple[Sequence[Entry], int]:
    """At most `most` deliveries about tasks the actor may see, from the `first`-th newest on, and how many there are."""
    condition = _condition(actor, status, task)
    query = select(Delivery, Task).join(Task, Task.id == Delivery.task_id).where(condition)
    rows = db.session.execute(query.order_by(Delivery.id.desc()).offset(first).limit(most)).unique()
    counted = select(func.count(Delivery.id)).join(Task, Task.id == Delivery.task_id).where(condition)
    return [Entry(row.Delivery, row.Task) for row in rows], db.session.scalar(counted) or 0


def again(actor: Actor, delivery_id: int) -> None:
    """Try one that was given up once more from the beginning; `Conflict` when it was not given up."""
    with transaction() as session:
        row = session.get(Delivery, delivery_id)
        task = session.get(Task, row.task_id) if row is not None else None
        if row is None or task is None:
            raise NotFound.because(N_("There is no such delivery."))
        require(actor, "task.edit", task, missing=N_("There is no such delivery."))
        if row.status != "failed":
            raise Conflict.because(N_("Only a delivery that was given up is tried again."))
        row.status, row.attempts, row.not_before = "pending", 0, clock.now()
        audit.record(actor, "delivery.again", ("delivery", row.id, row.receiver))


def forget() -> bool:
    """Remove some deliveries that are over, and some messages, as old as runs may become; whether there may be more."""
    since = clock.now() - timedelta(days=settings().history.retention_days)
    over = select(Delivery.id).where(Delivery.created_at < since, Delivery.status != "pending").limit(BATCH)
    old = select(Message.id).where(Message.at < since).limit(BATCH)
    found, letters = db.session.scalars(over).all(), db.session.scalars(old).all()
    db.session.rollback()
    if found or letters:
        with transaction() as session:
            session.execute(delete(Delivery).where(Delivery.id.in_(found)))
            session.execute(delete(Message).where(Message.id.in_(letters)))
    return max(len(found), len(letters)) == BATCH


def _condition(actor: Actor, status: str, task: Task | None) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = [scoped(visible(actor))]
    if status:
        parts.append(Delivery.status == status)
    if task is not None:
        parts.append(Delivery.task_id == task.id)
    return and_(*parts)
