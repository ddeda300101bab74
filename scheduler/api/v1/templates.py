"""Templates: the built-in ones, with what can be filled in, and making a task of one."""

from typing import Any

from flask import Blueprint, Response

from scheduler import gate
from scheduler.api import asking, bodies, described, idempotency, templates
from scheduler.api.answers import done, page
from scheduler.api.templates import FromTemplate, Template
from scheduler.api.v1 import questions, shapes
from scheduler.api.v1.answer_models import Task
from scheduler.errors import N_, NotFound
from scheduler.tasks import once
from scheduler.tasks.built_in import recipes

calls = Blueprint("v1_templates", __name__, url_prefix="/v1/scheduler")


class TemplateInFull(Template):
    """… with the task it proposes: what that runs, and when."""

    task: dict[str, Any]


@calls.get("/templates")
@described.call(asks=questions.Pages, answers=Template, form="page")
@gate.allowed("task.see")
def listed() -> Response:
    """The templates."""
    paging, found = asking.paging(), [templates.shown(recipe) for recipe in recipes]
    return page(found[paging.first : paging.first + paging.size], len(found), paging)


@calls.get("/templates/<template_id>")
@described.call(answers=TemplateInFull, refuses=(404,))
@gate.allowed("task.see")
def one(template_id: str) -> Response:
    """One template, with the task it proposes."""
    recipe = templates.known(template_id)
    if recipe is None:
        raise NotFound.because(N_("There is no such template."))
    return done(templates.shown(recipe) | {"task": {**recipe.content, **recipe.schedule}})


@calls.post("/tasks/from-template")
@described.call(takes=FromTemplate, answers=Task, refuses=(409, 413, 415), headers=("Idempotency-Key",))
@gate.allowed("task.create")
def from_template() -> Response:
    """A task made of a template, on the schedule the template proposes."""
    actor = gate.current_actor()
    values = templates.values(bodies.read(FromTemplate))
    return done(shapes.task(actor, once.create(actor, values, idempotency.key())), N_("The task is created."))
