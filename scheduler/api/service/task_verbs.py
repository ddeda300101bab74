"""What can be done with a task besides changing it: enable, disable, run, stop; and making one from a template."""

from flask import Blueprint, Response

from scheduler import gate
from scheduler.api import bodies, described, idempotency, templates
from scheduler.api.answers import answer
from scheduler.api.service import answer_models
from scheduler.api.service.dialects import is_004
from scheduler.api.service.tasks import ONE, reference, shown
from scheduler.api.templates import FromTemplate
from scheduler.api.words import WORDS
from scheduler.runs import ledger, lifecycle
from scheduler.tasks import definitions, own_recipes, queries

calls = Blueprint("service_task_verbs", __name__, url_prefix="/scheduler")


@calls.post("/tasks/<task_id>/enable")
@described.call(answers=ONE, form="bare", bodiless=True, refuses=(404,))
@gate.allowed("task.enable")
def enable(task_id: str) -> Response:
    """Let the schedule fire."""
    bodies.nothing()
    actor = gate.current_actor()
    return answer(shown(actor, definitions.enable(actor, queries.find(actor, task_id).id), is_004(task_id)))


@calls.post("/tasks/<task_id>/disable")
@described.call(answers=ONE, form="bare", bodiless=True, refuses=(404,))
@gate.allowed("task.enable")
def disable(task_id: str) -> Response:
    """Let the schedule rest; what runs goes on."""
    bodies.nothing()
    actor = gate.current_actor()
    return answer(shown(actor, definitions.disable(actor, queries.find(actor, task_id).id), is_004(task_id)))


@calls.post("/tasks/<task_id>/run")
@described.call(answers=answer_models.Begun, form="bare", bodiless=True, refuses=(404, 409), headers=("Idempotency-Key",))
@gate.allowed("task.run")
def run(task_id: str) -> Response:
    """Run it now and leave its schedule alone."""
    bodies.nothing()
    actor = gate.current_actor()
    begun = ledger.call(actor, task_id, idempotency.key())
    return answer({"execution_id": begun.public_id, "status": WORDS[begun.status]})


@calls.post("/tasks/<task_id>/stop")
@described.call(answers=answer_models.Stopped, form="bare", bodiless=True, refuses=(404, 409))
@gate.allowed("task.stop")
def stop(task_id: str) -> Response:
    """Stop every execution that waits or runs."""
    bodies.nothing()
    actor = gate.current_actor()
    task = queries.find(actor, task_id)
    return answer({"id": reference(task, task_id), "execution_ids": lifecycle.stop(actor, task)})


@calls.get("/templates")
@described.call(answers=answer_models.Templates, form="bare")
@gate.allowed("task.see")
def listed() -> Response:
    """The built-in templates, and those made here that one may see."""
    return answer({"templates": [templates.shown(recipe) for recipe in own_recipes.gallery(gate.current_actor())]})


@calls.post("/tasks/from-template")
@described.call(takes=FromTemplate, answers=answer_models.Whole, form="bare", refuses=(409,))
@gate.allowed("task.create")
def from_template() -> Response:
    """A task made of a template, on the schedule the template proposes."""
    actor = gate.current_actor()
    return answer(shown(actor, definitions.create(actor, templates.values(actor, bodies.read(FromTemplate))), in_004=False))
