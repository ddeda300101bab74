"""A task's configuration to be read: every value under the label its form gives it, secrets masked; nothing is edited here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext

from scheduler.accounts.permissions import Actor, can
from scheduler.kinds import kinds
from scheduler.schedules import schedules
from scheduler.tasks import definitions, dependencies, queries
from scheduler.tasks.models import Task
from scheduler.vault import MASK
from scheduler.web import formats, task_controls
from scheduler.web.controls import Control, at


@dataclass(frozen=True)
class Row:
    """One value: as text, as source `code`, or as `pairs` of names and values."""

    label: str
    text: str = ""
    code: bool = False
    pairs: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Section:
    """Some rows under a title."""

    title: str
    rows: list[Row]


def sections(task: Task, actor: Actor) -> list[Section]:
    """All of it, in the order of the form; the values of environment variables for those alone who may see them."""
    values = definitions.written(task, ())
    if not can(actor, "env.see", task):
        values["env"] = dict.fromkeys(values["env"], MASK)
    values["depends_on"] = [dependencies.name_for(actor, one.task) for one in dependencies.upstreams(task)]
    return [
        Section(gettext("What it runs"), [_kind(task), *rows(task_controls.of_type(task.kind or ""), values)]),
        Section(gettext("Schedule"), [*_schedule(task), *rows(task_controls.WINDOW, values)]),
        Section(gettext("Dependencies"), rows(task_controls.DEPENDENCIES, values)),
        Section(gettext("Execution"), rows(task_controls.policy(), values)),
        Section(gettext("Surroundings"), rows(task_controls.ADVANCED, values)),
        Section(gettext("About it"), _about(task, values)),
    ]


def _kind(task: Task) -> Row:
    label = gettext(kinds.get(task.kind).label) if task.kind else gettext("What its group runs by default")
    return Row(gettext("Kind"), label)


def _schedule(task: Task) -> list[Row]:
    schedule = queries.plan_of(task).schedule
    told = [Row(gettext("Kind of schedule"), gettext(schedules.get(task.schedule_kind).label))]
    told.append(Row(gettext("In words"), schedule.describe(gettext)))
    cron = "\n".join(schedule.expressions())
    return [*told, Row(gettext("Cron"), cron, code=True)] if cron else told


def _about(task: Task, values: Mapping[str, Any]) -> list[Row]:
    moments = ((gettext("Created"), task.created_at), (gettext("Last changed"), task.updated_at))
    return [
        *rows(task_controls.BASICS, values),
        *(Row(label, formats.absolute(moment, "zoned")) for label, moment in moments),
        Row(gettext("Version"), str(task.version)),
        *([Row(gettext("Notes"), pairs={str(name): str(value) for name, value in task.notes.items()})] if task.notes else []),
    ]


def rows(controls: Iterable[Control], values: Mapping[str, Any]) -> list[Row]:
    """Each control with its value."""
    return [_row(control, at(values, control.name)) for control in controls]


def _row(control: Control, value: Any) -> Row:
    label = gettext(control.label)
    value = control.default if value is None else value
    if control.widget == "pairs":
        return Row(label, pairs=dict(value or {}))
    if value in (None, "", [], ()):
        return Row(label, formats.NOTHING)
    return Row(label, _text(control, value), code=control.widget in ("code", "lines"))


def _text(control: Control, value: Any) -> str:
    if isinstance(value, bool):
        return str(gettext("Yes") if value else gettext("No"))
    if isinstance(value, list | tuple):
        return ("\n" if control.widget == "lines" else ", ").join(map(str, value))
    words = {str(key): str(gettext(word)) for key, word in control.choices}
    suffix = f" {gettext(control.suffix)}" if control.suffix else ""
    return words.get(str(value), str(value)) + suffix
