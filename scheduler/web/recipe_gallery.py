"""The gallery of recipes by category, files of them, and deleting one; using and editing have their own pages."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler.accounts.permissions import can
from scheduler.tasks import own_recipes
from scheduler.tasks.transfer import exchange
from scheduler.web import access, importing, recipe_cards, rendering
from scheduler.web.rendering import render, toast
from scheduler.web.trash import Confirm

pages = Blueprint("recipe_gallery", __name__, url_prefix="/templates")


@pages.get("")
@access.allowed("task.see")
def index() -> ResponseReturnValue:
    """Every recipe one may use, by category."""
    actor = access.current_actor()
    found = recipe_cards.gallery(actor)
    return render("recipes/index.html", found=found, may_create=can(actor, "task.create"), own=own_recipes.listed(actor))


@pages.get("/export")
@access.allowed("task.see")
def export() -> ResponseReturnValue:
    """Recipes made here as a file: all that one may see, or the one of `key`."""
    format_, key = request.args.get("format", "yaml"), request.args.get("key", "")
    response = importing.as_file(exchange.recipes_written(access.current_actor(), format_, key), format_)
    response.headers["Content-Disposition"] = f'attachment; filename="{key or "templates"}.{format_}"'
    return response


@pages.get("/<key>/delete")
@access.allowed("task.delete")
def ask(key: str) -> ResponseReturnValue:
    """Ask first."""
    actor = access.current_actor()
    row = own_recipes.find(actor, key)
    own_recipes.require(actor, "task.delete", row)
    confirm = Confirm(
        title=_("Delete the template “%(name)s”?", name=row.name),
        text=_("Tasks made of it stay as they are. It cannot be brought back; export it first if it may be needed again."),
        action=url_for("recipe_gallery.delete", key=row.key),
        verb=_("Delete"),
        cancel_url=url_for("recipe_gallery.index"),
        losses=[],
    )
    return render("confirm.html", "_confirm.html", confirm=confirm, in_dialog=rendering.partial())


@pages.post("/<key>/delete")
@access.allowed("task.delete")
def delete(key: str) -> ResponseReturnValue:
    """Delete it."""
    row = own_recipes.remove(access.current_actor(), key)
    toast(_("“%(name)s” was deleted.", name=row.name))
    return rendering.go(url_for("recipe_gallery.index"))
