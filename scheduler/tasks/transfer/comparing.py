"""What differs between a task as it stands and as a file would have it, field by field; of secrets only that they differ."""

from collections.abc import Mapping, Sequence
from typing import Any

from scheduler.kinds import kinds
from scheduler.tasks import contents
from scheduler.tasks.models import Task
from scheduler.tasks.transfer import native
from scheduler.vault import MASK

Differences = dict[str, tuple[Any, Any]]


def differences(task: Task, made: Task, upstreams: Sequence[str], wanted: Sequence[str]) -> Differences:
    """Each field with what it is and what it would be; None for one that is as in a new task."""
    before = native.task_values(task, task.group.key, sorted(upstreams))
    after = native.task_values(made, made.group.key, sorted(set(wanted)))
    clear = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    shown_before, shown_after = native.masked(before), native.masked(after)
    ordered = [name for name in (*before, *(name for name in after if name not in before)) if name in clear]
    found: Differences = {name: (shown_before.get(name), shown_after.get(name)) for name in ordered}
    return found | _secrets(task, made)


def _secrets(task: Task, made: Task) -> Differences:
    if task.kind is None or task.kind != made.kind:
        return {}
    kind = kinds.get(task.kind)
    one, other = contents.opened(kind, task.content), contents.opened(kind, made.content)
    return {path: (MASK, MASK) for path in kind.secret_paths if _at(one, path) != _at(other, path)}


def _at(values: Any, path: str) -> Any:
    for name in path.split("."):
        values = values.get(name) if isinstance(values, Mapping) else None
    return values or ""
