"""The body of a task in v1: JSON types, aliases and what `null` says, made into a draft's values; the rules are the draft's."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails

from scheduler.api import bodies, wishes
from scheduler.errors import N_, Invalid, Problem
from scheduler.kinds import kinds
from scheduler.tasks.drafts import CONTENT_FIELDS, Particulars
from scheduler.tasks.models import Task
from scheduler.tasks.policy import Policy
from scheduler.validation import problems

REQUIRED = ("name", "schedule_type", "schedule_config")
PROJECT, GROUP, VERSION = "project_id", "group", "version"
NOTIFY, METADATA = "notify", "metadata"
# What a null says where a draft knows none.
EMPTY: Mapping[str, Any] = {
    "description": "",
    "key": "",
    "tags": [],
    "params": {},
    "env": {},
    "working_directory": "",
    "timezone": "",
    "depends_on": [],
    "depends_mode": "all",
    "metadata": {},
}
# Of what strict reading refuses, the wrong JSON types; the draft finds the rest. Arrays are tuples' only spelling.
TYPES = frozenset({"string_type", "int_type", "float_type", "bool_type", "list_type", "dict_type", "datetime_type", "model_type"})


class Plain(bodies.Body):
    """What only v1 has beside the draft's fields."""

    version: int | None = None


def new() -> dict[str, Any]:
    """The values of a task to be made; 002 requires a schedule."""
    values = _noted(_values(), {})
    absent = [name for name in REQUIRED if values.get(name) is None]
    if str(values.get("schedule_type", "")).lower() == "manual":
        absent = [name for name in absent if name != "schedule_config"]
    found = [Problem(name, N_("This is required.")) for name in absent]
    if VERSION in values:
        found.append(Problem(VERSION, N_("There is no such field.")))
    _refuse(found + _mistyped(values, values.get("type")))
    return values


def changes(task: Task) -> tuple[dict[str, Any], int | None]:
    """The values to change in `task`, and the version they were made against, when the body says so."""
    values = _noted(_values(), task.notes)
    version = _plain({VERSION: values.pop(VERSION)}) if VERSION in values else None
    _refuse(_mistyped(values, values.get("type", task.kind)))
    return values, version


@contextmanager
def as_spelled() -> Iterator[None]:
    """Errors of a group name the field its sender wrote."""
    try:
        yield
    except Invalid as error:
        if PROJECT not in bodies.values():
            raise
        respelled = [Problem(PROJECT, one.text, one.params) if one.field == GROUP else one for one in error.problems]
        raise Invalid(respelled) from error


def _values() -> dict[str, Any]:
    """The body under a draft's names."""
    values = {name: EMPTY.get(name) if value is None else value for name, value in bodies.values().items()}
    if PROJECT in values:
        if GROUP in values:
            text = N_("Give “%(first)s” or “%(second)s”, not both.")
            raise Invalid.because(text, field=PROJECT, first=GROUP, second=PROJECT)
        values[GROUP] = values.pop(PROJECT)
    return values


def _noted(values: dict[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Whom to tell is kept in the metadata, though v1 shows it beside that."""
    given = values.get(METADATA, before)
    if not isinstance(given, dict) or not values.keys() & {NOTIFY, METADATA}:
        return values
    rules = wishes.checked(values.pop(NOTIFY)) if NOTIFY in values else before.get(wishes.KEPT)
    told = {wishes.KEPT: rules} if rules else {}
    return values | {METADATA: {name: value for name, value in given.items() if name != wishes.KEPT} | told}


def _plain(values: Mapping[str, Any]) -> int | None:
    try:
        return Plain.model_validate(values).version
    except ValidationError as error:
        raise Invalid(problems(error)) from error


def _mistyped(values: Mapping[str, Any], kind: Any) -> list[Problem]:
    """Fields whose JSON type is another than documented; `"5"` is no number, 0 is no flag."""
    found = _wrong(Particulars, {name: values[name] for name in Particulars.model_fields.keys() & values.keys()})
    found += _wrong(Policy, {name: values[name] for name in Policy.model_fields.keys() & values.keys()})
    name = kind.lower() if isinstance(kind, str) else "shell"
    content = {name: values[name] for name in CONTENT_FIELDS & values.keys()}
    if content and name in kinds:
        found += _wrong(kinds.get(name).model, content)
    return found


def _wrong(model: type[BaseModel], values: Mapping[str, Any]) -> list[Problem]:
    try:
        model.model_validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        details = [
            InitErrorDetails(type=detail["type"], loc=detail["loc"], input=detail["input"], ctx=detail.get("ctx", {}))
            for detail in error.errors(include_url=False)
            if detail["type"] in TYPES
        ]
        return problems(ValidationError.from_exception_data(model.__name__, details)) if details else []
    return []


def _refuse(found: list[Problem]) -> None:
    if found:
        raise Invalid(found)


def refuse_mistyped(values: Mapping[str, Any], kind: Any) -> None:
    """`Invalid` for each field of a draft, whichever face it came through, whose JSON type is another than documented."""
    _refuse(_mistyped(values, kind))
