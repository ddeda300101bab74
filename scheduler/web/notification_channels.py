"""The form of a channel, for administrators: make, change, delete, and a test with the other side's real answer."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from scheduler.errors import Conflict, Invalid
from scheduler.gate import status_of
from scheduler.notify import channel_verbs, templates, trying
from scheduler.notify.channels import Answer, Way, ways
from scheduler.notify.models import Channel
from scheduler.web import access, controls, failures
from scheduler.web.controls import Choices, Control, Typed
from scheduler.web.rendering import render, toast

pages = Blueprint("notification_channels", __name__, url_prefix="/notifications/channels")


@pages.get("/new/<type>")
@access.allowed("channel.manage")
def new(type: str) -> Response:
    """The form for a new channel of one type."""
    way = ways.get(type)
    return _form(way, {"enabled": True}, _typed(way, {}), {})


@pages.post("/new/<type>")
@access.allowed("channel.manage")
def create(type: str) -> ResponseReturnValue:
    """Make it, and stay: the next thing is to try it."""
    way = ways.get(type)
    try:
        channel = channel_verbs.create(access.current_actor(), _given(way))
    except (Invalid, Conflict) as error:
        return _refused(error, way)
    toast(_("The channel is saved. Send a test to see that it works."))
    return redirect(url_for("notification_channels.show", channel_id=channel.id), 303)


@pages.get("/<int:channel_id>")
@access.allowed("channel.manage")
def show(channel_id: int) -> Response:
    """The form of a channel that is there."""
    return _shown(channel_id, [])


@pages.post("/<int:channel_id>")
@access.allowed("channel.manage")
def save(channel_id: int) -> ResponseReturnValue:
    """Save it."""
    actor = access.current_actor()
    channel, version = channel_verbs.found(actor, channel_id), request.form.get("version", "")
    way = ways.get(channel.type)
    try:
        channel_verbs.edit(actor, channel_id, _given(way), int(version) if version.isdecimal() else None)
    except (Invalid, Conflict) as error:
        return _refused(error, way, channel)
    toast(_("The channel is saved."))
    return redirect(url_for("notification_channels.show", channel_id=channel_id), 303)


@pages.post("/<int:channel_id>/test")
@access.allowed("channel.manage")
def test(channel_id: int) -> Response:
    """Send a test now, and show what the other side says."""
    actor = access.current_actor()
    return _shown(channel_id, trying.send_test(actor, channel_verbs.found(actor, channel_id)))


@pages.post("/<int:channel_id>/delete")
@access.allowed("channel.manage")
def delete(channel_id: int) -> ResponseReturnValue:
    """Delete it."""
    channel_verbs.remove(access.current_actor(), channel_id)
    toast(_("The channel is deleted."))
    return redirect(url_for("notifications.index", tab="channels"), 303)


def _shown(channel_id: int, tried: list[tuple[str, Answer]]) -> Response:
    actor = access.current_actor()
    channel = channel_verbs.found(actor, channel_id)
    way, known = ways.get(channel.type), channel_verbs.shown(actor, channel)
    values = known | {"version": channel.version, "tried": tried}
    return _form(way, values, _typed(way, known["config"]), {}, channel)


def _controls(way: Way[Any]) -> list[Control]:
    return [Control.of_kind(field) for field in way.fields()]


def _typed(way: Way[Any], config: Mapping[str, Any]) -> Typed:
    form: Typed = MultiDict()
    for control in _controls(way):
        control.show(form, config)
    return form


def _given(way: Way[Any]) -> dict[str, Any]:
    config = {control.name: control.read(request.form) for control in _controls(way)}
    config = {name: [line.strip() for line in value] if isinstance(value, list) else value for name, value in config.items()}
    return {
        "name": request.form.get("name", "").strip(),
        "type": way.name,
        "enabled": "enabled" in request.form,
        "config": config,
    }


def _refused(error: Invalid | Conflict, way: Way[Any], channel: Channel | None = None) -> ResponseReturnValue:
    known = {control.name for control in _controls(way)}
    errors: dict[str, str] = {}
    for field, text in failures.sentences(error).items():
        field = field.removeprefix("config.").partition(".")[0]
        errors.setdefault(field if field in known | {"name", "type"} else "name", text)
    typed = MultiDict(request.form)
    if controls.forget_secret(typed, "secret"):
        errors.setdefault("secret", _("What was typed here is not shown again: type it once more."))
    values = {"name": typed.get("name", ""), "enabled": "enabled" in typed, "version": typed.get("version", "")}
    return _form(way, values, typed, errors, channel), 422 if isinstance(error, Invalid) else status_of(error)


def _form(
    way: Way[Any], values: Mapping[str, Any], typed: Typed, errors: Mapping[str, str], channel: Channel | None = None
) -> Response:
    def words(choices: Choices) -> list[tuple[str, str]]:
        return [(key, str(_(word))) for key, word in choices]

    return render(
        "notifications/channel.html",
        way=way,
        values=values,
        typed=typed,
        errors=errors,
        channel=channel,
        controls=_controls(way),
        rows=controls.rows,
        words=words,
        variables=templates.VARIABLES,
    )
