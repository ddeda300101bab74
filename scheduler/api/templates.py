"""Templates as both faces show them, and a new task's values out of one; what a template is made of is the recipes' business."""

from typing import Any

from scheduler.accounts.permissions import Actor
from scheduler.api.bodies import Body
from scheduler.api.described import Shape
from scheduler.api.language import say
from scheduler.errors import NotFound
from scheduler.tasks import own_recipes
from scheduler.tasks.blanks import Parameter
from scheduler.tasks.recipes import Recipe, recipes, rendered


class FromTemplate(Body):
    """Which template, what the task is called, and what is filled in."""

    template_id: str
    name: str
    params: dict[str, Any] = {}


class Blank(Shape):
    """A parameter of a template."""

    name: str
    label: str
    type: str
    required: bool
    default: Any
    choices: list[str]
    pattern: str


class Template(Shape):
    """A task with blanks to fill in."""

    id: str
    name: str
    category: str
    description: str
    parameters: list[Blank]


def shown(recipe: Recipe) -> dict[str, Any]:
    """A template; a built-in one in the language of this request, one's own as it was written."""
    return {
        "id": recipe.name,
        "name": _said(recipe, recipe.label),
        "category": recipe.category,
        "description": _said(recipe, recipe.description),
        "parameters": [_blank(recipe, one) for one in recipe.parameters],
    }


def values(actor: Actor, given: FromTemplate) -> dict[str, Any]:
    """A new task's values, on the schedule the template proposes; `Invalid` naming each parameter that is wrong."""
    try:
        recipe = own_recipes.known(actor, given.template_id)
    except NotFound:
        recipe = recipes.get(given.template_id)  # which refuses it, naming those that are built in
    return {**recipe.schedule, **rendered(recipe, given.params), "name": given.name}


def _said(recipe: Recipe, text: str) -> str:
    return text if recipe.own or not text else say(text)


def _blank(recipe: Recipe, one: Parameter) -> dict[str, Any]:
    return {
        "name": one.name,
        "label": _said(recipe, one.label),
        "type": one.type,
        "required": one.required,
        "default": one.default,
        "choices": list(one.choices),
        "pattern": one.pattern,
    }
