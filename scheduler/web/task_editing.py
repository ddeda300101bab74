"""The form of a task: a new one, one to edit, and the parts of it that change while it is filled in."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler.accounts.permissions import require
from scheduler.errors import Conflict, Forbidden, Invalid, Problem, SchedulerError, Unavailable
from scheduler.gate import status_of
from scheduler.runs import ledger
from scheduler.tasks import definitions, queries, secrets
from scheduler.tasks.models import Task
from scheduler.web import access, task_controls, task_filling, task_fixes, task_forms, task_preview
from scheduler.web.controls import Typed
from scheduler.web.rendering import render, toast
from scheduler.web.task_filling import Page

pages = Blueprint("task_editing", __name__, url_prefix="/tasks")


@pages.get("/new")
@access.allowed("task.create")
def new() -> ResponseReturnValue:
    """The form for a new task."""
    return shown(task_forms.fresh())


@pages.post("/new")
@access.allowed("task.create")
def create() -> ResponseReturnValue:
    """Save a new task, and run it when that was asked for."""
    return _save(None, lambda form: definitions.create(access.current_actor(), _new_values(form)))


@pages.get("/<int:task_id>/edit")
@access.allowed("task.edit")
def edit(task_id: int) -> ResponseReturnValue:
    """The form for a task that is there."""
    task = _editable(task_id)
    return shown(task_forms.typed(task_filling.stored(access.current_actor(), task)), task)


@pages.post("/<int:task_id>/edit")
@access.allowed("task.edit")
def save(task_id: int) -> ResponseReturnValue:
    """Save what was changed."""
    task = _editable(task_id)

    def change(form: Typed) -> Task:
        changed = task_forms.changes(form, task_filling.stored(access.current_actor(), task))
        return definitions.edit(access.current_actor(), task.id, changed, _version())

    return _save(task, change)


@pages.post("/fields")
@access.allowed("task.create")
def fields() -> ResponseReturnValue:
    """The fields of the type just chosen."""
    form = request.form.copy()
    task_forms.settled(form)
    return _rendered("tasks/_content.html", _state(form))


@pages.post("/schedule-fields")
@access.allowed("task.create")
def schedule_fields() -> ResponseReturnValue:
    """The fields of the kind of schedule just chosen, keeping what can be kept; or a crontab line, split into its parts."""
    form = request.form.copy()
    command = form.get("command")
    problems = task_forms.settled(form)
    page = _state(form, _errors(problems, form))
    return _rendered("tasks/_schedule_answer.html", page, with_content=form.get("command") != command)


@pages.post("/preview")
@access.allowed("schedule.preview")
def preview() -> ResponseReturnValue:
    """What the schedule in the form would do, and beside its fields what is wrong with them."""
    form = request.form.copy()
    problems = task_forms.settled(form)
    page = _state(form, _errors(problems, form), task_id=_number("task_id"))
    return _rendered("tasks/_preview_answer.html", page)


def _save(task: Task | None, verb: Callable[[Typed], Task]) -> ResponseReturnValue:
    """Do what the form was sent for: only bring it up to date, or save and say what became of it."""
    form = request.form.copy()
    only_choosing = "choose" in form or task_fixes.FIX in form or task_forms.unsettled(form)
    if form.get("choose") == "more":
        form["fires"] = str(task_preview.MANY)
    problems = task_forms.settled(form)
    if only_choosing or problems:
        return shown(form, task, problems), 422 if problems else 200
    try:
        saved = verb(form)
    except (Invalid, Conflict, Forbidden, Unavailable) as error:
        if isinstance(error, Forbidden) and not error.problems[0].field:
            raise
        stale = any(problem.field == "version" for problem in error.problems)
        problems = [*error.problems, *task_forms.forget_secrets(form)]
        return shown(form, task, problems, stale), 422 if isinstance(error, Invalid) else status_of(error)
    return _saved(saved, new=task is None)


def _saved(task: Task, new: bool) -> ResponseReturnValue:
    if request.form.get("then") == "run":
        try:
            run = ledger.request(access.current_actor(), task)
        except SchedulerError as error:
            toast(_("It is saved, but did not run: %(reason)s", reason=" ".join(_errors(error.problems).values())), "warning")
        else:
            toast(_("“%(name)s” is saved and begins to run.", name=task.name))
            return redirect(f"{request.script_root}/runs/{run.id}", 303)
    else:
        toast(_("“%(name)s” was created.", name=task.name) if new else _("“%(name)s” is saved.", name=task.name))
    return redirect(f"{url_for('tasks.index')}/{task.id}", 303)


def edited() -> Task | None:
    """The task whose form was sent; None for a new one."""
    number = _number("task_id")
    return None if number is None else _editable(number)


def shown(form: Typed, task: Task | None = None, problems: Iterable[Problem] = (), stale: bool = False) -> Response:
    """The form as it was typed, with what is wrong at its fields; `stale` when somebody saved the task meanwhile."""
    page = _state(form, _errors(problems, form), task.id if task else None)
    version = task.version if task else None
    if request.method == "POST" and not stale:
        version = _version()
    page = replace(page, task=task, version=version, differences=_differences(form, task) if stale and task else [])
    upstreams = task_filling.upstreams(access.current_actor(), form, task)
    nameable = secrets.listed(access.current_actor())
    return _rendered("tasks/edit.html", page, zones=task_filling.zones(), upstreams=upstreams, nameable=nameable)


def _rendered(template: str, page: Page, **more: Any) -> Response:
    return render(template, page=page, **task_filling.choices(access.current_actor(), page.task), **more)


def _state(form: Typed, errors: Mapping[str, str] | None = None, task_id: int | None = None) -> Page:
    card = task_preview.card(access.current_actor(), form, task_id)
    # A form nobody has filled in yet is not to be scolded, but a wrong schedule is shown at once.
    fixes = task_fixes.for_problems(card.problems, form)
    return Page(form, card, {**_errors(card.problems, form), **(errors or {})}, fixes)


def _errors(problems: Iterable[Problem], form: Typed | None = None) -> dict[str, str]:
    found: dict[str, str] = {}
    for problem in task_forms.placed(problems, form) if form is not None else problems:
        sentence = _(problem.text, **problem.params)
        found[problem.field] = f"{found[problem.field]} {sentence}" if problem.field in found else sentence
    return found


def _differences(form: Typed, task: Task) -> list[tuple[str, str, str]]:
    """Where what is saved now and what stands in the form are not the same, in short."""
    saved = task_forms.typed(task_filling.stored(access.current_actor(), task))
    wanted = task_controls.everything(form["type"], form["schedule_type"])
    pairs = ((control, control.brief(saved), control.brief(form)) for control in wanted if control.widget != "secret")
    return [(_(control.label), theirs, ours) for control, theirs, ours in pairs if theirs != ours]


def _editable(task_id: int) -> Task:
    task = queries.find(access.current_actor(), task_id)
    require(access.current_actor(), "task.edit", task)
    return task


def _version() -> int | None:
    """The version the form was filled in against, or the one that is to be saved over."""
    return _number("over" if request.form.get("over") else "version")


def _number(name: str) -> int | None:
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _new_values(form: Typed) -> dict[str, Any]:
    return task_forms.values(form) | {"metadata": {}}
