"""From runs that ended to deliveries: reads what was written, asks the rules, and writes all of it in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Text, bindparam, cast, delete, insert, or_, select
from sqlalchemy.orm import Session, lazyload, load_only

from scheduler import clock
from scheduler.accounts.models import User
from scheduler.config import settings
from scheduler.database import db, table, transaction
from scheduler.errors import Invalid
from scheduler.failpoints import failpoint
from scheduler.notify import rules, terms
from scheduler.notify.channels import ways
from scheduler.notify.channels.base import OWNER, Values
from scheduler.notify.models import Channel, Delivery, Rule, Streak
from scheduler.notify.rules import Said, When
from scheduler.notify.terms import Terms
from scheduler.runs.models import Ending, Run
from scheduler.schedules import zone
from scheduler.tasks.models import Task

PART = 100  # ends taken in by one transaction: others wait for it
FIELD = "task_notify"  # in a task's metadata: the rules it carries itself
LONGEST_NAME = 200

_ending = table(Ending).c
_OLDEST = select(_ending.id, _ending.run_id, _ending.task_id, _ending.status, _ending.at, _ending.count.label("instants"))
_OLDEST = _OLDEST.order_by(_ending.id).limit(bindparam("most"))
_TAKEN = delete(table(Ending)).where(_ending.id <= bindparam("last"))  # all up to it were read: nobody else wrote meanwhile


@dataclass(frozen=True)
class Speaker:
    """A rule as one task's runs meet it; `key` is what its streaks and deliveries go by."""

    key: str
    terms: Terms
    since: datetime | None = None

    @property
    def when(self) -> When:
        """What decides when it speaks."""
        return When(frozenset(self.terms.triggers), self.terms.threshold, self.terms.repeat)


@dataclass(frozen=True)
class Receiver:
    """Somebody to be told, and by which way."""

    type: str
    address: str
    config: Values
    channel: str = ""

    @property
    def key(self) -> str:
        """Who it is, whichever rule or channel names them."""
        return f"{self.type}:{self.address}"


def choose(most: int = PART) -> int:
    """Take in runs that ended, oldest first, and write whom to tell; answers how many runs there were.

    The ends are gone from their table in the transaction that writes the deliveries and counts the streaks, so that a
    process that dies anywhere leaves each run either taken in or not.
    """
    nothing = db.session.scalar(select(Ending.id).limit(1)) is None
    db.session.rollback()
    if nothing:
        return 0
    with transaction() as session:
        endings = session.connection().execute(_OLDEST, {"most": most}).all()
        _tell(session, endings)
        failpoint("choose_before_commit")
        session.connection().execute(_TAKEN, {"last": endings[-1].id if endings else 0})
    failpoint("choose_after_commit")
    return len(endings)


def speakers(session: Session, tasks: Mapping[int, Task]) -> dict[int, list[Speaker]]:
    """The enabled rules of each task, its own first, then its group's, then everybody's."""
    groups = {task.group_id for task in tasks.values()}
    where = or_(Rule.scope == "all", Rule.task_id.in_(list(tasks)), Rule.group_id.in_(groups))
    rows = [(row, terms.of_field([row.terms])) for row in session.scalars(select(Rule).where(where).order_by(Rule.id))]
    known = [(row, Speaker(f"rule-{row.id}", found[0], row.created_at)) for row, found in rows if found]
    return {task.id: [one for one in _of(task, known) if one.terms.enabled] for task in tasks.values()}


def _of(task: Task, known: Sequence[tuple[Rule, Speaker]]) -> Iterator[Speaker]:
    for number, own in enumerate(terms.of_field(task.notes.get(FIELD))):
        yield Speaker(f"task-{task.id}-{number}", own)
    yield from (one for row, one in known if row.task_id == task.id)
    yield from (one for row, one in known if row.group_id == task.group_id)
    yield from (one for row, one in known if row.scope == "all")


def _tell(session: Session, endings: Sequence[Any]) -> None:
    wanted = {one.task_id for one in endings}
    if not _may_speak(session, wanted):
        return
    few = load_only(Task.group_id, Task.notes), lazyload(Task.group), lazyload(Task.tags)  # of most nobody is told anything
    found = session.scalars(select(Task).where(Task.id.in_(wanted), Task.trial.is_(False)).options(*few))
    tasks = {task.id: task for task in found}
    speaking = {task_id: found for task_id, found in speakers(session, tasks).items() if found}
    if not speaking:
        return
    known = session.scalars(select(Streak).where(Streak.task_id.in_(list(speaking)))).all()
    streaks = {(row.rule, row.task_id): row for row in known}
    for ending in endings:
        told: set[str] = set()
        for speaker in speaking.get(ending.task_id, ()):
            if speaker.since is None or ending.at >= speaker.since:
                said = _heard(session, streaks, speaker, ending)
                if said is not None:
                    _deliver(session, (tasks[ending.task_id], ending), speaker, said, told)


