"""Notification rules: of a task, of a group, of everything; and what they had delivered."""

from typing import Any, Literal

from flask import Blueprint, Response

from scheduler import gate
from scheduler.api import asking, bodies, described
from scheduler.api.answers import done, page
from scheduler.api.described import Shape
from scheduler.api.times import shown
from scheduler.api.v1 import questions
from scheduler.api.v1.versions import matched, tagged
from scheduler.errors import N_, Invalid
from scheduler.notify import outbox, rule_verbs
from scheduler.notify.rule_verbs import Known
from scheduler.notify.terms import Terms
from scheduler.tasks import queries

calls = Blueprint("v1_rules", __name__, url_prefix="/v1/scheduler/notification-rules")
PLACE = ("scope", "task", "group")


class NewRule(Terms):
    """A rule as document 003 has it, and what it is about: `task` or `group` by number or key."""

    scope: Literal["task", "group", "all"]
    task: int | str | None = None
    group: int | str | None = None


class RuleChanges(Terms):
    """What is to be changed of a rule; what it is about stays."""

    triggers: Any = None
    version: int | None = None


class RuleShape(Shape):
    """A rule, with what it is about."""

    id: int
    scope: str
    task_id: int | None
    task: str | None
    group: str | None
    name: str
    enabled: bool
    triggers: list[str]
    threshold: int
    repeat: bool
    throttle_per_hour: int | None
    quiet_hours: dict[str, str] | None
    channels: list[dict[str, Any]]
    version: int
    created_by: str
    created_at: str


class DeliveryShape(Shape):
    """One notification for one receiver, and how sending it has gone."""

    id: int
    rule: str
    event: str
    task_id: int
    task: str
    execution_id: str | None
    type: str
    channel: str | None
    receiver: str
    status: str
    attempts: int
    code: int | None
    answer: str
    milliseconds: int | None
    created_at: str
    next_attempt_at: str | None
    sent_at: str | None


class Rules(questions.Pages):
    """Which rules."""

    task_id: str = ""


class Deliveries(Rules):
    """Which deliveries."""

    status: Literal["pending", "sent", "failed", "folded"] | None = None


@calls.get("")
@described.call(asks=Rules, answers=RuleShape, form="page", refuses=(404,))
@gate.allowed("task.see")
def listed() -> Response:
    """The rules one may see, or those that one task's executions meet; the widest last."""
    actor, paging = gate.current_actor(), asking.paging()
    task = asking.text("task_id")
    found = rule_verbs.listed(actor, queries.find(actor, task) if task else None)
    return page([_shape(one) for one in found[paging.first : paging.first + paging.size]], len(found), paging)


@calls.get("/deliveries")
@described.call(asks=Deliveries, answers=DeliveryShape, form="page", refuses=(404,))
@gate.allowed("task.see")
def deliveries() -> Response:
    """What was sent and what was not, newest first."""
    actor, paging = gate.current_actor(), asking.paging()
    status, task = asking.word("status", outbox.STATUSES), asking.text("task_id")
    wanted = queries.find(actor, task) if task else None
    found, total = outbox.listed(actor, paging.first, paging.size, status, wanted)
    return page([_delivery(one) for one in found], total, paging)


@calls.post("")
@described.call(takes=NewRule, answers=RuleShape, sends=("ETag",))
@gate.allowed("task.edit")
def create() -> Response:
    """A new rule."""
    values = bodies.values()
    place = {name: values.pop(name) for name in PLACE if name in values}
    return _answer(rule_verbs.create(gate.current_actor(), place, values), N_("The rule is made."))


@calls.get("/<int:rule_id>")
@described.call(answers=RuleShape, refuses=(404,), sends=("ETag",))
@gate.allowed("task.see")
def one(rule_id: int) -> Response:
    """One rule; its version is its ETag."""
    return _answer(rule_verbs.found(gate.current_actor(), rule_id))


@calls.put("/<int:rule_id>")
@described.call(takes=RuleChanges, answers=RuleShape, refuses=(404, 409), headers=("If-Match",), sends=("ETag",))
@gate.allowed("task.edit")
def update(rule_id: int) -> Response:
    """Change what the body names and leave the rest."""
    values = bodies.values()
    version = values.pop("version", None)
    if version is not None and (isinstance(version, bool) or not isinstance(version, int)):
        raise Invalid.because(N_("This must be a whole number."), field="version")
    known = rule_verbs.edit(gate.current_actor(), rule_id, values, version if version is not None else matched())
    return _answer(known, N_("The rule is changed."))


@calls.delete("/<int:rule_id>")
@described.call(refuses=(404,))
@gate.allowed("task.edit")
def delete(rule_id: int) -> Response:
    """Delete it; what it has chosen already is sent."""
    bodies.nothing()
    rule_verbs.remove(gate.current_actor(), rule_id)
    return done(None, N_("The rule is deleted."))


def _answer(known: Known, text: str = N_("Found.")) -> Response:
    return tagged(done(_shape(known), text), known.rule.version)


def _shape(known: Known) -> dict[str, Any]:
    rule = known.rule
    return {
        "id": rule.id,
        "task_id": rule.task_id,
        **rule_verbs.shown(known),
        "version": rule.version,
        "created_by": rule.created_by,
        "created_at": shown(rule.created_at),
    }


def _delivery(entry: outbox.Entry) -> dict[str, Any]:
    row = entry.delivery
    return {
        "id": row.id,
        "rule": row.rule_name,
        "event": row.event,
        "task_id": row.task_id,
        "task": entry.task.key,
        "execution_id": row.values.get("execution_id") or None,
        "type": row.type,
        "channel": row.channel or None,
        "receiver": row.address,
        "status": row.status,
        "attempts": row.attempts,
        "code": row.code,
        "answer": row.answer,
        "milliseconds": row.milliseconds,
        "created_at": shown(row.created_at),
        "next_attempt_at": shown(row.not_before) if row.status == "pending" else None,
        "sent_at": shown(row.sent_at),
    }
