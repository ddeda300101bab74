"""How the tasks that one waits for stood at an instant, in sentences, for `why`; what their ends cause is for dependants."""

from datetime import datetime

from sqlalchemy import select

from scheduler.accounts.permissions import Actor, can
from scheduler.database import db
from scheduler.errors import N_
from scheduler.runs.models import Run
from scheduler.runs.reasons import Sentence
from scheduler.runs.status import RAN, Status
from scheduler.tasks import dependencies
from scheduler.tasks.models import Task

MOST = 20  # upstreams told of


def notes(actor: Actor, task: Task, instant: datetime) -> list[Sentence]:
    """What the newest run of each upstream before `instant` had come to by then; of those in sight of `actor`."""
    found = []
    for one in dependencies.upstreams(task):
        if one.task.deleted_at is None and can(actor, "task.see", one.task):
            found.append(_note(one.task, instant))
    return found[:MOST]


def _note(upstream: Task, instant: datetime) -> Sentence:
    before = select(Run).where(Run.task_id == upstream.id, Run.scheduled_at < instant)
    run = db.session.scalars(before.order_by(Run.scheduled_at.desc(), Run.id.desc()).limit(1)).first()
    if run is None:
        return Sentence(N_("“%(name)s” had not run by then."), {"name": upstream.name})
    known = {"name": upstream.name, "number": run.id}
    if run.finished_at is None or run.finished_at >= instant:
        return Sentence(N_("Run #%(number)s of “%(name)s” had not ended by then."), known)
    if run.status == Status.SUCCESS:
        return Sentence(N_("Run #%(number)s of “%(name)s” succeeded at %(at)s."), known | {"at": run.finished_at})
    if run.status in RAN:
        return Sentence(N_("Run #%(number)s of “%(name)s” failed at %(at)s."), known | {"at": run.finished_at})
    return Sentence(N_("Run #%(number)s of “%(name)s” was missed, skipped or cancelled."), known)
