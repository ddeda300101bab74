"""How a task stood at an earlier time, as far as its schedule goes, told back from the audit log; changes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from scheduler.accounts import audit
from scheduler.accounts.models import AuditEntry
from scheduler.errors import SchedulerError
from scheduler.schedules.plan import Plan
from scheduler.tasks.definitions import TIMING, written
from scheduler.tasks.models import Task
from scheduler.tasks.queries import plan_of

ACTS = ("task.create", "task.edit", "task.enable", "task.disable", "task.delete", "task.restore")


@dataclass(frozen=True)
class Change:
    """Who changed something of the task, and when."""

    at: datetime
    by: str


@dataclass(frozen=True)
class Edit:
    """A change of the schedule, and the plan on the other side of it."""

    change: Change
    plan: Plan


@dataclass(frozen=True)
class Then:
    """A task at one instant: its plan, None where that cannot be read any more; who had switched it off or put it into the trash;
    the last edit of its schedule by then with the plan before it, and the next one after it."""

    plan: Plan | None
    enabled: bool
    deleted: bool
    max_runs: int | None
    off: Change | None
    replaced: Edit | None
    replacing: Change | None


def at(task: Task, instant: datetime) -> Then:
    """The task as it stood at `instant`."""
    values: dict[str, Any] = {name: value for name, value in written(task).items() if name in TIMING | {"is_active"}}
    deleted, replacing = task.deleted_at is not None, None
    entries = audit.trail("task", str(task.id), ACTS)
    later = [entry for entry in entries if entry.at > instant]
    for entry in later:
        deleted = {"task.restore": True, "task.delete": False}.get(entry.action, deleted)
        values |= _undone(entry)
        if _timed(entry):
            replacing = _change(entry)
    earlier = entries[len(later) :]
    plan = _plan(task, values)
    replaced = _replaced(task, values, earlier)
    off = next((_change(entry) for entry in earlier if _switches_off(entry)), None)
    return Then(plan, bool(values["is_active"]), deleted, values["max_runs"], off, replaced, replacing)


def _undone(entry: AuditEntry) -> Iterator[tuple[str, Any]]:
    """What stood before the entry, of what matters here."""
    kept = {"is_active"} if entry.action == "task.delete" else TIMING | {"is_active"}
    return ((name, value) for name, value in (entry.before or {}).items() if name in kept)


def _timed(entry: AuditEntry) -> bool:
    """Whether it changed when the task is due."""
    return entry.action == "task.edit" and not TIMING.isdisjoint(entry.before or {})


def _switches_off(entry: AuditEntry) -> bool:
    return entry.action in ("task.delete", "task.restore") or (entry.after or {}).get("is_active") is False


def _replaced(task: Task, values: Mapping[str, Any], earlier: list[AuditEntry]) -> Edit | None:
    """The newest of `earlier` that changed when it is due, with the plan there was before."""
    before = dict(values)
    for entry in earlier:
        before |= _undone(entry)
        if _timed(entry):
            plan = _plan(task, before)
            return Edit(_change(entry), plan) if plan else None
    return None


def _plan(task: Task, values: Mapping[str, Any]) -> Plan | None:
    """The plan that these values make."""
    moments = {name: datetime.fromisoformat(values[name]) if values[name] else None for name in ("start_at", "end_at")}
    row = {"schedule_kind": values["schedule_type"], "schedule_config": values["schedule_config"], "timezone": values["timezone"]}
    try:
        return plan_of(SimpleNamespace(**row, **moments, key=task.key))
    except (SchedulerError, ValueError, KeyError, TypeError, ArithmeticError):  # a zone or a spelling there is no more
        return None


def _change(entry: AuditEntry) -> Change:
    return Change(entry.at, entry.actor_name)
