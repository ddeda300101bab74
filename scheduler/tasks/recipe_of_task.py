"""A recipe's values out of a task that stands: its variables become parameters, its secrets blanks; saves nothing."""

import re
from collections.abc import Mapping
from typing import Any

from scheduler.accounts.permissions import Actor, require
from scheduler.config import settings
from scheduler.kinds import references
from scheduler.tasks import blanks, placing, queries
from scheduler.tasks.blanks import SECRET, Parameter
from scheduler.tasks.policy import Policy
from scheduler.tasks.recipe_drafts import TASK_FIELDS
from scheduler.tasks.transfer import native

LEFT = frozenset({"run_as", "start_at", "end_at", "is_active"})  # of this machine, or that task's own state


def values(actor: Actor, reference: int | str) -> dict[str, Any]:
    """What a recipe made of that task would say: to be named, changed and saved. For those who may edit the task.

    Each parameter of the task becomes one of the recipe, with its value as default; each secret a blank, its value left behind.
    """
    task = queries.find(actor, reference)
    require(actor, "task.edit", task)
    clear = native.task_values(task, task.group.key, [])
    usual = {**Policy().model_dump(), "timezone": settings().engine.timezone}
    told = (name for name in TASK_FIELDS if name in clear and name not in LEFT)
    clear = {name: clear[name] for name in told if name not in usual or clear[name] != usual[name]}
    clear["params"] = dict(task.params)
    found = _Opened(clear)
    for path in _secret_paths(clear):
        found.hide(path)
    found.open_variables()
    return {
        "name": task.name,
        "description": task.description,
        "group": task.group.key if not task.private else None,
        "private": task.private,
        "parameters": found.parameters,
        "task": {name: value for name, value in found.task.items() if value != {} and name != "description"},
    }


class _Opened:
    """A task being opened into blanks."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.task = task
        self.parameters: list[dict[str, Any]] = []

    def hide(self, path: tuple[str, ...]) -> None:
        """Put a blank in the place of a secret."""
        name = self._free(path[-1])
        inner = self.task
        for part in path[:-1]:
            inner[part] = dict(inner[part])
            inner = inner[part]
        inner[path[-1]] = f"{{{{{name}}}}}"
        self.parameters.append({"name": name, "type": SECRET, "required": True})

    def open_variables(self) -> None:
        """Let the variables that the program reads be filled in anew, and keep the others as they are."""
        params: dict[str, str] = dict(self.task.get("params") or {})
        taken = {one["name"] for one in self.parameters}
        for name, value in list(params.items()):
            lines = value.split("\n")
            type_, default = ("list", lines) if len(lines) > 1 else ("text", value)
            one = Parameter(name, type_)
            fits = not blanks.wrong(one, default) and name not in taken and not placing.BLANK.search(value)
            if fits and placing.variables(self.task, [one]):
                self.parameters.append({"name": name, "type": type_} | ({"default": default} if value else {}))
                del params[name]
        self.task["params"] = params

    def _free(self, wanted: str) -> str:
        """A parameter's name like the secret's, taken by no other."""
        slug = re.sub(r"[^A-Za-z0-9_]+", "_", wanted).strip("_").lower() or "secret"
        slug = f"_{slug}" if slug[0].isdigit() else slug
        taken = {one["name"] for one in self.parameters} | {*(self.task.get("params") or {})} - {wanted}
        return next(name for name in (slug, *(f"{slug}_{number}" for number in range(2, 200))) if name not in taken)


def _secret_paths(values: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Where a secret stands in the task; the name of one is none."""
    return [path for path, text in placing.leaves(values) if text and placing.keeps_secrets(path) and not references.only(text)]
