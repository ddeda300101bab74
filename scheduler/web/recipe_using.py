"""Making a task of a recipe: its blanks as fields, and beside them the task that comes of it with its next due instants."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler.accounts.permissions import can
from scheduler.errors import Conflict, Forbidden, Invalid, Problem, SchedulerError
from scheduler.gate import status_of
from scheduler.schedules import preview
from scheduler.schedules.preview import Ask, Preview
from scheduler.tasks import definitions, drafts, placing, queries, wording
from scheduler.tasks.blanks import Parameter, is_empty
from scheduler.tasks.models import DEFAULT_GROUP
from scheduler.tasks.recipes import rendered
from scheduler.tasks.transfer import native
from scheduler.web import access, recipe_cards, task_controls, task_settings
from scheduler.web.controls import Control, Typed, at
from scheduler.web.recipe_cards import Card
from scheduler.web.rendering import render, toast
from scheduler.web.task_settings import Row

WIDGETS = {"number": "number", "flag": "checkbox", "list": "lines", "secret": "secret"}
FIELD = "params"
SHOWN = 5

pages = Blueprint("recipe_using", __name__, url_prefix="/templates")


@dataclass(frozen=True)
class Outcome:
    """The task that comes of what is filled in: what it runs, and when; or why that cannot be said."""

    rows: list[Row] = field(default_factory=list)
    found: Preview | None = None
    sentence: str = ""
    problems: tuple[Problem, ...] = ()


@pages.get("/<key>")
@access.allowed("task.see")
def show(key: str) -> ResponseReturnValue:
    """The recipe with its fields, as its defaults fill them."""
    card = recipe_cards.find(access.current_actor(), key)
    form: Typed = Typed({"name": card.name, "is_active": "1"})
    for control in _controls(card):
        control.show(form, {})
    return _page(card, form, {})


@pages.post("/<key>")
@access.allowed("task.create")
def use(key: str) -> ResponseReturnValue:
    """Make the task, or only show what would come of it."""
    actor = access.current_actor()
    card, form = recipe_cards.find(actor, key), request.form.copy()
    if "choose" in form:
        return _page(card, form, {}, tried=True)
    try:
        task = definitions.create(actor, _values(card, form))
    except (Invalid, Conflict, Forbidden) as error:
        if isinstance(error, Forbidden) and not error.problems[0].field:
            raise
        page = _page(card, form, _errors(error, card))
        return page, 422 if isinstance(error, Invalid) else status_of(error)
    toast(_("“%(name)s” was created.", name=task.name))
    return redirect(f"{url_for('tasks.index')}/{task.id}", 303)


@pages.post("/<key>/preview")
@access.allowed("task.create")
def look(key: str) -> ResponseReturnValue:
    """What would come of it."""
    card, form = recipe_cards.find(access.current_actor(), key), request.form.copy()
    return render("recipes/_outcome.html", card=card, outcome=_outcome(card, form), tried=False)


def _page(card: Card, form: Typed, errors: dict[str, str], tried: bool = False) -> Response:
    actor = access.current_actor()
    outcome = _outcome(card, form)
    if tried:
        errors = _errors(Invalid(outcome.problems), card) if outcome.problems else {}
    controls = _controls(card)
    for one in controls:
        if one.widget == "secret":
            form[one.name] = ""
    groups = [group for group in queries.groups(actor) if can(actor, "task.create", definitions.group_place(group))]
    groups.sort(key=lambda group: (group.id != DEFAULT_GROUP, group.name))
    return render(
        "recipes/use.html",
        card=card,
        form=form,
        errors=errors,
        controls=controls,
        labels={"name": _("Name"), "group": _("Group")} | {one.name: one.label for one in controls},
        groups=[(group.key, group.name) for group in groups],
        outcome=outcome,
        words=lambda choices: list(choices),
        may_create=can(actor, "task.create"),
    )


def _controls(card: Card) -> list[Control]:
    return [_control(card, one) for one in card.recipe.parameters]


def _control(card: Card, one: Parameter) -> Control:
    widget = WIDGETS.get(one.type, "select" if one.choices else "text")
    empty = [] if one.required else [("", "—")]
    words = tuple(map(_, one.words)) or one.choices
    choices = tuple(zip(one.choices, words, strict=True))
    hint = _("One per line.") if one.type == "list" else ""
    shown = (*empty, *choices) if choices else ()
    return Control(f"{FIELD}.{one.name}", card.word(one), widget, hint, shown, one.required, one.default)


def _given(card: Card, form: Typed) -> dict[str, Any]:
    """What is filled in; of a field left empty nothing, unless that is said in place of a default."""
    found = {}
    for one in card.recipe.parameters:
        value = _read(one, form.get(f"{FIELD}.{one.name}", ""))
        if one.type == "flag" or not is_empty(value) or (card.recipe.own and one.default is not None):
            found[one.name] = value
    return found


def _read(one: Parameter, text: str) -> Any:
    if one.type == "flag":
        return text not in ("", "0")
    if one.type == "list":
        return [line for line in text.splitlines() if line.strip()]
    tidy = text.strip()
    return int(tidy) if one.type == "number" and tidy.isascii() and tidy.isdecimal() and len(tidy) < 10 else tidy


def _values(card: Card, form: Typed) -> dict[str, Any]:
    """A new task's values; `Invalid` naming what is wrong with its name too."""
    found: list[Problem] = []
    for check in (lambda: wording.name(form.get("name", "")), lambda: rendered(card.recipe, _given(card, form), FIELD)):
        try:
            check()
        except Invalid as error:
            found += error.problems
    if found:
        raise Invalid(found)
    made = {**card.recipe.schedule, **rendered(card.recipe, _given(card, form), FIELD)}
    own = {"name": form.get("name", ""), "group": form.get("group") or None}
    return {**made, **own, "is_active": bool(form.get("is_active"))}


