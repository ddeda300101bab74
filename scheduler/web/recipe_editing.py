"""The form of a recipe of one's own: a new one, from scratch or of a task, and one to edit."""

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler.accounts.permissions import can
from scheduler.errors import Conflict, Forbidden, Invalid
from scheduler.gate import status_of
from scheduler.kinds import kinds
from scheduler.tasks import definitions, own_recipes, queries, recipe_of_task
from scheduler.tasks.models import OwnRecipe
from scheduler.tasks.recipes import CATEGORIES
from scheduler.web import access, controls, recipe_cards, recipe_forms, task_forms
from scheduler.web.controls import Typed
from scheduler.web.rendering import render, toast

SPARE = dict.fromkeys(recipe_forms.PARAMETER, "") | {"type": "text"}

pages = Blueprint("recipe_editing", __name__, url_prefix="/templates")


@pages.get("/new")
@access.allowed("task.create")
def new() -> ResponseReturnValue:
    """The form for a new one, with a small example in it; with `task` that task's values."""
    task = request.args.get("task", "")
    found = recipe_of_task.values(access.current_actor(), task) if task else recipe_forms.EXAMPLE
    return _page(recipe_forms.typed(found), None, {}, of_task=bool(task))


@pages.post("/new")
@access.allowed("task.create")
def create() -> ResponseReturnValue:
    """Save a new one."""
    return _save(None, lambda values: own_recipes.create(access.current_actor(), values))


@pages.get("/<key>/edit")
@access.allowed("task.edit")
def edit(key: str) -> ResponseReturnValue:
    """The form for one that is there."""
    row = _editable(key)
    return _page(recipe_forms.typed(own_recipes.written(row)), row, {})


@pages.post("/<key>/edit")
@access.allowed("task.edit")
def save(key: str) -> ResponseReturnValue:
    """Save what was changed."""
    row = _editable(key)
    return _save(row, lambda values: own_recipes.edit(access.current_actor(), row.key, values, _version()))


@pages.post("/fields")
@access.allowed("task.create")
def fields() -> ResponseReturnValue:
    """The fields of the type just chosen."""
    form = request.form.copy()
    _settle(form)
    return render("recipes/_content.html", form=form, errors={}, **_choices(form))


def _save(row: OwnRecipe | None, verb: Callable[[dict[str, Any]], OwnRecipe]) -> ResponseReturnValue:
    form = request.form.copy()
    if "choose" in form or form.get("type") != form.get("type_was"):
        _settle(form)
        return _page(form, row, {}, spare=3)
    try:
        saved = verb(recipe_forms.values(form))
    except (Invalid, Conflict, Forbidden) as error:
        if isinstance(error, Forbidden) and not error.problems[0].field:
            raise
        page = _page(form, row, recipe_forms.placed(error.problems, form))
        return page, 422 if isinstance(error, Invalid) else status_of(error)
    toast(_("“%(name)s” was created.", name=saved.name) if row is None else _("“%(name)s” is saved.", name=saved.name))
    return redirect(url_for("recipe_using.show", key=saved.key), 303)


def _page(form: Typed, row: OwnRecipe | None, errors: dict[str, str], spare: int = 1, of_task: bool = False) -> Response:
    recipe_forms.forget_secrets(form)
    version = request.form.get("version", "") if request.method == "POST" else row.version if row else ""
    return render(
        "recipes/edit.html",
        form=form,
        row=row,
        errors=errors,
        of_task=of_task,
        version=version,
        parameters=[*recipe_forms.rows(form), *[SPARE] * spare],
        types=[(name, _(word)) for name, word in recipe_cards.TYPES],
        categories=[recipe_cards.category(name) for name in CATEGORIES],
        labels=_labels(form, errors),
        shares=_shares(row),
        **_choices(form),
    )


def _labels(form: Typed, errors: Mapping[str, str]) -> dict[str, str]:
    """What people call the fields that may be wrong."""
    found = {one.name: _(one.label) for one in recipe_forms.of_type(form.get("type", ""))}
    numbers = (name.partition(".")[2] for name in errors if name.startswith("parameters."))
    found |= {f"parameters.{number}": f"{_('Parameter')} {int(number) + 1}" for number in numbers}
    basics = {"name": _("Name"), "key": _("Key"), "category": _("Category"), "description": _("Description")}
    return {**found, **basics, "share": _("Who may use it"), "type": _("Type"), "rest": _("Everything else")}


def _choices(form: Typed) -> dict[str, Any]:
    wanted = recipe_forms.opened(recipe_forms.of_type(form.get("type", "")), form)
    return {
        "kinds": [(kind.name, _(kind.label)) for kind in kinds],
        "content": [(group, list(found)) for group, found in groupby(wanted, lambda one: one.group)],
        "rows": controls.rows,
        "words": lambda choices: [(key, _(word)) for key, word in choices],
        "kept": task_forms.kept(form),
    }


def _shares(row: OwnRecipe | None) -> list[tuple[str, str]]:
    """With whom it may be shared by this actor, and where it is now."""
    actor = access.current_actor()
    groups = [group for group in queries.groups(actor) if can(actor, "task.create", definitions.group_place(group))]
    if row is not None and row.group is not None and row.group not in groups:
        groups.append(row.group)
    found = [("private", _("Only you (and administrators)"))]
    if own_recipes.may(actor, "task.create", OwnRecipe(private=False, group_id=None)) or (
        row and not row.private and not row.group
    ):
        found.append(("all", _("Everybody")))
    return [*found, *((f"group:{group.key}", _("Group %(name)s", name=group.name)) for group in groups)]


def _settle(form: Typed) -> None:
    """Let the form have the fields of the type that is chosen."""
    if form.get("type", "") not in kinds.names:
        form["type"] = "shell"
    if form["type"] != form.get("type_was"):
        for control in recipe_forms.of_type(form["type"]):
            if control.name not in form:
                control.show(form, {})
    form["type_was"] = form["type"]


def _editable(key: str) -> OwnRecipe:
    row = own_recipes.find(access.current_actor(), key)
    own_recipes.require(access.current_actor(), "task.edit", row)
    return row


def _version() -> int | None:
    """The version the form was filled in against, or the one that is to be saved over."""
    text = request.form.get("over") or request.form.get("version", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