def _may_speak(session: Session, task_ids: set[int]) -> bool:
    """Whether there is any rule at all, of the installation or of one of these tasks itself."""
    if session.scalar(select(Rule.id).limit(1)) is not None:
        return True
    own = select(Task.id).where(Task.id.in_(task_ids), cast(Task.notes, Text).contains(f'"{FIELD}"'))
    return session.scalar(own.limit(1)) is not None


def _heard(session: Session, streaks: dict[tuple[str, int], Streak], speaker: Speaker, ending: Row[Any]) -> Said | None:
    place, mark = (speaker.key, ending.task_id), speaker.terms.mark
    row = streaks.get(place)
    before = rules.Streak(row.count, row.failures) if row is not None and row.mark == mark else rules.Streak()
    after, said = rules.heard(speaker.when, before, ending.status, ending.instants)
    if row is None:
        if after == before:
            return said
        row = streaks[place] = Streak(rule=speaker.key, task_id=ending.task_id)
        session.add(row)
    row.mark, row.count, row.failures = mark, after.count, after.failures
    return said


def _deliver(session: Session, ended: tuple[Task, Row[Any]], speaker: Speaker, said: Said, told: set[str]) -> None:
    """One row for each receiver that no narrower rule tells of this run already."""
    task, ending = ended
    now = clock.now()
    quiet, here = speaker.terms.quiet_hours, ZoneInfo(settings().engine.timezone)
    not_before = rules.quiet_until(now, *quiet.span, here) if quiet else now
    run = session.get(Run, ending.run_id)
    values = variables(task, ending, run) | {"event": said.event, "threshold_count": said.count, "rule_name": speaker.terms.name}
    for one in receivers(session, speaker.terms, task):
        if one.key in told:
            continue
        told.add(one.key)
        row = {
            "rule": speaker.key, "rule_name": speaker.terms.name[:LONGEST_NAME], "event": said.event, "task_id": task.id,
            "run_id": ending.run_id, "receiver": one.key, "type": one.type, "address": one.address, "channel": one.channel,
            "config": one.config, "values": values, "limit": speaker.terms.throttle_per_hour, "status": "pending",
            "held": False, "attempts": 0, "created_at": now, "not_before": not_before, "answer": "",
        }  # fmt: skip
        session.connection().execute(insert(table(Delivery)), row)


def receivers(session: Session, given: Terms, task: Task) -> Iterator[Receiver]:
    """Whom a rule tells of a task's runs; a channel that is gone or switched off tells nobody."""
    for choice in given.channels:
        found = _channel(session, choice.channel) if choice.channel is not None else None
        if choice.channel is not None and (found is None or not found.enabled):
            continue
        type, config = (found.type, found.config) if found is not None else (choice.type or "", dict(choice.model_extra or {}))
        way = ways.get(type)
        try:
            addresses = way.addresses(way.read(way.opened(config)))
        except Invalid:  # as an older version kept it
            continue
        for address in addresses:
            address = _owner(session, type, task) if address == OWNER else address
            if address:
                yield Receiver(type, address, config, found.name if found is not None else "")


def _owner(session: Session, type: str, task: Task) -> str:
    owner = session.get(User, task.owner_id) if task.owner_id else None
    return ways.get(type).owners_address(owner.username, owner.email) if owner is not None and owner.active else ""


def _channel(session: Session, reference: str | int) -> Channel | None:
    match = Channel.id == reference if isinstance(reference, int) else Channel.name == reference
    return session.scalars(select(Channel).where(match)).one_or_none()


def variables(task: Task, ending: Any, run: Run | None) -> Values:
    """What templates can say of a run, but for the end of its log, which is read when it is sent."""
    here = zone(task.timezone)
    url = settings().server.url.rstrip("/")
    return {
        "task_id": str(task.id),
        "task_key": task.key,
        "task_name": task.name,
        "execution_status": ending.status,
        "execution_start_time": _shown(run.started_at if run is not None else None, here),
        "execution_end_time": _shown(run.finished_at if run is not None else ending.at, here),
        "execution_duration": "" if run is None or run.duration is None else f"{run.duration:.3f}".rstrip("0").rstrip("."),
        "execution_id": run.public_id if run is not None else "",
        "execution_url": f"{url}/runs/{run.public_id}" if url and run is not None else "",
        "execution_error": (run.error or "") if run is not None else "",
        "execution_exit_code": "" if run is None or run.exit_code is None else str(run.exit_code),
        "attempt": run.attempts if run is not None else 0,
    }


def _shown(moment: datetime | None, here: ZoneInfo) -> Any:
    return moment.astimezone(here).isoformat(timespec="seconds") if moment is not None else ""
