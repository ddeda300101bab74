"""Files of tasks by API: export as one, import one, or only say what an import would do; formats live in `tasks.transfer`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from flask import Blueprint, Response, request
from pydantic import BaseModel

from scheduler import gate
from scheduler.api import asking, described
from scheduler.api.answers import done
from scheduler.api.described import Shape
from scheduler.api.language import say
from scheduler.api.times import shown
from scheduler.errors import N_, Problem
from scheduler.tasks.transfer import exchange
from scheduler.tasks.transfer.changes import Change, Options, Plan
from scheduler.tasks.transfer.crontab import FORMS
from scheduler.tasks.transfer.fires import DAYS, Fires, total
from scheduler.tasks.transfer.grouping import GroupChange
from scheduler.tasks.transfer.recipe_entries import RecipeChange
from scheduler.tasks.transfer.rule_section import RuleChange
from scheduler.tasks.transfer.source import LARGEST, Line, Located

calls = Blueprint("v1_transfer", __name__, url_prefix="/v1/scheduler")
MOST_SHOWN = 1000
LONGEST_TEXT = 1000  # characters of a line
MOST_IDS = 1000
TYPES = {"yaml": "application/yaml"}
REFUSED = N_("Nothing was changed, and the import would be refused: “errors” names what is wrong.")
NAMES = {"json": "tasks.json", "yaml": "tasks.yaml", "tasks.json": "tasks.json"}


class Wished(BaseModel):
    """Which tasks go into which file."""

    format: Literal["json", "yaml", "tasks.json"] = "json"
    ids: str = ""


class Asked(BaseModel):
    """What kind of file it is, and how to bring it in."""

    format: Literal["json", "yaml", "tasks.json", "crontab"] = "json"
    form: Literal["auto", "user", "system"] = "auto"
    dry_run: bool = False
    replace: bool = False
    enable: bool = False
    allowed_only: bool = False


class FiresOfOne(Shape):
    """The due instants a change gains and loses; `more`: beyond what was counted there are others."""

    gained: int
    lost: int
    more: bool
    first_gained: list[str]
    first_lost: list[str]


class FiresOfAll(Shape):
    """The same of all tasks together, over so many days."""

    days: int
    gained: int
    lost: int
    more: bool


class Difference(Shape):
    """A field before and after; null where it is as in a new task."""

    before: Any
    after: Any


class TaskChange(Shape):
    """What becomes of a task; `fires` in a dry run."""

    key: str
    name: str
    action: Literal["create", "change", "delete"]
    line: int
    changes: dict[str, Difference]
    notes: list[str]
    fires: FiresOfOne | None


class GroupChanged(Shape):
    """What becomes of a group."""

    key: str
    action: Literal["create", "change"]
    changes: dict[str, Difference]


class TemplateChanged(Shape):
    """What becomes of a template."""

    key: str
    action: Literal["create", "change", "delete"]
    changes: dict[str, Difference]


class RuleChanged(Shape):
    """What becomes of a notification rule; what it is about stands in `task` or `group`, by key."""

    scope: str
    task: str | None
    group: str | None
    name: str
    action: Literal["create", "change", "delete"]
    changes: dict[str, Difference]


class LineTold(Shape):
    """What becomes of a crontab's line: `lost` is switched off, `wrong` cannot be read, `unread` was not looked at."""

    line: int
    text: str
    role: str
    becomes: str
    notes: list[str]


class Refusal(Shape):
    """What is wrong with an entry: where it stands, what stands there, why it is not taken, and what to do about it."""

    line: int
    field: str
    text: str
    message: str
    remedy: str


class Imported(Shape):
    """What an import did, or in a dry run would do: nothing at all while it is not `valid`, and `errors` say why."""

    dry_run: bool
    valid: bool
    errors: list[Refusal]
    left_out: list[Refusal]
    left_out_left_off: int
    errors_left_off: int
    lines_left_off: int
    rules_left_off: int
    format: str
    created: int
    changed: int
    deleted: int
    unchanged: int
    tasks: list[TaskChange]
    left_off: int
    groups: list[GroupChanged]
    templates: list[TemplateChanged]
    rules: list[RuleChanged]
    notes: list[str]
    lines: list[LineTold]
    fires: FiresOfAll | None


@calls.get("/export")
@described.call(asks=Wished, form="text", media=("application/json", "application/yaml"), sends=("Content-Disposition",))
@gate.allowed("task.see")
def export() -> Response:
    """The tasks one may see as a file; `ids` chooses some."""
    format_ = asking.word("format", exchange.WRITTEN) or "json"
    text = exchange.written(gate.current_actor(), format_, _ids())
    response = Response(text.encode(), mimetype=TYPES.get(format_, "application/json"))
    response.headers["Content-Disposition"] = f'attachment; filename="{NAMES[format_]}"'
    response.vary.update(("Authorization", "Cookie"))
    return response


