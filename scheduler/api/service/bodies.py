"""The body of a task in the words of 000, 003 and 004 made into a draft's values; the rules are the draft's and the recipes'."""

from collections.abc import Mapping
from typing import Any

from scheduler.api import spelled, wishes
from scheduler.api.service.actions import acted
from scheduler.api.v1.task_bodies import refuse_mistyped
from scheduler.errors import N_, Invalid
from scheduler.schedules import spellings
from scheduler.tasks.drafts import CONTENT_FIELDS
from scheduler.tasks.models import Task
from scheduler.tasks.recipes import ORIGIN

NAMES: Mapping[str, str] = {
    "name": "name",
    "task_name": "name",
    "enabled": "is_active",
    "task_dependencies": "depends_on",
    "task_notify": "notify",
}
KNOWN = (spelled.OURS - {"is_active"}) | {"schedule", "action_type", "action_config", "notify"}
SPREAD = ("timezone", "start_at", "end_at", "max_runs")  # a `schedule` may hold them
RESERVED = frozenset({ORIGIN, wishes.KEPT})


def new(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a task to be made."""
    named = "task_name" in given
    typed = "schedule" not in given and (named or "schedule_type" in given or "schedule_config" in given)
    spelled.demand(given, "task_name" if named else "name", "schedule_type" if typed else "schedule")
    values = spelled.renamed(given, NAMES, KNOWN)
    _schedule(values, None)
    values = _noted(acted(values, None), {})
    refuse_mistyped(values, values.get("type"))
    return values


def changes(given: Mapping[str, Any], task: Task) -> dict[str, Any]:
    """The values to change in `task`; part of a `schedule_config` is merged into it while the kind stays the same."""
    values = spelled.renamed(given, NAMES, KNOWN)
    _schedule(values, task)
    values = _noted(acted(values, task), task.notes)
    refuse_mistyped(values, values.get("type", task.kind))
    return values


def spelling(given: Mapping[str, Any]) -> dict[str, str]:
    """How this body calls each of our fields: for `spelled.errors_in`."""
    theirs = {ours: name for name, ours in NAMES.items() if name in given}
    if "schedule" in given:
        theirs |= dict.fromkeys(("schedule_type", "schedule_config", *SPREAD), "schedule")
    config = given.get("action_config")
    if isinstance(config, dict):
        theirs |= {name: f"action_config.{name}" for name in config if name not in given}
    return theirs


def _schedule(values: dict[str, Any], task: Task | None) -> None:
    """000's `schedule`, with its options, or 004's type and configuration, into a draft's fields."""
    if "schedule" in values:
        _spread(values)
    elif task is not None and values.get("schedule_config") is not None:
        kind = values.get("schedule_type") or task.schedule_kind
        if spellings.kind_of(kind) == task.schedule_kind:
            values["schedule_config"] = spellings.merge(task.schedule_kind, task.schedule_config, values["schedule_config"])


def _spread(values: dict[str, Any]) -> None:
    for name in ("schedule_type", "schedule_config"):
        if name in values:
            text = N_("Give “%(first)s” or “%(second)s”, not both.")
            raise spelled.Strange.because(text, field=name, first="schedule", second=name)
    (kind, config), options = spellings.read_object(values.pop("schedule"))
    twice = next((name for name in options if name in values), None)
    if twice is not None:
        raise Invalid.because(N_("“%(name)s” stands there twice."), field=twice, name=twice)
    values |= {"schedule_type": kind, "schedule_config": config, **options}


def _noted(values: dict[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept in the metadata beside what the body says of it: the recipe, and whom to tell."""
    given = values.get("metadata", before)
    if not isinstance(given, dict):
        return values
    own = {name: value for name, value in before.items() if name in RESERVED}
    notes = {name: value for name, value in given.items() if name not in RESERVED} | own
    if "recipe" in values:
        notes[ORIGIN] = values.pop("recipe")
    elif values.keys() & (CONTENT_FIELDS | {"type"}):
        notes.pop(ORIGIN, None)
    if "notify" in values:
        notes[wishes.KEPT] = wishes.checked(values.pop("notify"))
    return values | ({"metadata": notes} if notes != before else {})
