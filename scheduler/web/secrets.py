"""The pages on secrets, for administrators: the list, a new one, another value or groups, removing one; none shows a value."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from scheduler.errors import Conflict, Invalid
from scheduler.gate import status_of
from scheduler.tasks import queries, secrets
from scheduler.tasks.models import Secret
from scheduler.tasks.secrets import Use, Uses
from scheduler.web import access, failures, rendering
from scheduler.web.rendering import render, toast
from scheduler.web.trash import Confirm

pages = Blueprint("secrets", __name__, url_prefix="/admin/secrets")

MOST_NAMED = 10


@pages.get("")
@access.allowed("secret.manage")
def show_all() -> ResponseReturnValue:
    """Every secret: for whom it is, where it is named, when it was changed and used."""
    actor = access.current_actor()
    return render("secrets/page.html", secrets=secrets.listed(actor), uses=secrets.uses(actor), nowhere=Uses())


@pages.get("/new")
@access.allowed("secret.manage")
def new() -> ResponseReturnValue:
    """The form for a new secret."""
    return _form({"name": request.args.get("name", "")[:64], "groups": ["default"]}, {})


@pages.post("/new")
@access.allowed("secret.manage")
def create() -> ResponseReturnValue:
    """Keep a new secret."""
    name = request.form.get("name", "").strip()
    return _save(name, {"value": _value(), "groups": request.form.getlist("groups")}, None)


@pages.get("/<int:secret_id>")
@access.allowed("secret.manage")
def show(secret_id: int) -> ResponseReturnValue:
    """The form that replaces the value, or the groups."""
    secret = secrets.found(access.current_actor(), str(secret_id))
    return _form({"name": secret.name, "groups": [group.key for group in secret.groups]}, {}, secret)


@pages.post("/<int:secret_id>")
@access.allowed("secret.manage")
def save(secret_id: int) -> ResponseReturnValue:
    """Replace what the form says; an empty value leaves the one that is kept."""
    secret = secrets.found(access.current_actor(), str(secret_id))
    value = {"value": typed} if (typed := _value()) else {}
    return _save(secret.name, value | {"groups": request.form.getlist("groups")}, secret)


@pages.get("/<int:secret_id>/remove")
@access.allowed("secret.manage")
def ask(secret_id: int) -> ResponseReturnValue:
    """Ask first, and say what will fail without it."""
    actor = access.current_actor()
    secret = secrets.found(actor, str(secret_id))
    confirm = Confirm(
        title=_("Remove the secret “%(name)s”?", name=secret.name),
        text=_("Its value is gone for good: nobody can read it any more, and so nobody can bring it back."),
        action=url_for("secrets.remove", secret_id=secret.id),
        verb=_("Remove"),
        cancel_url=url_for("secrets.show_all"),
        losses=_losses(secrets.uses(actor).get(secret.name, Uses())),
    )
    return render("confirm.html", "_confirm.html", confirm=confirm, in_dialog=rendering.partial())


@pages.post("/<int:secret_id>/remove")
@access.allowed("secret.manage")
def remove(secret_id: int) -> ResponseReturnValue:
    """Remove it."""
    actor = access.current_actor()
    name = secrets.found(actor, str(secret_id)).name
    secrets.remove(actor, name)
    toast(_("The secret “%(name)s” is removed.", name=name))
    return rendering.go(url_for("secrets.show_all"))


def _save(name: str, given: Mapping[str, Any], secret: Secret | None) -> ResponseReturnValue:
    try:
        secrets.put(access.current_actor(), name, given, fresh=secret is None)
    except (Invalid, Conflict) as error:
        status = 422 if isinstance(error, Invalid) else status_of(error)
        errors = failures.sentences(error)
        if given.get("value"):
            errors.setdefault("value", _("What was typed here is not shown again: type it once more."))
        return _form({"name": name, "groups": given["groups"]}, errors, secret), status
    toast(_("The secret “%(name)s” is kept. Its value is not shown again.", name=name))
    return redirect(url_for("secrets.show_all"), 303)


def _form(values: Mapping[str, Any], errors: Mapping[str, str], secret: Secret | None = None) -> Response:
    groups = [(group.key, group.name) for group in queries.groups(access.current_actor())]
    return render("secrets/form.html", values=values, errors=errors, secret=secret, groups=groups)


def _value() -> str:
    """What was typed, with the line breaks of a file; where it is one line, without the break that a copied one drags along."""
    value = request.form.get("value", "").replace("\r\n", "\n")
    return value.strip("\n") if "\n" not in value.strip("\n") else value


def _losses(uses: Uses) -> list[str]:
    """What fails without it."""
    found = []
    if uses.tasks:
        text = ngettext(
            "One task names it and fails without it: %(names)s.",
            "%(num)s tasks name it and fail without it: %(names)s.",
            len(uses.tasks),
            names=_listed(uses.tasks),
        )
        found.append(text)
    if uses.groups:
        found.append(_("Tasks that run what these groups say fail without it: %(names)s.", names=_listed(uses.groups)))
    return found or [_("No task names it.")]


def _listed(uses: Sequence[Use]) -> str:
    names = [use.name for use in uses[:MOST_NAMED]]
    return str(_(", ")).join([*names, "…"] if len(uses) > MOST_NAMED else names)
