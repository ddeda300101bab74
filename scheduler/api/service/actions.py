"""004's `action_type` and `action_config`: a recipe with its blanks filled, or `custom`, the content itself; read and shown."""

from collections.abc import Mapping
from typing import Any

from scheduler.errors import N_, Invalid, Problem
from scheduler.kinds import kinds
from scheduler.tasks import contents
from scheduler.tasks.built_in import ACTIONS
from scheduler.tasks.drafts import CONTENT_FIELDS
from scheduler.tasks.models import Task
from scheduler.tasks.recipes import filled, origin, recipes, rendered
from scheduler.validation import shorten

CUSTOM = "custom"
MAPS = ("env", "params")  # the action's and the body's are joined
TYPES = (*(recipe.name for recipe in ACTIONS), CUSTOM)
IN_CUSTOM = CONTENT_FIELDS | {"type", "params", "env", "working_directory"}


def acted(values: Mapping[str, Any], task: Task | None) -> dict[str, Any]:
    """`values` with what the action comes to in place of the action; of a recipe its name is under `recipe`."""
    rest = {name: value for name, value in values.items() if name not in ("action_type", "action_config")}
    if len(rest) == len(values):
        return rest
    name = _type(values.get("action_type"), task)
    config = values.get("action_config")
    if config is None:
        config = filled(recipes.get(name), task) if task and name == action_type(task) != CUSTOM else {}
    if not isinstance(config, dict):
        raise Invalid.because(N_("This must be a map of names to values."), field="action_config")
    made = _custom(config) if name == CUSTOM else _of_recipe(name, config, task)
    twice = next((field for field in made if field in rest and field not in MAPS), None)
    if twice is not None:
        raise Invalid.because(N_("“%(name)s” stands there twice."), field=twice, name=twice)
    return {**made, **rest, **{field: _joined(made[field], rest[field]) for field in MAPS if field in made and field in rest}}


def action_type(task: Task) -> str:
    """Which action a task is."""
    recipe = origin(task)
    return recipe.name if recipe in ACTIONS else CUSTOM


def action_config(task: Task) -> dict[str, Any]:
    """What the action was told; of one of one's own the content, secrets masked."""
    recipe = origin(task)
    if recipe in ACTIONS:
        return filled(recipe, task)
    return {"type": task.kind, **contents.masked(kinds.get(task.kind), task.content)} if task.kind else {}


def _joined(made: Any, given: Any) -> Any:
    return {**made, **given} if isinstance(made, dict) and isinstance(given, dict) else given


def _type(given: Any, task: Task | None) -> str:
    if given is None and task is not None:
        return action_type(task)
    if given is None:
        raise Invalid.because(N_("This is required."), field="action_type")
    name = given.lower() if isinstance(given, str) else given
    if name not in TYPES:
        text = N_("“%(value)s” is not one of: %(choices)s.")
        raise Invalid.because(text, field="action_type", value=shorten(given), choices=", ".join(TYPES))
    return str(name)


def _custom(config: dict[str, Any]) -> dict[str, Any]:
    strange = [shorten(name) for name in config if name not in IN_CUSTOM]
    if strange:
        raise Invalid(Problem(f"action_config.{name}", N_("There is no such field.")) for name in strange)
    return dict(config)


def _of_recipe(name: str, config: dict[str, Any], task: Task | None) -> dict[str, Any]:
    made = rendered(recipes.get(name), config, "action_config")
    env = {**(task.env if task else {}), **made["env"]}
    del made["metadata"]
    return {**made, "env": env, "recipe": name}
