"""What the templates of a task's form are given: the form as it stands, what is wrong with it, what there is to choose from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any

from flask_babel import gettext as _

from scheduler import clock
from scheduler.accounts.permissions import Actor, can
from scheduler.config import settings
from scheduler.kinds import kinds
from scheduler.schedules import zone, zone_names
from scheduler.tasks import definitions, dependencies, queries
from scheduler.tasks.models import DEFAULT_GROUP, Task
from scheduler.web import controls, formats, task_controls, task_forms
from scheduler.web.controls import Choices, Control, Typed
from scheduler.web.task_fixes import Fix
from scheduler.web.task_preview import Card
from scheduler.web.task_rows import GROUPS_OWN

SMALL = frozenset({"number", "select", "moment"})


@dataclass(frozen=True)
class Page:
    """What the form's templates are given."""

    form: Typed
    card: Card
    errors: Mapping[str, str] = field(default_factory=dict)
    fixes: Mapping[str, Fix] = field(default_factory=dict)
    task: Task | None = None
    version: int | None = None
    differences: list[tuple[str, str, str]] = field(default_factory=list)  # label, now saved, here; of a task changed meanwhile

    @property
    def labels(self) -> dict[str, str]:
        """What people call the fields that may be wrong."""
        shown = task_controls.everything(self.form["type"], self.form["schedule_type"])
        found = {control.name: _(control.label) for control in shown}
        return found | {"type": _("Type"), "schedule_config": _("Schedule"), task_controls.LINE: _("Whole line")}

    @property
    def content(self) -> list[tuple[str, list[Control]]]:
        """The fields of the type, by their groups."""
        return _grouped(task_controls.of_type(self.form["type"]))

    @property
    def policy(self) -> list[tuple[str, list[Control]]]:
        """The rules of a run, by their groups."""
        return _grouped(task_controls.policy())

    @property
    def columns(self) -> tuple[Control, ...]:
        """The columns of a cron expression; none for another kind of schedule."""
        shown = task_controls.of_schedule(self.form["schedule_type"])
        seconds = (task_controls.SECOND,) if self.form.get(task_controls.SECOND.name) else ()
        return tuple(one for one in shown if one in (*task_controls.CRON, *seconds))

    @property
    def schedule(self) -> list[tuple[bool, list[Control]]]:
        """The fields of the kind of schedule that are not columns of a cron expression: runs of small ones, and large ones."""
        columns = (*task_controls.CRON, task_controls.SECOND)
        shown = (one for one in task_controls.of_schedule(self.form["schedule_type"]) if one not in columns)
        return [(small, list(found)) for small, found in groupby(shown, lambda one: one.widget in SMALL)]

    def wrong(self, wanted: Iterable[Control]) -> bool:
        """Whether one of these is not as it should be."""
        return any(control.name in self.errors for control in wanted)


def choices(actor: Actor, task: Task | None) -> dict[str, Any]:
    """What there is to choose from on this installation, for this actor."""
    groups = [group for group in queries.groups(actor) if can(actor, "task.create", definitions.group_place(group))]
    if task and task.group not in groups:
        groups.append(task.group)
    groups.sort(key=lambda group: (group.id != DEFAULT_GROUP, group.name))
    return {
        "groups": [(group.key, group.name) for group in groups],
        "types": _types(any(group.default_content for group in groups) or (task is not None and task.kind is None)),
        "schedules": task_controls.schedule_words(),
        "controls": task_controls,
        "rows": controls.rows,
        "words": _words,
        "kept": task_forms.kept,
    }


def upstreams(actor: Actor, form: Typed, task: Task | None) -> Choices:
    """The tasks this one may wait for: those chosen first; of one deleted or hidden its number is its name in the form."""
    current = [one.task for one in dependencies.upstreams(task)] if task else []
    others = dependencies.choices(actor, task, task_controls.MOST_PICKS)
    labels = {one.key: one.name for one in others}
    for one in current:
        if not can(actor, "task.see", one):
            labels[str(one.id)] = _("%(name)s (not yours to see)", name=f"#{one.id}")
        elif one.deleted_at is not None:
            labels[str(one.id)] = _("%(name)s (in the trash)", name=one.name)
        else:
            labels[one.key] = one.name
    chosen = set(form.getlist("depends_on"))
    return tuple(sorted(labels.items(), key=lambda pair: (pair[0] not in chosen, pair[1])))


def stored(actor: Actor, task: Task) -> dict[str, Any]:
    """The task's values as the form of this actor shows them."""
    return definitions.written(task, dependencies.references([task.id], actor)[task.id])


def zones() -> list[tuple[str, str]]:
    """The time zones by name, with their distance from UTC just now."""
    return _zones_at(clock.now().replace(minute=0, second=0, microsecond=0))


@lru_cache(maxsize=1)
def _zones_at(hour: datetime) -> list[tuple[str, str]]:
    return [(name, f"UTC{formats.offset(hour.astimezone(zone(name)))}") for name in zone_names() if "/" in name]


def _types(with_default: bool) -> Choices:
    allowed = settings().security.allowed_kinds
    found = [(kind.name, kind.label) for kind in kinds if not allowed or kind.name in allowed]
    return (*found, *([("", GROUPS_OWN)] if with_default else []))


def _words(choices: Choices) -> list[tuple[str, str]]:
    return [(key, _(word)) for key, word in choices]


def _grouped(wanted: Iterable[Control]) -> list[tuple[str, list[Control]]]:
    return [(group, list(found)) for group, found in groupby(wanted, lambda control: control.group)]
