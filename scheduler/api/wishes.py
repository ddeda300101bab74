"""`task_notify` in a body, 003's rules or 001's older form: kept with the task as given; what it means is the notifier's."""

from typing import Any

from scheduler.notify import terms
from scheduler.notify.choose import FIELD as KEPT
from scheduler.notify.terms import OldForm as OldForm
from scheduler.notify.terms import Terms as Rule
from scheduler.tasks.models import Task

__all__ = ["KEPT", "OldForm", "Rule", "checked", "kept", "rules"]


def checked(given: Any) -> Any:
    """`given`, if it can be made into rules; `Invalid` naming what is wrong below `notify`. Null means none."""
    return terms.checked({} if given is None else given)


def kept(task: Task) -> Any:
    """What was asked for a task; nothing is an empty object."""
    return task.notes.get(KEPT, {})


def rules(task: Task) -> Any:
    """The same where 003 is spoken: nothing is a list without rules."""
    return kept(task) or []
