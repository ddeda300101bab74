"""Pausing everything and resuming it: when, why, by whom, until when; what a pause does to runs is decided in runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, exists, or_, select

from scheduler import clock
from scheduler.accounts import audit
from scheduler.accounts.permissions import Actor, require
from scheduler.columns import UTCDateTime
from scheduler.database import db, storable, table, transaction
from scheduler.errors import N_, Conflict, Invalid
from scheduler.tasks.models import Pause

LONGEST_REASON = 500
THING = ("scheduler", None, "")

_pause = table(Pause).c
_NOT_OVER = or_(_pause.until.is_(None), _pause.until > bindparam("now", type_=UTCDateTime))
IN_FORCE = exists(_pause.id).where(_pause.ended_at.is_(None), _NOT_OVER)  # at `now`, a parameter of the statement it is part of
_FIRST = bindparam("first", type_=UTCDateTime)
_PLANNED = and_(_pause.ended_at.is_(None), or_(_pause.until.is_(None), _pause.until > _FIRST))
_REACHES = or_(_PLANNED, _pause.ended_at > _FIRST)  # it is not over at `first`
_BETWEEN = (
    select(_pause.since, _pause.until, _pause.ended_at)
    .where(_pause.since <= bindparam("last", type_=UTCDateTime), _REACHES)
    .order_by(_pause.since)
)
_CURRENT = select(Pause).where(_pause.ended_at.is_(None), _NOT_OVER).order_by(_pause.id.desc()).limit(1)


@dataclass(frozen=True)
class Span:
    """A pause as a stretch of time: its beginning belongs to it, its end does not; `end` None: it goes on."""

    since: datetime
    end: datetime | None

    def covers(self, instant: datetime) -> bool:
        """Whether `instant` lies in it."""
        return self.since <= instant and (self.end is None or instant < self.end)


def pause(actor: Actor, reason: str = "", until: datetime | None = None) -> Pause:
    """Let nothing begin by itself from now on, until `until` or until somebody resumes.

    Where everything is paused already, the reason and the end of that pause become these.
    """
    now = clock.now()
    with transaction() as session:
        require(actor, "pause.all")
        reason = _reason(reason)
        if until is not None and until <= now:
            raise Invalid.because(N_("The end must lie in the future."), field="until")
        found = current()
        before = shown(found) if found else None
        if found is None:
            found = Pause(since=now, paused_by=actor.name)
            session.add(found)
        found.reason, found.until = reason, until
        session.flush()
        audit.record(actor, "scheduler.pause", THING, before=before, after=shown(found))
    return found


def resume(actor: Actor) -> Pause:
    """Let everything go on; `Conflict` when it does already."""
    with transaction():
        require(actor, "pause.all")
        found = current()
        if found is None:
            raise Conflict.because(N_("The scheduler is not paused."))
        found.ended_at, found.ended_by = clock.now(), actor.name
        audit.record(actor, "scheduler.resume", THING, after=shown(found))
    return found


def current(now: datetime | None = None) -> Pause | None:
    """The pause in force; one whose planned end has come is over, though nobody wrote that down."""
    return db.session.scalars(_CURRENT, {"now": now or clock.now()}).first()


def covering(instant: datetime) -> Pause | None:
    """The pause `instant` lies in, whether it is over by now or not."""
    begun = select(Pause).where(Pause.since <= instant, _REACHES).params(first=instant)
    return db.session.scalars(begun.order_by(Pause.id.desc()).limit(1)).first()


def between(first: datetime, last: datetime) -> list[Span]:
    """Every pause that has something of the time from `first` to `last`, oldest first."""
    rows = db.session.connection().execute(_BETWEEN, {"first": first, "last": last})
    return [Span(row.since, row.ended_at or row.until) for row in rows]


def past(most: int) -> Sequence[Pause]:
    """The last pauses, newest first."""
    return db.session.scalars(select(Pause).order_by(Pause.id.desc()).limit(most)).all()


def end_of(found: Pause) -> datetime | None:
    """When a pause ended, or will by itself."""
    return found.ended_at or found.until


def shown(found: Pause) -> dict[str, str | None]:
    """A pause in words for the audit log."""
    moments = {"since": found.since, "until": found.until, "ended_at": found.ended_at}
    return {"reason": found.reason} | {name: moment.isoformat() if moment else None for name, moment in moments.items()}


def _reason(text: str) -> str:
    text = storable(text).strip()
    if len(text) > LONGEST_REASON:
        raise Invalid.because(N_("Too long: at most %(max_length)s characters."), field="reason", max_length=LONGEST_REASON)
    return text
