"""Which runs wait, in the order they shall start, and how much may run: what the dispatcher and the queue's page both ask."""

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Subquery, and_, bindparam, exists, func, literal_column, not_, or_, select

from scheduler.columns import UTCDateTime
from scheduler.config import settings
from scheduler.database import db, table
from scheduler.runs import policy
from scheduler.runs.models import Run
from scheduler.runs.policy import Slots, Waiting
from scheduler.runs.status import ASKED_FOR, LIVE, Status
from scheduler.tasks import pausing
from scheduler.tasks.models import Group, Task

GLANCE = 8  # waiting runs looked at first, beside as many as there is room for: each costs more than its place in the order
LOOKAHEAD = 1000  # … and considered at once at most

_run, _task, _group = table(Run).c, table(Task).c, table(Group).c
ORDER: tuple[Any, ...] = (_run.weight, _run.id)
_MOST = _task.policy["max_instances"].as_integer()


def selected(condition: ColumnElement[bool]) -> Select[Any]:
    """The runs that meet `condition`, with what admission asks of each; executed with `now`."""
    columns = (_run.id, _run.task_id, _run.group_id, _run.cause, _run.not_before, _run.hastened_by, _group.max_concurrent)
    query = select(*columns, _MOST.label("limit")).select_from(table(Run))
    query = query.add_columns(pausing.IN_FORCE.label("paused"))
    return query.join(table(Task), _task.id == _run.task_id).join(table(Group), _group.id == _task.group_id).where(condition)


# Of a disabled task only what somebody asks for begins, and only once.
_its_task = table(Task).alias("its_task").c
_ASKED = and_(_run.not_before.is_(None), _run.cause.in_(ASKED_FOR))
_WANTED = or_(_ASKED, exists().where(_its_task.id == _run.task_id, _its_task.enabled.is_(True)))
_TIME = or_(_run.not_before.is_(None), _run.not_before <= bindparam("now", type_=UTCDateTime))
# Written out, or the databases could not tell that the index of those that wait is meant.
_WAITS = _run.status == literal_column("'pending'")
_COME = and_(_WAITS, _TIME, _WANTED)
# Chosen before it is joined, and in the order of an index: of a thousand that wait a few are looked at.
_FIRST = select(_run.id).where(_COME).order_by(*ORDER).limit(bindparam("most")).scalar_subquery()
_STARTABLE = selected(_run.id.in_(_FIRST)).order_by(*ORDER)
_LIVE = select(_run.id).where(_run.status.in_(LIVE)).limit(1)
_RUNNING = select(_run.task_id, _run.group_id).where(_run.status == Status.RUNNING)


def anything() -> bool:
    """Whether a run waits or goes on: when none does there is nothing to see to."""
    return db.session.connection().execute(_LIVE).first() is not None


def admitted(now: datetime) -> list[int]:
    """The runs that may start now, best first."""
    room = slots()
    free = room.most - room.running
    if free <= 0:
        return []
    waiting = _looked_at(now, GLANCE + free)
    chosen, _ = policy.admit(waiting, room)
    if len(waiting) == GLANCE + free and room.running < room.most:
        chosen, _ = policy.admit(startable(now), slots())
    return chosen


def startable(now: datetime) -> list[Waiting]:
    """The runs whose time has come, best first.

    When more wait than are looked at, those that a pause or a limit holds must not hide the others: then only as many
    of each task and group are looked at as may start.
    """
    waiting = _looked_at(now, LOOKAHEAD)
    if len(waiting) == LOOKAHEAD:
        waiting = [asking(row) for row in db.session.connection().execute(_not_held(), {"now": now})]
    return waiting


def slots() -> Slots:
    """What runs now, and how much may."""
    found = Slots(settings().most_at_once)
    rows = db.session.connection().execute(_RUNNING).all()
    found.running = len(rows)
    found.by_task, found.by_group = Counter(row.task_id for row in rows), Counter(row.group_id for row in rows)
    return found


def asking(row: Row[Any]) -> Waiting:
    """A selected row as admission asks for it."""
    held = row.paused and policy.waits_for_the_pause(row.cause, row.not_before is not None, bool(row.hastened_by))
    return Waiting(row.id, row.task_id, row.group_id, row.limit, row.max_concurrent, held)


def _looked_at(now: datetime, most: int) -> list[Waiting]:
    """The first `most` of those whose time has come."""
    return [asking(row) for row in db.session.connection().execute(_STARTABLE, {"now": now, "most": most})]


def _not_held() -> Select[Any]:
    """Of each task the first so many that it may have besides those that run, and of these the same for each group."""
    place = func.row_number().over(partition_by=_run.task_id, order_by=ORDER)
    query = selected(_COME).add_columns(_run.weight, place.label("place"))
    wanted = or_(_run.hastened_by != "", _ASKED)
    query = query.where(or_(not_(pausing.IN_FORCE), wanted))
    one, by_task, by_group = query.subquery(), _running(_run.task_id), _running(_run.group_id)
    place = func.row_number().over(partition_by=one.c.group_id, order_by=(one.c.weight, one.c.id))
    of_tasks = select(one, place.label("group_place")).outerjoin(by_task, by_task.c.owner == one.c.task_id)
    two = of_tasks.where(one.c.place + func.coalesce(by_task.c.count, 0) <= one.c.limit).subquery()
    fits = two.c.group_place + func.coalesce(by_group.c.count, 0) <= two.c.max_concurrent
    best = select(two).outerjoin(by_group, by_group.c.owner == two.c.group_id).where(or_(two.c.max_concurrent.is_(None), fits))
    return best.order_by(two.c.weight, two.c.id).limit(LOOKAHEAD)


def _running(owner: Any) -> Subquery:
    """How many run of each task, or of each group."""
    counted = select(owner.label("owner"), func.count().label("count"))
    return counted.where(_run.status == Status.RUNNING).group_by(owner).subquery()
