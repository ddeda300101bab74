"""Templates: those there are, built in and one's own, making and changing one's own, and making a task of one."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from scheduler import gate
from scheduler.api import asking, bodies, described, idempotency, templates
from scheduler.api import times as instants
from scheduler.api.answers import done, page
from scheduler.api.bodies import Body
from scheduler.api.templates import FromTemplate, Template
from scheduler.api.v1 import questions, shapes
from scheduler.api.v1.answer_models import Task
from scheduler.api.v1.versions import matched, tagged
from scheduler.errors import N_, Conflict
from scheduler.tasks import once, own_recipes, recipe_of_task
from scheduler.tasks.models import OwnRecipe
from scheduler.tasks.recipe_drafts import GivenParameter
from scheduler.tasks.recipes import Recipe, recipes

calls = Blueprint("v1_templates", __name__, url_prefix="/v1/scheduler")

EMPTY: Mapping[str, Any] = {
    "name": "",
    "key": "",
    "category": "custom",
    "description": "",
    "private": False,
    "parameters": [],
    "task": {},
}


class Changes(Body):
    """What a template of one's own is made of; `task` holds a task's fields, with `{{name}}` where a parameter goes."""

    name: str | None = None
    key: str | None = None
    category: str | None = None
    description: str | None = None
    group: int | str | None = None
    private: bool | None = None
    parameters: list[GivenParameter] | None = None
    task: dict[str, Any] | None = None
    version: int | None = None


class New(Changes):
    """… and the task it is made of, if any: what the body does not say comes from there."""

    from_task: int | str | None = None


class Made(FromTemplate):
    """… and where the task lies, and whether its schedule fires."""

    group: int | str | None = None
    is_active: bool = True


class TemplateBriefly(Template):
    """… with where it comes from: those of one's own have a version, and are shared with a group, or everybody, or nobody."""

    key: str
    built_in: bool
    group: str | None
    private: bool
    version: int | None
    updated_at: str | None


class TemplateInFull(TemplateBriefly):
    """… with the task it proposes: what that runs, and when."""

    task: dict[str, Any]


@calls.get("/templates")
@described.call(asks=questions.Pages, answers=TemplateBriefly, form="page")
@gate.allowed("task.see")
def listed() -> Response:
    """The templates: the built-in ones, then one's own and those shared with one."""
    paging, actor = asking.paging(), gate.current_actor()
    found = [*map(_built_in, recipes), *map(_own, own_recipes.listed(actor))]
    return page(found[paging.first : paging.first + paging.size], len(found), paging)


@calls.post("/templates")
@described.call(takes=New, answers=TemplateInFull, refuses=(404, 409), sends=("ETag",))
@gate.allowed("task.create")
def create() -> Response:
    """A template of one's own, from scratch or of a task; no secret of the task comes along."""
    actor = gate.current_actor()
    given = _given(bodies.read(New))
    given.pop("version", None)
    task = given.pop("from_task", None)
    values = {"name": ""} if task is None else recipe_of_task.values(actor, task)
    place = {"group": None, "private": False} if {"group", "private"} & given.keys() else {}
    return _answer(own_recipes.create(actor, values | place | given), N_("The template is made."))


@calls.get("/templates/<template_id>")
@described.call(answers=TemplateInFull, refuses=(404,), sends=("ETag",))
@gate.allowed("task.see")
def one(template_id: str) -> Response:
    """One template, with the task it proposes; the version of one's own is its ETag."""
    recipe = own_recipes.known(gate.current_actor(), template_id)
    if recipe.own:
        return _answer(own_recipes.find(gate.current_actor(), template_id))
    return done(_built_in(recipe) | {"task": recipe.task})


@calls.put("/templates/<template_id>")
@described.call(takes=Changes, answers=TemplateInFull, refuses=(404, 409), headers=("If-Match",), sends=("ETag",))
@gate.allowed("task.edit")
def update(template_id: str) -> Response:
    """Change what the body names and leave the rest; tasks made of it stay as they are."""
    given = _given(bodies.read(Changes))
    version = given.pop("version", None)
    key = _changeable(template_id)
    row = own_recipes.edit(gate.current_actor(), key, given, version if version is not None else matched())
    return _answer(row, N_("The template is changed."))


@calls.delete("/templates/<template_id>")
@described.call(refuses=(404, 409))
@gate.allowed("task.delete")
def delete(template_id: str) -> Response:
    """Delete a template of one's own; tasks made of it stay."""
    bodies.nothing()
    own_recipes.remove(gate.current_actor(), _changeable(template_id))
    return done(None, N_("The template is deleted."))


@calls.post("/tasks/from-template")
@described.call(takes=Made, answers=Task, refuses=(409, 413, 415), headers=("Idempotency-Key",))
@gate.allowed("task.create")
def from_template() -> Response:
    """A task made of a template, on the schedule the template proposes."""
    actor = gate.current_actor()
    given = bodies.read(Made)
    said = {name: getattr(given, name) for name in ("group", "is_active") if name in given.model_fields_set}
    values = templates.values(actor, given) | said
    return done(shapes.task(actor, once.create(actor, values, idempotency.key())), N_("The task is created."))


def _changeable(template_id: str) -> str:
    """The key of a template of one's own; a built-in one stays as it is."""
    recipe = own_recipes.known(gate.current_actor(), template_id)
    if not recipe.own:
        raise Conflict.because(N_("A built-in template stays as it is."))
    return recipe.name


def _given(body: Changes) -> dict[str, Any]:
    """What the body names; a null means what it is in a new one."""
    found = body.model_dump(exclude_unset=True)
    return {name: EMPTY.get(name) if value is None else value for name, value in found.items()}


def _answer(row: OwnRecipe, text: str = N_("Found.")) -> Response:
    return tagged(done(_own(row) | {"task": row.task}, text), row.version)


def _built_in(recipe: Recipe) -> dict[str, Any]:
    where = {"built_in": True, "group": None, "private": False, "version": None, "updated_at": None}
    return {**templates.shown(recipe), "key": recipe.name, **where}


def _own(row: OwnRecipe) -> dict[str, Any]:
    return {
        **templates.shown(own_recipes.as_recipe(row)),
        "key": row.key,
        "built_in": False,
        "group": row.group.key if row.group else None,
        "private": row.private,
        "version": row.version,
        "updated_at": instants.shown(row.updated_at),
    }
