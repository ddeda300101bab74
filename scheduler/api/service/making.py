"""The group a body names, made where it is missing: 000 has no call to make groups, so who may make them does by naming one."""

from collections.abc import Mapping
from typing import Any

from scheduler.accounts.permissions import Actor, can
from scheduler.api import spelled
from scheduler.database import transaction
from scheduler.tasks import definitions, groups, once, queries
from scheduler.tasks.models import Task


def make(actor: Actor, values: Mapping[str, Any], key: str = "") -> Task:
    """Save a new task, once for a `key`, with the group it names: both or neither."""
    with transaction():
        return once.create(actor, _grouped(actor, values), key)


def change(actor: Actor, task: Task, values: Mapping[str, Any], version: int | None) -> Task:
    """Save changes to a task, made against `version`, with the group they name: both or neither."""
    with transaction():
        return definitions.edit(actor, task.id, _grouped(actor, values), version)


def _grouped(actor: Actor, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """`values` with a group's name in place of its number."""
    wanted = values.get("group")
    if not isinstance(wanted, str) or not wanted:
        return values
    known = {name: group.id for group in queries.groups(actor) for name in (group.name, group.key, str(group.id))}
    if wanted not in known and not wanted.isdecimal() and can(actor, "group.manage"):
        with spelled.errors_in({"name": "group", "key": "group"}):
            known[wanted] = groups.create(actor, {"name": wanted}).id
    return {**values, "group": known.get(wanted, wanted)}
