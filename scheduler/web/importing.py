"""Bringing tasks in from a file or a crontab: upload or paste, look at what it would do, confirm; and files to take away."""

import base64
import binascii
import zlib
from dataclasses import dataclass

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from scheduler.errors import N_, Invalid, Problem, SchedulerError
from scheduler.tasks.transfer import decoding, exchange
from scheduler.tasks.transfer.changes import Change, Options, Plan
from scheduler.tasks.transfer.crontab import FORMS
from scheduler.tasks.transfer.exchange import Outcome
from scheduler.tasks.transfer.fires import Fires, total
from scheduler.tasks.transfer.source import LARGEST, Line, Located
from scheduler.web import access, failures, formats, rendering
from scheduler.web.rendering import render, toast

MOST_SHOWN = 500
MOST_NAMED = 20
ROOM = LARGEST * 2  # a file, and what a form adds to it
SWITCHES = ("replace", "enable", "allowed_only")
TYPES = {"json": "application/json", "tasks.json": "application/json", "yaml": "application/yaml"}

pages = Blueprint("importing", __name__, url_prefix="/tasks")


@dataclass(frozen=True)
class Preview:
    """What the file would do, as the page shows it."""

    outcome: Outcome
    packed: str
    asked: dict[str, str]

    @property
    def problems(self) -> list[Located]:
        """What is wrong, line by line."""
        return self.outcome.plan.problems

    @property
    def left_out(self) -> list[Located]:
        """What of the file is left out, as it was asked for."""
        return self.outcome.plan.left_out

    @property
    def changes(self) -> list[tuple[Change, Fires]]:
        """What becomes of each task, those that stay as they are left out."""
        fires = self.outcome.fires
        return [(change, fires.get(change.key, Fires())) for change in self.outcome.plan.changes if change.action != "same"]

    @property
    def lines(self) -> list[Line]:
        """The lines of a crontab that say something."""
        return [line for line in self.outcome.plan.source.lines if line.role != "blank"]

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each action."""
        return {action: len(self.outcome.plan.of(action)) for action in ("create", "change", "delete", "same")}

    @property
    def groups(self) -> list[str]:
        """The groups that are made or changed."""
        return _some([change.key for change in self.outcome.plan.groups if change.action != "same"])

    @property
    def templates(self) -> list[str]:
        """The templates that are made or changed."""
        return _templates(self.outcome.plan, "create", "change")

    @property
    def deleted_templates(self) -> list[str]:
        """The templates that are deleted."""
        return _templates(self.outcome.plan, "delete")

    @property
    def rules(self) -> list[str]:
        """The notification rules that are made or changed."""
        return _rules(self.outcome.plan, "create", "change")

    @property
    def deleted_rules(self) -> list[str]:
        """The notification rules that are deleted."""
        return _rules(self.outcome.plan, "delete")

    @property
    def fires(self) -> Fires:
        """The due instants gained and lost, of all together."""
        return total(self.outcome.fires.values())

    @property
    def may_be_done(self) -> bool:
        """Whether there is anything to confirm, and nothing wrong."""
        plan = self.outcome.plan
        others = [change.action for change in plan.recipes] + [change.action for change in plan.rules]
        return not plan.problems and bool(self.changes or self.groups or {*others} - {"same"})


@pages.get("/import")
@access.allowed("task.create")
def ask() -> ResponseReturnValue:
    """Ask for the file or the text."""
    return _page(None, {}, {})


@pages.post("/import")
@access.takes(ROOM)
@access.allowed("task.create")
def bring_in() -> ResponseReturnValue:
    """Show what it would do; once that was seen, do it."""
    typed = {name: request.form.get(name, "") for name in ("text", "format", "form", *SWITCHES)}
    try:
        data = _given()
        format_ = typed["format"] if typed["format"] in exchange.FORMATS else decoding.guess(data)
        source = exchange.read(data, format_, typed["form"] if typed["form"] in FORMS else "auto")
        options = Options(**{name: typed[name] == "1" for name in SWITCHES})
        if "sure" in request.form:
            plan = exchange.bring_in(access.current_actor(), source, options)
            toast(_told(plan))
            only_templates = source.recipes and not (source.entries or source.groups)
            return rendering.go(url_for("recipe_gallery.index" if only_templates else "tasks.index"))
        outcome = exchange.look(access.current_actor(), source, options)
    except SchedulerError as error:
        return _page(None, typed, _wrong(error)), 422
    asked = {"format": format_, "form": typed["form"], **{name: typed[name] for name in SWITCHES}}
    page = _page(Preview(outcome, _packed(data), asked), typed, {})
    return (page, 422) if outcome.plan.problems else page


@pages.get("/export")
@access.allowed("task.see")
def export() -> ResponseReturnValue:
    """The tasks one may see as a file; `ids` are those that were chosen."""
    format_ = request.args.get("format", "yaml")
    ids = {int(one) for one in request.args.get("ids", "").split(",") if one.isdecimal() and len(one) < 10}
    text = exchange.written(access.current_actor(), format_, frozenset(ids) if "ids" in request.args else None)
    return as_file(text, format_)


def as_file(text: str, format_: str) -> Response:
    """`text` as something to save."""
    name = format_ if "." in format_ else f"tasks.{format_}"
    response = Response(text.encode(), mimetype=TYPES[format_])
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _page(preview: Preview | None, typed: dict[str, str], errors: dict[str, str]) -> Response:
    kinds = [
        ("", _("By its content")),
        ("crontab", "crontab"),
        ("yaml", "YAML"),
        ("json", "JSON"),
        ("tasks.json", "tasks.json"),
    ]
    forms = [("auto", _("By its content")), ("user", _("A user's (crontab -l)")), ("system", _("The system's (/etc/crontab)"))]
    answer = render("tasks/import.html", preview=preview, typed=typed, errors=errors, formats=kinds, forms=forms, most=MOST_SHOWN)
    answer.headers["Cache-Control"] = "no-store"  # it may hold what the file held
    return answer


def _given() -> bytes:
    """What was uploaded, pasted, or looked at before."""
    upload = request.files.get("file")
    if request.form.get("packed"):
        return _unpacked(request.form["packed"])
    if upload is not None and upload.filename:
        return bytes(upload.read(LARGEST + 1))
    text = request.form.get("text", "")
    if not text.strip():
        raise Invalid.because(N_("Choose a file, or paste its text."), field="file")
    return text.encode("utf-8", "surrogatepass")


def _packed(data: bytes) -> str:
    """The file, to be sent along until it is confirmed: nothing of it is kept here."""
    return base64.b64encode(zlib.compress(data)).decode()


def _unpacked(text: str) -> bytes:
    try:
        return zlib.decompressobj().decompress(base64.b64decode(text, validate=True), LARGEST + 1)
    except (binascii.Error, zlib.error, ValueError):
        raise Invalid.because(N_("Choose a file, or paste its text."), field="file") from None


def _wrong(error: SchedulerError) -> dict[str, str]:
    """What is wrong with a file that cannot be read, or no longer be brought in, at the field it came by."""
    if any(one.field and not isinstance(one, Located) for one in error.problems):
        return failures.sentences(error)
    field = "text" if request.form.get("text", "").strip() else "file"
    return {field: " ".join(_some([_sentence(one) for one in error.problems]))}


def _sentence(problem: Problem) -> str:
    """The problem with its place, in the viewer's language."""
    said: str = _(problem.text, **problem.params)
    if not isinstance(problem, Located):
        return said
    said = f"{problem.path}{_(': ')}{said}" if problem.path else said
    return str(_("Line %(line)s: %(reason)s", line=problem.line, reason=said)) if problem.line else said


