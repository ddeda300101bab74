"""Our own format, version 1, in JSON and YAML: a task as a map of what differs from a new one, secrets masked."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pydantic import BaseModel

from scheduler.accounts.audit import is_secret
from scheduler.accounts.permissions import Actor, can
from scheduler.errors import N_, Problem
from scheduler.kinds import kinds, references
from scheduler.tasks import contents
from scheduler.tasks.drafts import Particulars
from scheduler.tasks.models import Group, Task
from scheduler.tasks.policy import Policy
from scheduler.tasks.transfer.decoding import Decoded, refuse
from scheduler.tasks.transfer.source import Entry, Located, Source, on_line
from scheduler.validation import shorten
from scheduler.vault import MASK

FORMAT, VERSION = "scheduler", 1
SECTIONS = ("groups", "templates", "tasks", "rules")
ALWAYS = ("key", "name", "group", "schedule_type", "timezone", "is_active", "timeout_seconds", "kill_grace_seconds")
# The installation's to say for what names none; a file is to mean the same elsewhere.
HIDING = ("env", "params", "headers")
GROUP_FIELDS = ("key", "name", "description", "max_concurrent", "default_content")

Values = dict[str, Any]


def read(decoded: Decoded, format_: str) -> Source:
    """The groups, recipes and tasks of a file in our format; `Invalid` for one that is in none, or of a version to come."""
    head = decoded.value
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        refuse(N_("This is no file of ours: “format: scheduler” has to stand at its top."), 1)
    if head.get("version") != VERSION:
        refuse(N_("The version of this file is “%(value)s”; version 1 is read here."), 1, value=shorten(head.get("version")))
    for name in head:
        if name not in ("format", "version", *SECTIONS):
            refuse(N_("Unknown field “%(name)s”."), 1, name=shorten(name))
    source = Source(format_, has_recipes="templates" in head, has_rules="rules" in head)
    source.groups = _entries(decoded, "groups", source.problems)
    source.recipes = _entries(decoded, "templates", source.problems)
    source.entries = _entries(decoded, "tasks", source.problems)
    source.rules = _entries(decoded, "rules", source.problems)
    return source


def _entries(decoded: Decoded, section: str, problems: list[Located]) -> list[Entry]:
    given = decoded.value.get(section, [])
    return listed(given, section, decoded.lines.get(section, []), problems)


def listed(given: Any, section: str, lines: Sequence[int], problems: list[Located]) -> list[Entry]:
    """The maps in a list, each with its line; what is no map goes to `problems`."""
    if not isinstance(given, list):
        refuse(N_("“%(name)s” must be a list."), name=section)
    found = []
    for number, values in enumerate(given):
        line = lines[number] if number < len(lines) else 0
        if isinstance(values, dict):
            found.append(Entry(line, f"{section}[{number}]", dict(values)))
        else:
            problems.append(on_line(line, f"{section}[{number}]", Problem("", N_("This must be a map of names to values."))))
    return found


def document(
    groups: Sequence[Values],
    tasks: Sequence[Values],
    recipes: Sequence[Values] | None = None,
    rules: Sequence[Values] | None = None,
) -> Values:
    """The whole of a file; None: it says nothing of recipes, or of rules."""
    sections = {"groups": groups, "templates": recipes, "tasks": tasks, "rules": rules}
    told = {name: list(values) for name, values in sections.items() if values is not None}
    return {"format": FORMAT, "version": VERSION, **told}


def as_json(value: Any) -> str:
    """`value` as people can read it, Chinese as Chinese."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def as_yaml(value: Any) -> str:
    """`value` as people can read it; texts of several lines as they stand."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))


def task_values(task: Task, group_key: str, depends_on: Sequence[str]) -> Values:
    """What is to be said of a task, in clear but for what is sealed; what is as in a new task is left out."""
    given = {
        "key": task.key,
        "name": task.name,
        "description": task.description,
        "group": group_key,
        "tags": sorted(tag.name for tag in task.tags),
        "private": task.private,
        "type": task.kind,
        **(contents.masked(kinds.get(task.kind), task.content) if task.kind else {}),
        "params": dict(task.params),
        "env": dict(task.env),
        "working_directory": task.working_directory,
        "schedule_type": task.schedule_word or task.schedule_kind,
        "schedule_config": dict(task.schedule_config),
        "timezone": task.timezone,
        "start_at": task.start_at.isoformat() if task.start_at else None,
        "end_at": task.end_at.isoformat() if task.end_at else None,
        "max_runs": task.max_runs,
        "is_active": task.enabled,
        "depends_on": list(depends_on),
        "depends_mode": task.depends_mode,
        **task.policy,
        "metadata": dict(task.notes),
    }
    return {name: value for name, value in given.items() if name in ALWAYS or value != DEFAULTS.get(name, _NONE)}


def group_values(group: Group) -> Values:
    """What is to be said of a group."""
    given: Values = {name: getattr(group, name) for name in GROUP_FIELDS}
    if group.default_content and group.default_content.get("type") in kinds.names:
        given["default_content"] = contents.masked(kinds.get(group.default_content["type"]), group.default_content)
    return {name: value for name, value in given.items() if value not in (None, "")}


def masked(values: Values, actor: Actor | None = None, task: Task | None = None) -> Values:
    """`values` as they may leave: what goes by the name of a secret is masked, all variables for those who may not see them."""
    hides_all = actor is not None and not can(actor, "env.see", task)
    shown = dict(values)
    for field in HIDING:
        if isinstance(values.get(field), Mapping):
            hidden = hides_all and field == "env"
            shown[field] = {name: _hidden(name, value, hidden) for name, value in values[field].items()}
    return shown


def restored(values: Values, task: Task | None) -> Values:
    """`values` where a mask means what the task has; masks that mean nothing stay, see `unfilled`."""
    if task is None:
        return values
    clear = dict(values)
    if task.kind is not None and str(values.get("type") or "").lower() == task.kind:
        clear = contents.unmasked(kinds.get(task.kind), clear, task.content)
    for field in HIDING:
        stored: Any = task.content.get(field, {}) if field == "headers" else getattr(task, field)
        if isinstance(clear.get(field), Mapping):
            clear[field] = {name: _stored(name, value, stored) for name, value in clear[field].items()}
    return clear


def unfilled(values: Values) -> list[Problem]:
    """The masks nothing stands behind."""
    text = N_("This secret is masked in the file and not kept here: write its value in.")
    auth = values.get("auth")
    found = [f"auth.{name}" for name, value in auth.items() if value == MASK] if isinstance(auth, Mapping) else []
    for field in HIDING:
        if isinstance(values.get(field), Mapping):
            found += [f"{field}.{name}" for name, value in values[field].items() if value == MASK]
    return [Problem(field, text) for field in found]


def _hidden(name: str, value: Any, all_of_them: bool) -> Any:
    return MASK if value and (all_of_them or (is_secret(str(name)) and not references.only(value))) else value


def _stored(name: str, value: Any, stored: Mapping[str, Any]) -> Any:
    return stored.get(name, value) if value == MASK else value


def _defaults() -> Values:
    """What a field that is not named means; those of `ALWAYS` are the installation's to say, and so always named."""
    fields = {**Particulars.model_fields, **Policy.model_fields}
    found = {name: field.default for name, field in fields.items() if name not in ALWAYS and not field.is_required()}
    return {name: value.model_dump() if isinstance(value, BaseModel) else value for name, value in found.items()}


class _Dumper(yaml.CSafeDumper):
    """Writes what `decoding` reads."""


def _text(dumper: Any, text: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if _is_block(text) else None)


def _is_block(text: str) -> bool:
    """Whether it has lines, and survives as a block: only what can be printed, no space where it could go astray."""
    lines = text.split("\n")
    return len(lines) > 1 and text[0] not in " \t\n" and all(line.isprintable() and not line.endswith(" ") for line in lines)


_Dumper.add_representer(str, _text)
_NONE = object()
DEFAULTS = _defaults()
