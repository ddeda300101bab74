"""The page of a task's executions that a request of a face without an envelope asks for; how they are shown is the face's."""

from collections.abc import Sequence

from scheduler.accounts.permissions import Actor
from scheduler.api import asking, pages
from scheduler.api.asking import Paging
from scheduler.api.v1 import ranges
from scheduler.api.words import ASKED
from scheduler.runs import history
from scheduler.runs.history import Entry, Wanted
from scheduler.schedules import zone
from scheduler.tasks import queries


def of_task(actor: Actor, reference: str) -> tuple[Sequence[Entry], int, Paging]:
    """Entries, newest first, how many there are in all, which page it is; `NotFound`, or `Invalid` naming the parameter."""
    task, paging = queries.find(actor, reference), pages.page()
    since, until = ranges.days(zone(task.timezone))
    statuses = ASKED.get(asking.word("status", ASKED), frozenset())
    wanted = Wanted(task_id=task.id, statuses=statuses, since=since, until=until)
    entries, total = history.numbered(actor, wanted, paging.first, paging.size)
    return entries, total, paging