@calls.post("/import")
@described.call(asks=Asked, files=("application/json", "application/yaml", "text/plain"), answers=Imported, refuses=(409,))
@gate.takes(LARGEST)
@gate.allowed("task.create")
def bring_in() -> Response:
    """Bring the file in the body in, whole or not at all; with `dry_run` say what that would do."""
    actor = gate.current_actor()
    format_ = asking.word("format", exchange.FORMATS) or "json"
    options = Options(**{name: asking.flag(name) or False for name in ("replace", "enable", "allowed_only")})
    source = exchange.read(request.get_data(cache=False), format_, asking.word("form", FORMS) or "auto")
    if not asking.flag("dry_run"):
        plan = exchange.bring_in(actor, source, options)
        return done({"dry_run": False, **_plan(plan, None)}, N_("The file is brought in."))
    outcome = exchange.look(actor, source, options)
    told = REFUSED if outcome.plan.problems else N_("Nothing was changed: this is what the import would do.")
    return done({"dry_run": True, **_plan(outcome.plan, outcome.fires)}, told)


def _ids() -> frozenset[int] | None:
    given = asking.text("ids")
    if not given:
        return None
    return frozenset(asking.read_number(one.strip(), "ids", (1, gate.LARGEST)) for one in given.split(",")[:MOST_IDS])


def _plan(plan: Plan, fires: dict[str, Fires] | None) -> dict[str, Any]:
    counted, fires = fires is not None, fires or {}
    moving = [change for change in plan.changes if change.action != "same"]
    rules = [change for change in plan.rules if change.action != "same"]
    found = {
        "format": plan.source.format,
        "created": len(plan.of("create")),
        "changed": len(plan.of("change")),
        "deleted": len(plan.of("delete")),
        "unchanged": len(plan.of("same")),
        "tasks": [_task(change, fires.get(change.key)) for change in moving[:MOST_SHOWN]],
        "left_off": max(len(moving) - MOST_SHOWN, 0),
        "groups": _moving(plan.groups),
        "templates": _moving(plan.recipes),
        "rules": [_rule(change) for change in rules[:MOST_SHOWN]],
        "rules_left_off": max(len(rules) - MOST_SHOWN, 0),
        "notes": _said(plan.source.notes),
        "lines": [_line(line) for line in plan.source.lines[:MOST_SHOWN]],
        "lines_left_off": max(len(plan.source.lines) - MOST_SHOWN, 0),
    }
    return found | _refusals(plan) | {"fires": _all(fires) if counted else None}


def _refusals(plan: Plan) -> dict[str, Any]:
    """What is wrong with the file, and what of it was left out as it was asked for."""
    return {
        "valid": not plan.problems,
        "errors": [_refusal(one) for one in plan.problems[:MOST_SHOWN]],
        "errors_left_off": max(len(plan.problems) - MOST_SHOWN, 0),
        "left_out": [_refusal(one) for one in plan.left_out[:MOST_SHOWN]],
        "left_out_left_off": max(len(plan.left_out) - MOST_SHOWN, 0),
    }


def _refusal(one: Located) -> dict[str, Any]:
    where = {"line": one.line, "field": one.field, "text": one.about[:LONGEST_TEXT]}
    return {**where, "message": say(one.text, **one.params), "remedy": say(one.remedy) if one.remedy else ""}


def _line(line: Line) -> dict[str, Any]:
    told = {"line": line.number, "text": line.text[:LONGEST_TEXT], "role": line.role, "becomes": line.becomes}
    return told | {"notes": _said(line.notes)}


def _moving(changes: Sequence[GroupChange] | Sequence[RecipeChange]) -> list[dict[str, Any]]:
    """What becomes of groups or templates, those that stay as they are left out."""
    return [
        {"key": change.key, "action": change.action, "changes": _fields(change.fields)}
        for change in changes
        if change.action != "same"
    ]


def _rule(change: RuleChange) -> dict[str, Any]:
    place = {name: change.place.get(name) for name in ("scope", "task", "group")}
    said = {"name": change.values.get("name", ""), "action": change.action}
    return {**place, **said, "changes": _fields(change.fields)}


def _all(fires: dict[str, Fires]) -> dict[str, Any]:
    whole = total(fires.values())
    return {"days": DAYS, "gained": whole.gained, "lost": whole.lost, "more": whole.more}


def _task(change: Change, fires: Fires | None) -> dict[str, Any]:
    found = {
        "key": change.key,
        "name": change.name,
        "action": change.action,
        "line": change.entry.line,
        "changes": _fields(change.fields),
        "notes": _said(change.entry.notes),
    }
    if fires is None:
        return found | {"fires": None}
    counted = {"gained": fires.gained, "lost": fires.lost, "more": fires.more}
    return found | {
        "fires": {**counted, "first_gained": _instants(fires.first_gained), "first_lost": _instants(fires.first_lost)},
    }


def _fields(fields: dict[str, tuple[Any, Any]]) -> dict[str, Any]:
    return {name: {"before": before, "after": after} for name, (before, after) in fields.items()}


def _instants(found: Sequence[datetime]) -> list[str | None]:
    return [shown(instant) for instant in found]


def _said(notes: Sequence[Problem]) -> list[str]:
    return [say(note.text, **note.params) for note in notes]
