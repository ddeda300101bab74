"""Templates as both faces show them, and a new task's values out of one; what a template is made of is the recipes' business."""

from typing import Any

from scheduler.api.bodies import Body
from scheduler.api.described import Shape
from scheduler.api.language import say
from scheduler.tasks.blanks import Parameter
from scheduler.tasks.built_in import recipes
from scheduler.tasks.recipes import Recipe, rendered


class FromTemplate(Body):
    """Which template, what the task is called, and what is filled in."""

    template_id: str
    name: str
    params: dict[str, Any] = {}


class Blank(Shape):
    """A parameter of a template."""

    name: str
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


def known(reference: str) -> Recipe | None:
    """The template of that id, if there is one; as document 000 writes them, `template-001` is the first of the list."""
    numbered = {f"template-{number:03}": recipe for number, recipe in enumerate(recipes, 1)}
    return recipes.get(reference) if reference in recipes else numbered.get(reference)


def shown(recipe: Recipe) -> dict[str, Any]:
    """A template, in the language of this request."""
    return {
        "id": recipe.name,
        "name": say(recipe.label),
        "category": recipe.category,
        "description": say(recipe.description),
        "parameters": [_blank(one) for one in recipe.parameters],
    }


def values(given: FromTemplate) -> dict[str, Any]:
    """A new task's values, on the schedule the template proposes; `Invalid` naming each parameter that is wrong."""
    recipe = known(given.template_id) or recipes.get(given.template_id)  # which refuses it, naming those there are
    return {**recipe.schedule, **rendered(recipe, given.params), "name": given.name}


def _blank(one: Parameter) -> dict[str, Any]:
    return {
        "name": one.name,
        "type": one.type,
        "required": one.required,
        "default": one.default,
        "choices": list(one.choices),
        "pattern": one.pattern,
    }
