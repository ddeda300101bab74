"""The form of a rule: make, change, delete; what a rule may say and who may have one is the notifier's to judge."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler.errors import Conflict, Invalid, NotFound
from scheduler.gate import status_of
from scheduler.notify import channel_verbs, rule_verbs
from scheduler.notify.rule_verbs import Known
from scheduler.tasks import queries
from scheduler.web import access, failures, notification_words
from scheduler.web.rendering import render, toast

pages = Blueprint("notification_rules", __name__, url_prefix="/notifications/rules")
FRESH = {"scope": "all", "enabled": True, "threshold": 1, "triggers": ["business_failure", "technical_failure", "lost"]}
PLAIN = {"email": "recipients", "inbox": "users"}  # what the form says itself; anything else is a channel's


@pages.get("/new")
@access.allowed("task.edit")
def new() -> Response:
    """The form for a new rule, about a task where one is named."""
    task, group = request.args.get("task", ""), request.args.get("group", "")
    scope = "task" if task else "group" if group else "all"
    return _form({**FRESH, "scope": scope, "task": task, "group": group, "channels": []}, {})


@pages.post("/new")
@access.allowed("task.edit")
def create() -> ResponseReturnValue:
    """Make the rule."""
    place = {name: request.form.get(name, "").strip() for name in ("scope", "task", "group")}
    place = {name: value for name, value in place.items() if name in ("scope", place["scope"])}
    try:
        rule_verbs.create(access.current_actor(), place, _given([]))
    except (Invalid, Conflict) as error:
        return _refused(error, place | _typed([]))
    toast(_("The rule is saved."))
    return redirect(url_for("notifications.index"), 303)


@pages.get("/<int:rule_id>")
@access.allowed("task.edit")
def show(rule_id: int) -> Response:
    """The form of a rule that is there."""
    known = _own(rule_id)
    return _form(rule_verbs.shown(known) | {"version": known.rule.version}, {}, known)


@pages.post("/<int:rule_id>")
@access.allowed("task.edit")
def save(rule_id: int) -> ResponseReturnValue:
    """Save it."""
    known = _own(rule_id)
    channels, version = known.rule.terms["channels"], request.form.get("version", "")
    try:
        values = _given(channels)
        rule_verbs.edit(access.current_actor(), rule_id, values, int(version) if version.isdecimal() else None)
    except (Invalid, Conflict) as error:
        return _refused(error, rule_verbs.shown(known) | _typed(channels) | {"version": version}, known)
    toast(_("The rule is saved."))
    return redirect(url_for("notifications.index"), 303)


@pages.post("/<int:rule_id>/delete")
@access.allowed("task.edit")
def delete(rule_id: int) -> ResponseReturnValue:
    """Delete it."""
    rule_verbs.remove(access.current_actor(), rule_id)
    toast(_("The rule is deleted."))
    return redirect(url_for("notifications.index"), 303)


def _own(rule_id: int) -> Known:
    """The rule, for somebody who may change it; to others it has no form."""
    actor = access.current_actor()
    known = rule_verbs.found(actor, rule_id)
    if not rule_verbs.may_edit(actor, known):
        raise NotFound.because(rule_verbs.MISSING)
    return known


def _typed(before: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What stands in the form, as it was typed."""
    form = request.form
    quiet = {"from": form.get("quiet_from", "").strip(), "to": form.get("quiet_to", "").strip()}
    return {
        "name": form.get("name", "").strip(),
        "enabled": "enabled" in form,
        "triggers": form.getlist("triggers"),
        "threshold": form.get("threshold", "").strip() or "1",
        "repeat": "repeat" in form,
        "throttle_per_hour": form.get("throttle_per_hour", "").strip() or None,
        "quiet_hours": quiet if any(quiet.values()) else None,
        "channels": _channels(before),
    }


def _given(before: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The rule that the form amounts to; `Invalid` for a number that is none."""
    values = _typed(before)
    for name in ("threshold", "throttle_per_hour"):
        text = values[name]
        if text is not None and not (text.isascii() and text.isdecimal() and len(text) < 10):
            raise Invalid.because(_("“%(value)s” is not a whole number."), field=name, value=text[:20])
        values[name] = None if text is None else int(text)
    return values


def _channels(before: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Channels that were ticked, and the receivers that were typed; what else the rule has, templates say, it keeps."""
    found: list[dict[str, Any]] = [{"channel": name} for name in request.form.getlist("channel")]
    for type, field in PLAIN.items():
        own = next((dict(one) for one in before if one.get("type") == type), {"type": type})
        if named := [line.strip() for line in request.form.get(field, "").splitlines() if line.strip()]:
            found.append(own | {field: named})
    seen: set[str] = set()
    for one in before:
        type = str(one.get("type") or "")
        if type and (type not in PLAIN or type in seen):
            found.append(dict(one))
        seen.add(type)
    return found


def _refused(error: Invalid | Conflict, values: Mapping[str, Any], known: Known | None = None) -> ResponseReturnValue:
    fields = {"quiet_hours": "quiet_from"}
    errors: dict[str, str] = {}
    for field, text in failures.sentences(error).items():
        root = field.partition(".")[0]
        errors.setdefault(fields.get(root, root), text)
    return _form(values, errors, known), 422 if isinstance(error, Invalid) else status_of(error)


def _form(values: Mapping[str, Any], errors: Mapping[str, str], known: Known | None = None) -> Response:
    actor = access.current_actor()
    channels = values.get("channels") or []
    names = [one.name for one in channel_verbs.listed(actor)]
    return render(
        "notifications/rule.html",
        values=values,
        errors=errors,
        known=known,
        words=notification_words,
        named=[(name, name) for name in names],
        chosen=[str(one["channel"]) for one in channels if one.get("channel") is not None],
        typed={field: "\n".join(_first(channels, type).get(field, [])) for type, field in PLAIN.items()},
        groups=[(group.key, group.name) for group in queries.groups(actor)],
    )


def _first(channels: Sequence[Mapping[str, Any]], type: str) -> Mapping[str, Any]:
    return next((one for one in channels if one.get("type") == type), {})