def _errors(error: SchedulerError, card: Card) -> dict[str, str]:
    """What is wrong, at the field that can mend it."""
    known = {"name", "group", *(f"{FIELD}.{one.name}" for one in card.recipe.parameters)}
    found: dict[str, str] = {}
    for problem in error.problems:
        place = problem.field if problem.field in known else ""
        sentence = _(problem.text, **problem.params)
        found[place] = sentence if place or not problem.field else f"{problem.field}{_(': ')}{sentence}"
    return found


def _outcome(card: Card, form: Typed) -> Outcome:
    form.setdefault("name", card.name)
    try:
        values = _values(card, form) | {"is_active": True}
        draft = drafts.read(values)
    except Invalid as error:
        return Outcome(found=_alone(card), sentence=card.when, problems=error.problems)
    window = (draft.plan.start_at, draft.plan.end_at, draft.particulars.max_runs)
    schedule = draft.schedule
    try:
        found = preview.preview(Ask(schedule.name, schedule.config(), draft.particulars.timezone, *window, count=SHOWN))
    except Invalid as error:
        return Outcome(_rows(values), sentence=schedule.describe(_), problems=error.problems)
    return Outcome(_rows(values), found, schedule.describe(_))


def _alone(card: Card) -> Preview | None:
    """When it would be due, as far as that does not depend on what is still to be filled in."""
    task = {name: value for name, value in card.recipe.task.items() if name in recipe_cards.TIMING}
    if any(placing.BLANK.search(text) for _path, text in placing.leaves(task)):
        return None
    try:
        draft = drafts.read({**task, "name": "x", "command": "true"})
        zone = draft.particulars.timezone
        return preview.preview(Ask(draft.schedule.name, draft.schedule.config(), zone, draft.plan.start_at, count=SHOWN))
    except Invalid:
        return None


def _rows(values: Mapping[str, Any]) -> list[Row]:
    """What the task is made of, as far as it differs from any; secrets masked."""
    type_ = str(values.get("type") or "shell")
    everything = (*task_controls.of_type(type_), *task_controls.policy(), *task_controls.ADVANCED)
    controls = [one for one in everything if at(values, one.name) not in (None, "", [], {})]
    secret = {one.name for one in controls if one.widget == "secret"}
    rows = task_settings.rows([one for one in controls if one.name not in secret], native.masked(dict(values)))
    return [*rows, *(Row(_(one.label), "••••••") for one in controls if one.name in secret)]
