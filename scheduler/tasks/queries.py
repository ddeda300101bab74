"""The questions pages and API ask of tasks: one, a list, the counts; changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from json import dumps, loads
from sys import intern
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Text, and_, bindparam, cast, exists, func, or_, select, true
from sqlalchemy.orm import defer, joinedload, lazyload, load_only

from scheduler.accounts.permissions import Actor, Scope, require, visible
from scheduler.columns import shared
from scheduler.database import LARGEST, db, storable, table
from scheduler.errors import N_, NotFound
from scheduler.schedules import parse
from scheduler.schedules.plan import Plan
from scheduler.tasks.models import Group, Tag, Task

_BRIEF = (
    Task.key, Task.name, Task.group_id, Task.owner_id, Task.private, Task.kind, Task.schedule_kind, Task.schedule_config,
    Task.timezone, Task.start_at, Task.end_at, Task.enabled, Task.next_run_at, Task.version, Task.updated_at, Task.deleted_at,
    Task.last_run_id, Task.last_status, Task.last_started_at, Task.last_duration, Task.recent, Task.total_count,
    Task.total_duration,
)  # fmt: skip

_task = table(Task).c
_CALLED = {
    number: select(_task.id, _task.name, _task.version, _task.group_id, _task.owner_id, _task.private, _task.deleted_at,
                   _task.trial, shared(_task.policy))
    .where(_task.deleted_at.is_(None), match == bindparam("given"))
    for number, match in ((True, _task.id), (False, _task.key))
}  # fmt: skip
_OTHERS = select(_task.id).where(_task.deleted_at.is_(None), _task.id != bindparam("own"))
_TAKEN = {field: _OTHERS.where(_task[field] == bindparam("value")) for field in ("name", "key")}


@dataclass(frozen=True)
class Wanted:
    """Which tasks; what is None or empty says nothing."""

    text: str = ""
    group: str = ""
    kind: str = ""
    tag: str = ""
    enabled: bool | None = None
    last_status: frozenset[str] = frozenset()
    never_run: bool = False
    ids: frozenset[int] | None = None
    except_ids: frozenset[int] = frozenset()


def find(actor: Actor, reference: int | str) -> Task:
    """The task whose number or key is `reference`; `NotFound` alike for one that is not there and one not for this actor."""
    match = matching(Task.id, Task.key, reference)
    query = select(Task).where(match, Task.deleted_at.is_(None)).options(lazyload(Task.tags))  # a trigger reads no tags
    task = db.session.scalars(query).one_or_none()
    if task is None:
        raise NotFound.because(N_("There is no such task."))
    require(actor, "task.see", task)
    return task


def called(reference: str) -> Any | None:
    """What starting a run asks of the living task of that number or key, whoever may see it."""
    number = _number(reference)
    given = storable(reference) if number is None else number
    return db.session.connection().execute(_CALLED[number is not None], {"given": given}).one_or_none()


def listed(actor: Actor, wanted: Wanted, first: int, most: int, brief: bool = False) -> tuple[Sequence[Task], int]:
    """At most `most` tasks by name, from the `first`-th (0 is the first) on, and how many there are in all.

    With `brief` only what a table of tasks shows is read, without it all but that; the rest where it is asked for.
    """
    condition = _condition(visible(actor), wanted)
    total = db.session.scalar(select(func.count()).select_from(Task).where(condition)) or 0
    query = select(Task).where(condition).order_by(Task.name, Task.id).offset(first).limit(most)
    wanted_of_it = (load_only(*_BRIEF),) if brief else (defer(Task.recent), defer(Task.secrets))
    query = query.options(*wanted_of_it, joinedload(Task.group).load_only(Group.key, Group.name))
    return db.session.scalars(query).unique().all(), total


def counts(actor: Actor, failed: frozenset[str], running: frozenset[int] = frozenset()) -> dict[str, int]:
    """How many tasks there are: `all`, `running` (by their ids), `failed` (last run ended so), `disabled`, `never` run."""
    seen = _condition(visible(actor), Wanted())
    # Counted in the order of ix_task_counts, which is read once; conditions within the counts would cost it twice.
    query = select(Task.enabled, Task.last_status, func.count(), func.count(Task.last_run_id)).where(seen)
    found = db.session.execute(query.group_by(Task.enabled, Task.last_status)).all()
    of_running = select(func.count()).where(seen, Task.id.in_(running))
    return {
        "all": sum(count for _, _, count, _ in found),
        "running": (db.session.scalar(of_running) or 0) if running else 0,
        "failed": sum(count for _, status, count, _ in found if status in failed),
        "disabled": sum(count for enabled, _, count, _ in found if not enabled),
        "never": sum(count - ran for _, _, count, ran in found),
    }


def groups(actor: Actor) -> Sequence[Group]:
    """The groups this actor may see something in, by name."""
    scope = visible(actor)
    query = select(Group).order_by(Group.name)
    return db.session.scalars(query if scope.all_groups else query.where(Group.id.in_(scope.group_ids))).all()


def tags(actor: Actor) -> Sequence[str]:
    """The words on the tasks this actor may see."""
    seen = exists().where(Task.id == Tag.task_id, _condition(visible(actor), Wanted()))
    return db.session.scalars(select(Tag.name).where(seen).distinct().order_by(Tag.name)).all()


def tag_counts(actor: Actor) -> list[tuple[str, int]]:
    """The same words, each with how many of these tasks it is on."""
    query = select(Tag.name, func.count()).join(Task).where(_condition(visible(actor), Wanted()))
    return [(name, count) for name, count in db.session.execute(query.group_by(Tag.name).order_by(Tag.name))]


def due_at(actor: Actor, moment: datetime, other_than: int | None = None) -> int:
    """How many enabled tasks that this actor may see are due next at `moment`."""
    query = select(func.count()).where(Task.enabled.is_(True), Task.next_run_at == moment, scoped(visible(actor)))
    return db.session.scalar(query if other_than is None else query.where(Task.id != other_than)) or 0


def due_within(actor: Actor, first: datetime, last: datetime) -> set[datetime]:
    """The instants between two, both included, at which enabled tasks that this actor may see are due next."""
    query = select(Task.next_run_at).where(Task.enabled.is_(True), Task.next_run_at.between(first, last), scoped(visible(actor)))
    return {moment for moment in db.session.scalars(query.distinct()) if moment is not None}


def plan_of(task: Any) -> Plan:
    """When the task (or a row with the columns read here) is due: the one object that preview, timetable and ledger ask.

    A row may bring its configuration as the text it is stored as: read by the thousand, parsing each costs more than the rest.
    """
    config = task.schedule_config if isinstance(task.schedule_config, str) else dumps(task.schedule_config)
    seed = task.key if "h" in config.lower() else ""  # without an `H` thousands of tasks share one schedule
    return _plan(task.schedule_kind, config, task.timezone, seed, (task.start_at, task.end_at))


class Timing(NamedTuple):
    """What `plan_of` reads of a task, kept small: the timetable holds ten thousand."""

    key: str
    schedule_kind: str
    schedule_config: str
    timezone: str
    start_at: datetime | None
    end_at: datetime | None

    @staticmethod
    def columns() -> tuple[ColumnElement[Any], ...]:
        """Its fields as columns of a statement, the configuration as text."""
        task = table(Task).c
        return (task.key, task.schedule_kind, cast(task.schedule_config, Text).label("schedule_config"), task.timezone,
                task.start_at, task.end_at)  # fmt: skip

    @classmethod
    def of(cls, row: Any) -> "Timing":
        """That of a row with these columns."""
        kind, zone = intern(row.schedule_kind), intern(row.timezone)
        return cls(row.key, kind, row.schedule_config, zone, row.start_at, row.end_at)


def upcoming(task: Task, count: int) -> list[datetime]:
    """The next `count` due instants of an enabled task, from its stored next one on; the number of runs it may have ends them."""
    if task.next_run_at is None:
        return []
    if task.max_runs is not None:
        count = min(count, task.max_runs - task.ticks)
    return [task.next_run_at, *plan_of(task).upcoming(task.next_run_at, count - 1)] if count > 0 else []


def is_taken(field: str, value: str, own: int) -> bool:
    """Whether a task other than number `own` has this `name` or `key`, as far as was written by now."""
    return db.session.connection().execute(_TAKEN[field], {"value": value, "own": own}).first() is not None


def matching(number: Any, name: Any, reference: int | str) -> ColumnElement[bool]:
    """The condition a row meets whose number or name `reference` is; a number no row can have matches none."""
    text = storable(str(reference))
    given = _number(text)
    condition: ColumnElement[bool] = name == text if given is None else number == given
    return condition


def _number(text: str) -> int | None:
    """The number `text` writes, which a row can have or is 0; None when it is a name."""
    if not text.isdecimal():
        return None
    return min(int(text), LARGEST) if len(text) <= 10 else 0


def scoped(scope: Scope) -> ColumnElement[bool]:
    """The condition a task has to meet to be seen within `scope`."""
    if scope.everything:
        return true()
    known = or_(Task.private.is_(False), Task.owner_id == scope.owner_id)
    return known if scope.all_groups else and_(known, Task.group_id.in_(scope.group_ids))


@lru_cache(maxsize=20_000)
def _plan(kind: str, config: str, timezone: str, seed: str, window: tuple[datetime | None, datetime | None]) -> Plan:
    return Plan(parse(kind, loads(config), timezone, seed), *window)


def _condition(scope: Scope, wanted: Wanted) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = [Task.deleted_at.is_(None), scoped(scope)]
    if wanted.text:
        like = f"%{_escaped(storable(wanted.text.lower()))}%"
        texts = (Task.name, Task.key, Task.description, cast(Task.content, Text))
        tagged = Task.id.in_(select(Tag.task_id).where(func.lower(Tag.name).like(like, escape="\\")))
        parts.append(or_(*(func.lower(text).like(like, escape="\\") for text in texts), tagged))
    if wanted.group:
        parts.append(Task.group_id.in_(select(Group.id).where(Group.key == storable(wanted.group))))
    if wanted.kind:
        parts.append(Task.kind == storable(wanted.kind))
    if wanted.tag:
        parts.append(Task.id.in_(select(Tag.task_id).where(Tag.name == storable(wanted.tag))))
    if wanted.enabled is not None:
        parts.append(Task.enabled.is_(wanted.enabled))
    if wanted.last_status:
        parts.append(Task.last_status.in_(wanted.last_status))
    if wanted.never_run:
        parts.append(Task.last_run_id.is_(None))
    if wanted.ids is not None:
        parts.append(Task.id.in_(wanted.ids))
    if wanted.except_ids:
        parts.append(Task.id.not_in(wanted.except_ids))
    return and_(*parts)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
