"""What must be written down before a schedule changes: the instants due by the old one. Who writes them is told from above."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.tasks.models import Task

Settle = Callable[[int], None]


def _nobody(task_id: int) -> None:
    raise RuntimeError("Nobody writes down what is due: `create_app` says who.")


_settle: Settle = _nobody


def use(settle: Settle) -> None:
    """Have `settle(task_id)` write the rows of what is due, as part of the transaction it is called in."""
    global _settle
    _settle = settle


def settled(session: Session, task: Task) -> None:
    """See to it that every instant of `task` up to now has its row; call it before anything of the task is changed.

    Otherwise an edit in the second before the daemon has come to an instant would take its row away.
    """
    if task.enabled and task.next_run_at is not None and task.next_run_at <= clock.now():
        _settle(task.id)
        session.refresh(task)
