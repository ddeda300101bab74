"""The housekeeping as a job of its own: when it is due, asking for it, doing it step by step, and its record for people."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from scheduler import clock
from scheduler.accounts import audit, sessions, throttle
from scheduler.accounts.permissions import Actor, require
from scheduler.config import settings
from scheduler.database import db, transaction
from scheduler.errors import N_, Conflict
from scheduler.runs import orphans, retention, workspaces
from scheduler.runs.models import Upkeep
from scheduler.runs.orphans import Busy
from scheduler.runs.retention import Rest, Stopped
from scheduler.runs.status import LIVE, Status
from scheduler.schedules import Plan, parse

AT = "03:40"  # on the clock of the installation's zone: quiet, and past the hour that daylight saving takes or gives
KEPT = 400  # records
UNFINISHED = (Status.CANCELLED, Status.LOST)
Step = Callable[[datetime, Counter[str], Rest, Busy], None]

_log = logging.getLogger("Upkeep")


def next_due(after: datetime) -> datetime:
    """When it is due next, by itself."""
    found = Plan(parse("daily", {"times": [AT]}, settings().engine.timezone)).next_after(after)
    assert found is not None
    return found


def request(actor: Actor) -> Upkeep:
    """Have it done soon, by the daemon that leads; `Conflict` when it waits or is being done already."""
    require(actor, "settings.manage")
    with transaction() as session:
        if session.scalar(select(Upkeep.id).where(Upkeep.status.in_(LIVE)).limit(1)) is not None:
            raise Conflict.because(N_("The clean-up waits or is going on already."))
        record = Upkeep(asked_by=actor.name, asked_at=clock.now(), status=Status.PENDING)
        session.add(record)
        session.flush()
        audit.record(actor, "upkeep.run", ("upkeep", record.id, "upkeep"))
    return record


def records(actor: Actor, most: int = 20) -> Sequence[Upkeep]:
    """What was done lately, newest first."""
    require(actor, "settings.manage")
    return db.session.scalars(select(Upkeep).order_by(Upkeep.id.desc()).limit(most)).all()


def last_success() -> datetime | None:
    """When it was last done to the end."""
    done = select(Upkeep.finished_at).where(Upkeep.status == Status.SUCCESS)
    return db.session.scalar(done.order_by(Upkeep.id.desc()).limit(1))


def last_begun() -> datetime | None:
    """When it was last begun or asked for."""
    return db.session.scalar(select(Upkeep.asked_at).order_by(Upkeep.id.desc()).limit(1))


def recover() -> None:
    """A new leader: what the one before was doing is not being done any more."""
    with transaction() as session:
        values = {"status": Status.LOST, "finished_at": clock.now(), "error": "The process that did it is gone."}
        session.execute(update(Upkeep).where(Upkeep.status == Status.RUNNING).values(values))


def take(now: datetime, by_itself: bool = True) -> int | None:
    """The record to work on now: one somebody asked for, or `by_itself` a new one when its time has come, or passed with nobody
    there."""
    asked = db.session.scalar(select(Upkeep.id).where(Upkeep.status == Status.PENDING).limit(1))
    due = _due(now) if by_itself else None
    db.session.rollback()
    if asked is None and due is None:
        return None
    with transaction() as session:
        if asked is None:
            record = Upkeep(due_at=due, asked_at=now, status=Status.PENDING)
            session.add(record)
        else:
            record = session.get_one(Upkeep, asked)
        record.status, record.started_at = Status.RUNNING, now
        session.flush()
        return record.id


def perform(record_id: int, rest: Rest, busy: Busy) -> None:
    """Do all of it and write down what was freed; a step that fails keeps none of the others from being done.

    When `rest` says so it ends early, and is taken up again by whoever leads next.
    """
    freed: Counter[str] = Counter()
    errors: list[str] = []
    status = Status.SUCCESS
    for step in STEPS:
        try:
            step(clock.now(), freed, rest, busy)
        except Stopped:
            status = Status.CANCELLED
            break
        except Exception as error:
            db.session.rollback()
            _log.exception("event=upkeep_step_failed step=%s", step.__name__)
            errors.append(f"{step.__name__.strip('_')}: {error}")
            status = Status.TECHNICAL_FAILURE
    with transaction() as session:
        record = session.get_one(Upkeep, record_id)
        record.status, record.finished_at = status, clock.now()
        record.freed, record.error = dict(+freed), "\n".join(errors)[:4000]
        session.execute(delete(Upkeep).where(Upkeep.id <= record_id - KEPT))
    _tell(f"upkeep_done status={status}", freed)


def sweep(now: datetime, rest: Rest, busy: Busy) -> Counter[str]:
    """Only what concerns the folders of this node, for where another node's daemon does the rest; answers what was freed."""
    freed: Counter[str] = Counter()
    for step in (_workspaces, _orphans):
        step(now, freed, rest, busy)
    _tell("upkeep_swept", freed)
    return freed


def _tell(event: str, freed: Counter[str]) -> None:
    _log.info("event=%s %s", event, " ".join(f"{name}={count}" for name, count in sorted(freed.items())))


def _due(now: datetime) -> datetime | None:
    """The latest time it should have been done and was not: without any record, now; a broken-off one is taken up again."""
    newest_first = select(Upkeep.due_at, Upkeep.status).order_by(Upkeep.id.desc()).limit(1)
    newest = db.session.execute(newest_first).one_or_none()
    if newest is None or newest.status in UNFINISHED:
        return (newest and newest.due_at) or now
    last = db.session.scalar(newest_first.where(Upkeep.due_at.is_not(None)))
    following = next_due(last) if last else now
    if following > now:
        return None
    day = timedelta(days=1)
    return following if now - following < day else next_due(now - day)


def _history(now: datetime, freed: Counter[str], rest: Rest, _busy: Busy) -> None:
    retention.clean(now, freed, rest)


def _trash(now: datetime, freed: Counter[str], rest: Rest, _busy: Busy) -> None:
    retention.empty_trash(now, freed, rest)


def _workspaces(now: datetime, freed: Counter[str], rest: Rest, _busy: Busy) -> None:
    removed = workspaces.clean(now - timedelta(hours=settings().history.workspace_hours), rest)
    freed.update(workspaces=removed.count, bytes=removed.bytes, failed=removed.failed)


def _accounts(_now: datetime, freed: Counter[str], _rest: Rest, _busy: Busy) -> None:
    freed.update(sign_ins=sessions.forget_expired(), tries=throttle.forget_old())


def _orphans(now: datetime, freed: Counter[str], rest: Rest, busy: Busy) -> None:
    orphans.reconcile(now, freed, rest, busy)


STEPS: tuple[Step, ...] = (_history, _trash, _workspaces, _accounts, _orphans)
