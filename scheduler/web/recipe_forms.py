"""The bridge between the form of a recipe and its values, both ways; which values are right is for the recipe's drafts to say."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from flask_babel import gettext as _

from scheduler.errors import N_, Invalid, Problem
from scheduler.tasks import placing
from scheduler.tasks.transfer import decoding, native
from scheduler.web import controls, recipe_cards, task_controls
from scheduler.web.controls import Control, Typed

REST = "rest"
HIDDEN = N_("Only a blank, as {{password}}: no secret is kept here.")
SAYING = ("name", "label", "default", "choices", "pattern")
PARAMETER = ("name", "type", "label", "required", "default", "choices", "pattern")
TEXTS = ("name", "key", "category", "description")
EXAMPLE: Mapping[str, Any] = {
    "name": "",
    "category": "custom",
    "description": "",
    "group": None,
    "private": True,
    "parameters": [{"name": "folder", "label": "", "required": True, "pattern": "/.+"}, {"name": "time", "default": "02:00"}],
    "task": {
        "type": "shell",
        "command": 'du -sh "$folder"',
        "schedule_type": "daily",
        "schedule_config": {"times": ["{{time}}"]},
    },
}


def typed(values: Mapping[str, Any]) -> Typed:
    """The form that shows `values`."""
    task = dict(values["task"])
    form: Typed = Typed({name: values.get(name) or "" for name in TEXTS})
    form["category"] = recipe_cards.category(form["category"] or "custom")
    form["share"] = "private" if values.get("private") else f"group:{values['group']}" if values.get("group") else "all"
    for column in PARAMETER:
        form.setlist(f"p-{column}", [_shown(one, column) for one in values["parameters"]])
    type_ = str(task.pop("type", None) or "shell").lower()
    form["type"] = form["type_was"] = type_
    for control in of_type(type_):
        control.show(form, task)
    covered = {control.name.partition(".")[0] for control in of_type(type_)}
    rest = {name: value for name, value in task.items() if name not in covered}
    form[REST] = native.as_yaml(rest) if rest else ""
    return form


def values(form: Typed) -> dict[str, Any]:
    """What the form says; raises `Invalid` for what could not even be read."""
    share = form.get("share", "")
    found: dict[str, Any] = {name: form.get(name, "").replace("\r\n", "\n") for name in TEXTS}
    found["category"] = recipe_cards.category_key(found["category"]) or "custom"
    found |= {"private": share == "private", "group": share.removeprefix("group:") if share.startswith("group:") else None}
    return found | {"parameters": parameters(form), "task": _task(form)}


def parameters(form: Typed) -> list[dict[str, Any]]:
    """The parameters, as a draft has them."""
    return [_parameter(row) for row in rows(form)]


def rows(form: Typed) -> list[dict[str, str]]:
    """The parameters as they are typed; a row that says nothing is spare and left out."""
    columns = [form.getlist(f"p-{column}") for column in PARAMETER]
    found = (dict(zip(PARAMETER, row, strict=True)) for row in zip(*columns, strict=False))
    return [row for row in found if any(row[name].strip() for name in SAYING)]


def of_type(type_: str) -> list[Control]:
    """The controls of what a kind runs."""
    return task_controls.of_type(type_)


def opened(wanted: Iterable[Control], form: Typed) -> list[Control]:
    """The controls, those as plain text that hold a blank where a number or a choice would stand."""
    plain = ("number", "select", "checkbox")
    return [
        replace(one, widget="text", suffix="", hint=HIDDEN if one.widget == "secret" else one.hint)
        if one.widget == "secret" or (one.widget in plain and placing.BLANK.search(form.get(one.name, "")))
        else one
        for one in wanted
    ]


def forget_secrets(form: Typed) -> None:
    """Take a secret that was typed out of a form that is shown again."""
    for one in of_type(form.get("type", "")):
        if one.widget == "secret" and not placing.ALONE.fullmatch(form.get(one.name, "")):
            form[one.name] = ""


def placed(problems: Iterable[Problem], form: Typed) -> dict[str, str]:
    """What is wrong, at the control that shows it: `task.command` at `command`, `parameters.1.default` at `parameters.1`."""
    known = {control.name for control in of_type(form.get("type", ""))}
    found: dict[str, str] = {}
    for problem in problems:
        field, sentence = _place(problem.field, known), _(problem.text, **problem.params)
        if field == REST and problem.field.startswith("task."):
            sentence = f"{problem.field.removeprefix('task.')}{_(': ')}{sentence}"
        found[field] = f"{found[field]} {sentence}" if field in found else sentence
    return found


def _place(field: str, known: set[str]) -> str:
    first, _dot, rest = field.partition(".")
    if first == "parameters" and rest:
        return f"parameters.{rest.partition('.')[0]}"
    if first in ("group", "private"):
        return "share"
    if first != "task":
        return field
    while rest and rest not in known:
        rest = rest.rpartition(".")[0]
    return rest or ("type" if field == "task.type" else REST)


def _task(form: Typed) -> dict[str, Any]:
    type_ = form.get("type", "")
    wanted = opened(of_type(type_), form)
    flat = [(one.name, _value(one, form)) for one in wanted]
    told = [(name, value) for (name, value), one in zip(flat, wanted, strict=True) if _says(one, value)]
    return {"type": type_, **controls.nested(told), **_rest(form)}


def _value(control: Control, form: Typed) -> Any:
    value = control.read(form)
    number = control.widget == "number" and isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10
    return int(str(value)) if number else value


def _says(control: Control, value: Any) -> bool:
    """Whether it is anything but what is meant without it."""
    return value not in (None, "", [], {}) and value != control.default and str(value) != str(control.default)


def _rest(form: Typed) -> dict[str, Any]:
    text = form.get(REST, "").replace("\r\n", "\n")
    if not text.strip():
        return {}
    try:
        value = decoding.from_yaml(text).value
    except Invalid as error:
        text = N_("Line %(line)s: %(reason)s")
        told = [(getattr(one, "line", 0), _(one.text, **one.params)) for one in error.problems]
        raise Invalid(Problem(REST, text, {"line": line or 1, "reason": reason}) for line, reason in told) from error
    if not isinstance(value, dict):
        raise Invalid.because(N_("This must be a map of names to values."), field=REST)
    return value


def _parameter(row: Mapping[str, str]) -> dict[str, Any]:
    type_ = row["type"] or "text"
    found: dict[str, Any] = {"name": row["name"].strip(), "type": type_, "label": row["label"].strip()}
    found |= {"required": row["required"] == "1", "pattern": row["pattern"]}
    found["choices"] = _listed(row["choices"])
    return found | {"default": _default(type_, row["default"])}


def _default(type_: str, text: str) -> Any:
    tidy = text.strip()
    if type_ == "list":
        return _listed(text)
    if type_ == "flag" and tidy.lower() in ("true", "1", "yes", "false", "0", "no"):
        return tidy.lower() in ("true", "1", "yes")
    if type_ == "number" and tidy.isascii() and tidy.isdecimal() and len(tidy) < 10:
        return int(tidy)
    return text or None


def _listed(text: str) -> list[str]:
    """Words between commas; one that holds a comma is written as JSON has lists."""
    if text.strip().startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if isinstance(found, list) and all(isinstance(one, str) for one in found):
            return found
    return [word.strip() for word in text.replace("，", ",").split(",") if word.strip()]


def _shown(one: Mapping[str, Any], column: str) -> str:
    value = one.get(column)
    if column == "type":
        return str(value or "text")
    if column == "required":
        return "1" if value else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        words = [str(word) for word in value]
        plain = all(word == word.strip() and word and not set(word) & set(",，[") for word in words)
        return ", ".join(words) if plain else json.dumps(words, ensure_ascii=False)
    return "" if value is None else str(value)
