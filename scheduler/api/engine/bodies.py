"""The body of a task in 001's words made into a draft's values; what is sent back as it was shown changes nothing."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from scheduler.api import spelled, wishes
from scheduler.api.v1.task_bodies import refuse_mistyped
from scheduler.errors import N_, Invalid
from scheduler.schedules import spellings
from scheduler.tasks.models import Task
from scheduler.validation import problems

NAMES: Mapping[str, str] = {
    "task_id": "key",
    "task_name": "name",
    "task_desc": "description",
    "task_exec": "path",
    "task_schedule": "schedule_config",
    "task_timeout": "timeout_seconds",
    "task_retry": "retry_count",
    "task_retry_interval": "retry_delay_seconds",
    "task_enabled": "is_active",
    "task_env": "env",
    "task_dependencies": "depends_on",
    "task_log": "log",
    "task_notify": "notify",
}
THEIRS: Mapping[str, str] = {**{ours: name for name, ours in NAMES.items()}, "schedule_type": "task_schedule"}
REQUIRED = ("task_name", "task_exec", "task_schedule")
LOG = "task_log"  # in a task's metadata: what the document calls the file of its log
SHOWN_ONLY = ("status", "next_run")
_LOG = TypeAdapter(Annotated[str, Field(max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$", strict=True)])


def new(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a task to be made: a program, in the first group."""
    spelled.demand(given, *REQUIRED)
    return {"type": "program", **_values(given, {}, "program")}


def changes(given: Mapping[str, Any], task: Task, shown: Mapping[str, Any]) -> dict[str, Any]:
    """The values to change in `task`; what comes back as it was `shown` is left out."""
    told = {name: value for name, value in given.items() if name not in SHOWN_ONLY}
    fresh = {name: value for name, value in told.items() if name not in shown or shown[name] != value}
    kind = {"type": "program"} if "task_exec" in fresh and task.kind != "program" else {}
    return {**kind, **_values(fresh, task.notes, "program" if kind else task.kind)}


def _values(given: Mapping[str, Any], notes: Mapping[str, Any], kind: str | None) -> dict[str, Any]:
    values = spelled.renamed(given, NAMES, frozenset())
    if values.get("timeout_seconds", 0) is None:
        del values["timeout_seconds"]  # the document's own default: none said
    _schedule(values)
    metadata = _noted(values, notes)
    refuse_mistyped(values, kind)
    return values | ({"metadata": metadata} if metadata != notes else {})


def _schedule(values: dict[str, Any]) -> None:
    if "schedule_config" not in values:
        return
    text = values.pop("schedule_config")
    if not isinstance(text, str):
        raise Invalid.because(N_("This must be text."), field="task_schedule")
    values["schedule_type"], values["schedule_config"] = spellings.read("", text)


def _noted(values: dict[str, Any], notes: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata with the name of the log and whom to tell."""
    found = dict(notes)
    if "log" in values:
        try:
            found[LOG] = _LOG.validate_python(values.pop("log"))
        except ValidationError as error:
            raise Invalid(problems(error, LOG)) from error
    if "notify" in values:
        found[wishes.KEPT] = wishes.checked(values.pop("notify"))
    return found
