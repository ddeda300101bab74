"""Recipes, tasks with blanks to fill in: what one is made of, and a draft's values out of one; the built-in ones lie beside."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scheduler.config import settings
from scheduler.errors import N_, Invalid, Problem
from scheduler.registry import Registry
from scheduler.tasks import placing
from scheduler.tasks.blanks import READ, WRITTEN, Parameter, is_empty, wrong
from scheduler.tasks.models import Task
from scheduler.validation import shorten

ORIGIN = "recipe"  # in a task's metadata: the name of the recipe it was made from
CATEGORIES: Mapping[str, str] = {
    "backup": N_("Backup"),
    "cleanup": N_("Clean-up of files"),
    "monitoring": N_("Monitoring"),
    "sync": N_("Synchronisation"),
    "custom": N_("Custom"),
}


@dataclass(frozen=True)
class Recipe:
    """A task to be made: `content` and `schedule` as a draft has them.

    A built-in one is given all its parameters as variables and knows its defaults itself; in one's `own` they have their places.
    """

    name: str
    label: str
    category: str
    description: str
    content: Mapping[str, Any]
    schedule: Mapping[str, Any]
    parameters: tuple[Parameter, ...] = ()
    own: bool = False

    @property
    def task(self) -> dict[str, Any]:
        """The task it proposes."""
        return {**self.content, **self.schedule}


recipes: Registry[Recipe] = Registry("template_id")


def rendered(recipe: Recipe, given: Mapping[str, Any], field: str = "params") -> dict[str, Any]:
    """A draft's values for the recipe with these blanks filled; `Invalid` naming each wrong one below `field`."""
    known = {parameter.name: parameter for parameter in recipe.parameters}
    found = [Problem(f"{field}.{shorten(name)}", N_("There is no such field.")) for name in given if name not in known]
    values = {name: value for name, value in given.items() if value is not None}
    if recipe.own:
        values = {one.name: one.default for one in recipe.parameters if one.default is not None} | values
    for name, parameter in known.items():
        if parameter.required and is_empty(values.get(name)):
            found.append(Problem(f"{field}.{name}", N_("This is required.")))
        elif name in values and not (recipe.own and is_empty(values[name])):
            found += [Problem(f"{field}.{name}", text, params) for text, params in wrong(parameter, values[name])]
    if found:
        raise Invalid(found)
    notes = {"metadata": {ORIGIN: recipe.name}}
    if recipe.own:
        return {**placing.placed(recipe.content, recipe.parameters, values), **notes}
    params = {name: WRITTEN[known[name].type](value) for name, value in values.items()}
    surroundings = {"BACKUP_FOLDER": str(settings().instance.resolve() / "backups")}
    return {**recipe.content, "params": params, "env": surroundings, **notes}


def origin(task: Task) -> Recipe | None:
    """The built-in recipe a task was made from, as long as it still is of that recipe's kind."""
    name = task.notes.get(ORIGIN)
    found = recipes.get(name) if isinstance(name, str) and name in recipes else None
    return found if found is not None and found.content["type"] == task.kind else None


def filled(recipe: Recipe, task: Task) -> dict[str, Any]:
    """What was filled in, read back from the task."""
    known = [parameter for parameter in recipe.parameters if parameter.name in task.params]
    return {parameter.name: READ[parameter.type](task.params[parameter.name]) for parameter in known}
