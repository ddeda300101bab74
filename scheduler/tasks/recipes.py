"""Recipes, tasks with blanks to fill in: what one is made of, and a draft's values out of one; the built-in ones lie beside."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scheduler.config import settings
from scheduler.errors import N_, Invalid, Problem
from scheduler.registry import Registry
from scheduler.tasks.models import Task
from scheduler.validation import shorten

ORIGIN = "recipe"  # in a task's metadata: the name of the recipe it was made from
LONGEST = 4096
MOST_ENTRIES = 100


@dataclass(frozen=True)
class Parameter:
    """One blank; `type` is text, number, flag or list (of texts). One that is left open falls to the script's own default."""

    name: str
    type: str = "text"
    required: bool = False
    default: Any = None  # what the script takes when nothing is given
    choices: tuple[str, ...] = ()
    pattern: str = ""


@dataclass(frozen=True)
class Recipe:
    """A task to be made: `content` and `schedule` as a draft has them, the parameters given to it as variables."""

    name: str
    label: str
    category: str
    description: str
    content: Mapping[str, Any]
    schedule: Mapping[str, Any]
    parameters: tuple[Parameter, ...] = ()


recipes: Registry[Recipe] = Registry("template_id")


def rendered(recipe: Recipe, given: Mapping[str, Any], field: str = "params") -> dict[str, Any]:
    """A draft's values for the recipe with these blanks filled; `Invalid` naming each wrong one below `field`."""
    known = {parameter.name: parameter for parameter in recipe.parameters}
    found = [Problem(f"{field}.{shorten(name)}", N_("There is no such field.")) for name in given if name not in known]
    values = {name: value for name, value in given.items() if value is not None}
    for name, parameter in known.items():
        if parameter.required and values.get(name) in (None, "", []):
            found.append(Problem(f"{field}.{name}", N_("This is required.")))
        elif name in values:
            found += [Problem(f"{field}.{name}", text, params) for text, params in _wrong(parameter, values[name])]
    if found:
        raise Invalid(found)
    params = {name: WRITTEN[known[name].type](value) for name, value in values.items()}
    surroundings = {"BACKUP_FOLDER": str(settings().instance.resolve() / "backups")}
    return {**recipe.content, "params": params, "env": surroundings, "metadata": {ORIGIN: recipe.name}}


def origin(task: Task) -> Recipe | None:
    """The recipe a task was made from, as long as it still is of that recipe's kind."""
    name = task.notes.get(ORIGIN)
    found = recipes.get(name) if isinstance(name, str) and name in recipes else None
    return found if found is not None and found.content["type"] == task.kind else None


def filled(recipe: Recipe, task: Task) -> dict[str, Any]:
    """What was filled in, read back from the task."""
    known = [parameter for parameter in recipe.parameters if parameter.name in task.params]
    return {parameter.name: READ[parameter.type](task.params[parameter.name]) for parameter in known}


def _wrong(parameter: Parameter, value: Any) -> list[tuple[str, dict[str, Any]]]:
    """What is wrong with one value, as sentences and what fills them."""
    texts = value if parameter.type == "list" and isinstance(value, list) else [value]
    if type(value) is not TYPES[parameter.type] or (parameter.type == "list" and not all(isinstance(one, str) for one in texts)):
        return [(EXPECTED[parameter.type], {})]
    if type(value) is int and not 0 <= value <= 1_000_000:
        return [(N_("%(value)s is outside %(low)s–%(high)s."), {"value": shorten(value), "low": 0, "high": 1_000_000})]
    if parameter.choices and value not in parameter.choices:
        text = N_("“%(value)s” is not one of: %(choices)s.")
        return [(text, {"value": shorten(value), "choices": ", ".join(parameter.choices)})]
    if parameter.type in ("text", "list"):
        return _unfit(parameter, texts)
    return []


def _unfit(parameter: Parameter, texts: list[str]) -> list[tuple[str, dict[str, Any]]]:
    if len(texts) > MOST_ENTRIES:
        return [(N_("Too many entries: at most %(max_length)s."), {"max_length": MOST_ENTRIES})]
    if any(len(text) > LONGEST for text in texts):
        return [(N_("Too long: at most %(max_length)s characters."), {"max_length": LONGEST})]
    if not all(text.isprintable() and re.fullmatch(parameter.pattern or ".*", text) for text in texts):
        return [(N_("“%(value)s” does not have the required form."), {"value": shorten(texts[0])})]
    return []


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


TYPES: Mapping[str, type] = {"text": str, "number": int, "flag": bool, "list": list}
EXPECTED: Mapping[str, str] = {
    "text": N_("This must be text."),
    "number": N_("This must be a whole number."),
    "flag": N_("This must be true or false."),
    "list": N_("This must be a list."),
}
WRITTEN: Mapping[str, Callable[[Any], str]] = {
    "text": str,
    "number": str,
    "flag": lambda value: "true" if value else "false",
    "list": "\n".join,
}
READ: Mapping[str, Callable[[str], Any]] = {
    "text": str,
    "number": lambda text: int(text) if text.isdecimal() else text,
    "flag": lambda text: text == "true",
    "list": _lines,
}
