"""Which runs wait, in the order they shall start, and how much may run: what the dispatcher and the queue's page both ask."""

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Subquery, and_, case, extract, func, or_, select

from scheduler.config import settings
from scheduler.database import db
from scheduler.runs import policy
from scheduler.runs.models import Run
from scheduler.runs.policy import Slots, Waiting
from scheduler.runs.status import ASKED_FOR, Status
from scheduler.tasks import pausing
from scheduler.tasks.models import Group, Task

LOOKAHEAD = 1000  # waiting runs considered at once

# As `policy.weight` says it, to the second; within one the older row goes first.
_WEIGHT = extract("epoch", func.coalesce(Run.not_before, Run.queued_at)) - Run.priority * policy.STEP
ORDER: tuple[Any, ...] = (_WEIGHT, Run.id)
_MOST = Task.policy["max_instances"].as_integer()
_OVERLAP = Task.policy["overlap_policy"].as_string()


def startable(now: datetime) -> list[Waiting]:
    """The runs whose time has come, best first.

    When more wait than are looked at, those that a pause or a limit holds must not hide the others: then only as many
    of each task and group are looked at as may start.
    """
    paused = pausing.current(now) is not None
    rows = db.session.execute(selected(_wanted(now)).order_by(*ORDER).limit(LOOKAHEAD)).all()
    if len(rows) == LOOKAHEAD:
        rows = db.session.execute(_not_held(now, paused)).all()
    return [asking(row, paused) for row in rows]


def slots() -> Slots:
    """What runs now, and how much may."""
    now = settings()
    found = Slots(min(now.engine.max_workers, now.execution.concurrency.max_concurrent))
    rows = db.session.execute(select(Run.task_id, Run.group_id).where(Run.status == Status.RUNNING)).all()
    found.running = len(rows)
    found.by_task, found.by_group = Counter(row.task_id for row in rows), Counter(row.group_id for row in rows)
    return found


def selected(condition: ColumnElement[bool]) -> Select[Any]:
    """The runs that meet `condition`, with what admission asks of each."""
    columns = (Run.id, Run.task_id, Run.group_id, Run.cause, Run.not_before, Run.hastened_by, Group.max_concurrent)
    query = select(*columns, _MOST.label("limit"), _OVERLAP.label("overlap"))
    return query.join(Task, Task.id == Run.task_id).join(Group, Group.id == Task.group_id).where(condition)


def asking(row: Row[Any], paused: bool) -> Waiting:
    """A selected row as admission asks for it; `paused` when everything is."""
    limit = policy.at_once({"max_instances": row.limit, "overlap_policy": row.overlap})
    held = paused and policy.waits_for_the_pause(row.cause, row.not_before is not None, bool(row.hastened_by))
    return Waiting(row.id, row.task_id, row.group_id, limit, row.max_concurrent, held)


def _wanted(now: datetime) -> ColumnElement[bool]:
    """Those whose time has come; that of a retry for the schedule of a disabled task never comes."""
    wanted = or_(Task.enabled.is_(True), Run.not_before.is_(None), Run.cause.in_(ASKED_FOR))
    return and_(Run.status == Status.PENDING, or_(Run.not_before.is_(None), Run.not_before <= now), wanted)


def _not_held(now: datetime, paused: bool) -> Select[Any]:
    """Of each task the first so many that it may have besides those that run, and of these the same for each group."""
    allowed = case((and_(_OVERLAP == "allow", _MOST < policy.MOST_QUEUED), policy.MOST_QUEUED), else_=_MOST)
    place = func.row_number().over(partition_by=Run.task_id, order_by=ORDER)
    query = selected(_wanted(now)).add_columns(_WEIGHT.label("weight"), allowed.label("allowed"), place.label("place"))
    if paused:
        query = query.where(or_(Run.hastened_by != "", and_(Run.cause.in_(ASKED_FOR), Run.not_before.is_(None))))
    one, by_task, by_group = query.subquery(), _running(Run.task_id), _running(Run.group_id)
    place = func.row_number().over(partition_by=one.c.group_id, order_by=(one.c.weight, one.c.id))
    of_tasks = select(one, place.label("group_place")).outerjoin(by_task, by_task.c.owner == one.c.task_id)
    two = of_tasks.where(one.c.place + func.coalesce(by_task.c.count, 0) <= one.c.allowed).subquery()
    fits = two.c.group_place + func.coalesce(by_group.c.count, 0) <= two.c.max_concurrent
    best = select(two).outerjoin(by_group, by_group.c.owner == two.c.group_id).where(or_(two.c.max_concurrent.is_(None), fits))
    return best.order_by(two.c.weight, two.c.id).limit(LOOKAHEAD)


def _running(owner: Any) -> Subquery:
    """How many run of each task, or of each group."""
    counted = select(owner.label("owner"), func.count().label("count"))
    return counted.where(Run.status == Status.RUNNING).group_by(owner).subquery()