def _templates(plan: Plan, *actions: str) -> list[str]:
    return _some([change.name for change in plan.recipes if change.action in actions])


def _rules(plan: Plan, *actions: str) -> list[str]:
    return _some([change.name for change in plan.rules if change.action in actions])


def _some(names: list[str]) -> list[str]:
    """The first of them, and how many there are beside."""
    left_off = len(names) - MOST_NAMED
    return [*names[:MOST_NAMED], _("%(n)s more", n=formats.number(left_off))] if left_off > 0 else names


def _told(plan: Plan) -> str:
    created, changed, deleted = (len(plan.of(action)) for action in ("create", "change", "delete"))
    said = [ngettext("One task was created.", "%(num)s tasks were created.", created)] if created else []
    said += [ngettext("One task was changed.", "%(num)s tasks were changed.", changed)] if changed else []
    said += [ngettext("One task was deleted.", "%(num)s tasks were deleted.", deleted)] if deleted else []
    if names := _templates(plan, "create", "change"):
        said.append(_("Templates made or changed: %(names)s", names=_(", ").join(names)))
    if names := _templates(plan, "delete"):
        said.append(_("Templates deleted: %(names)s", names=_(", ").join(names)))
    if names := _rules(plan, "create", "change"):
        said.append(_("Notification rules made or changed: %(names)s", names=_(", ").join(names)))
    if names := _rules(plan, "delete"):
        said.append(_("Notification rules deleted: %(names)s", names=_(", ").join(names)))
    return " ".join(said) or _("Nothing had to be changed.")
