"""The outbox: which deliveries are due, sending one, and writing down how that went; while sending, nothing is locked."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.config import settings
from scheduler.database import db, storable, transaction
from scheduler.errors import SchedulerError
from scheduler.failpoints import failpoint
from scheduler.notify import texts
from scheduler.notify.channels import Answer, Letter, ways
from scheduler.notify.channels.base import Values
from scheduler.notify.models import Delivery
from scheduler.runs import whereabouts
from scheduler.runs.folders import attempt_folder
from scheduler.runs.logs import open_log

PART = 24  # sent at once at most
OF_ONE_TYPE = 8  # of them, so that a mail server that hangs does not keep the others waiting
LEASE = timedelta(seconds=90)  # after which one that was begun and of which nothing came is tried again
DELAYS = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 1800))  # before the second try, the third …
WINDOW = timedelta(hours=1)
TAIL_LINES, TAIL_CHARACTERS = 50, 8000
MOST_FOLDED = 50  # lines of a summary; of more only the number is told

_log = logging.getLogger("Notify")


@dataclass(frozen=True)
class Job:
    """A delivery to be tried now, as it is outside of any transaction."""

    id: int
    type: str
    address: str
    config: Values
    values: Values
    run_id: int
    created_at: datetime
    folded: tuple[str, ...]
    attempt: int = 0
    log_host: str = ""  # the machine that has the log, where that is another


def next_due() -> datetime | None:
    """When the next delivery is due, as far as is known now."""
    found = db.session.scalar(select(func.min(Delivery.not_before)).where(Delivery.status == "pending"))
    db.session.rollback()
    return found


def claim() -> list[Job]:
    """The deliveries to be tried now, each begun; those whose receiver has had enough for this hour wait, and are folded."""
    now = clock.now()
    due = select(Delivery).where(Delivery.status == "pending", Delivery.not_before <= now)
    due = due.order_by(Delivery.not_before, Delivery.id)
    if db.session.scalar(due.with_only_columns(Delivery.id).limit(1)) is None:
        db.session.rollback()
        return []
    with transaction() as session:
        counts: dict[str, int] = defaultdict(int)
        jobs: list[Job] = []
        gone: set[int] = set()
        for row in session.scalars(due.limit(20 * PART)).all():
            if row.id in gone or counts[row.type] >= OF_ONE_TYPE or len(jobs) >= PART:
                continue
            free_at = None if row.attempts else _free_at(session, row, now)
            if free_at is not None:
                row.held, row.not_before = True, free_at
                continue
            lines, parts = _fold(session, row) if row.held else ((), set())
            gone |= parts
            counts[row.type] += 1
            row.attempts, row.not_before = row.attempts + 1, now + LEASE
            jobs.append(_job(row, lines))
        failpoint("claim_delivery_before_commit")
    return jobs


def perform(job: Job) -> Answer:
    """Try one; asks no database but for messages here, and never raises for what the other side does."""
    began = clock.monotonic()
    values = job.values | {"execution_log_tail": _tail(job)}
    letter = Letter(job.address, values, f"scheduler-{job.id}", job.created_at, job.folded)
    way = ways.get(job.type)
    try:
        answer = way.send(way.read(way.opened(job.config)), letter)
    except SchedulerError as error:  # a key that is gone, or a configuration of an older version
        answer = Answer(False, str(error), again=False)
    spent = int(1000 * (clock.monotonic() - began))
    return Answer(answer.ok, answer.text, answer.code, answer.again, spent)


def record(results: Sequence[tuple[int, Answer]]) -> None:
    """Write down how these went: sent, to be tried again later, or given up."""
    if not results:
        return
    now = clock.now()
    with transaction() as session:
        for number, answer in results:
            row = session.get(Delivery, number)
            if row is None or row.status != "pending":
                continue
            row.code, row.answer, row.milliseconds = answer.code, storable(answer.text), answer.milliseconds
            if answer.ok:
                row.status, row.sent_at = "sent", now
            elif answer.again and row.attempts <= len(DELAYS):
                row.not_before = now + DELAYS[row.attempts - 1]
            else:
                row.status = "failed"
            level = logging.INFO if answer.ok else logging.WARNING
            _log.log(level, "event=delivery_%s id=%s type=%s run=%s attempt=%s code=%s answer=%r",
                     row.status, number, row.type, row.run_id, row.attempts, answer.code, answer.text[:200])  # fmt: skip


def _job(row: Delivery, lines: tuple[str, ...]) -> Job:
    attempt = int(row.values.get("attempt") or 0)
    host = whereabouts.holder(row.run_id, attempt) if attempt else ""
    content = dict(row.config), dict(row.values)
    return Job(row.id, row.type, row.address, *content, row.run_id, row.created_at, lines, attempt, host)


def _tail(job: Job) -> str:
    """The last lines of the attempt's log, or which machine has it; empty when nobody has."""
    if job.log_host:
        return texts.say(settings().server.language, "elsewhere") % job.log_host
    if not job.attempt:
        return ""
    try:
        with open_log(attempt_folder(settings().instance, job.run_id, job.attempt)) as log:
            text = "\n".join(line.text for line in log.tail(TAIL_LINES))
    except OSError:
        return ""
    return str(storable(text[-TAIL_CHARACTERS:]))


def _free_at(session: Session, row: Delivery, now: datetime) -> datetime | None:
    """When the receiver may be told something again; None: now."""
    since = now - WINDOW
    for most, mine in ((settings().notification.per_hour, None), (row.limit, row.rule)):
        if most is None:
            continue
        told = select(Delivery.not_before, Delivery.sent_at).where(Delivery.receiver == row.receiver, Delivery.id != row.id)
        told = told.where((Delivery.sent_at > since) | ((Delivery.status == "pending") & (Delivery.attempts > 0)))
        found = session.execute(told.where(Delivery.rule == mine) if mine else told).all()
        if len(found) >= most:
            moments = sorted(one.sent_at or now for one in found)
            return moments[-most] + WINDOW
    return None


def _fold(session: Session, row: Delivery) -> tuple[tuple[str, ...], set[int]]:
    """Take the others that wait for the same receiver into this one: a line for each, and which they are."""
    waiting = select(Delivery).where(Delivery.receiver == row.receiver, Delivery.status == "pending", Delivery.id != row.id)
    waiting = waiting.where((Delivery.held.is_(True)) & (Delivery.attempts == 0)).order_by(Delivery.id)
    again = select(Delivery).where(Delivery.folded_into == row.id).order_by(Delivery.id)
    fresh = session.scalars(waiting).all()
    for other in fresh:
        other.status, other.folded_into = "folded", row.id
    session.flush()
    found = session.scalars(again).all()
    lines = [_line(other) for other in found[:MOST_FOLDED]]
    more = len(found) - len(lines)
    return (*lines, *([f"… +{more}"] if more > 0 else [])), {other.id for other in fresh}


def _line(row: Delivery) -> str:
    return f"{row.values.get('execution_end_time', '')} {row.values.get('task_name', '')}: {row.event}"
