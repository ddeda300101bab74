"""Puts values into the blanks of a recipe's task: which blanks it names, and each value written as its place needs it.

A program's text is never written into: its blanks are variables, as a shell or any language reads them without quoting.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from pathlib import PurePath
from typing import Any
from urllib.parse import quote, quote_plus

from scheduler.accounts.audit import is_secret
from scheduler.errors import N_, Problem
from scheduler.kinds import kinds
from scheduler.tasks.blanks import SECRET, WRITTEN, Parameter, is_empty

BLANK = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]{0,127})\s*\}\}")
# A blank with nothing around it; before a secret the scheme of an Authorization header, which is none.
ALONE = re.compile(rf"\s*(?:(?:Basic|Bearer|Token) )?{BLANK.pattern}\s*", re.IGNORECASE)
PROGRAM_TEXTS = ("command", "code")
MAPS = ("env", "params", "headers")  # of names to texts
SHELLS = re.compile(r"(ba|da|z|k|a)?sh|env|python[\d.]*|perl|ruby|node")
COMMAND_OPTION = re.compile("-[a-z]*[ce]|--(command|eval)")
UNKNOWN = N_("There is no parameter “%(name)s” for the blank {{%(name)s}}.")
IN_PROGRAM = N_("Write $%(name)s here (in Python os.environ): a value is never pasted into a program, it comes as a variable.")
IN_SHELL_ARGUMENT = N_("This argument is a program's text: no value is pasted into it. Let it read a variable.")
LIST_INSIDE = N_("“%(name)s” is a list: it can only stand alone, with nothing around it.")
SECRET_PLACE = N_("“%(name)s” is a secret: it may only stand alone, as a password, a token, or under a name like these.")

Values = dict[str, Any]
Place = tuple[str, ...]
_SECRET_PLACES = frozenset(tuple(path.split(".")) for kind in kinds for path in kind.secret_paths)
_OPEN = object()  # stands for what is left out


def leaves(value: Any, path: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every text in `value` with its place."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, (*path, str(name)))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*path, str(number)))


def keeps_secrets(path: Place) -> bool:
    """Whether what stands there is a secret: sealed, or masked by its name."""
    return path in _SECRET_PLACES or (len(path) == 2 and path[0] in MAPS and is_secret(path[1]))


def problems(task: Mapping[str, Any], parameters: Sequence[Parameter]) -> Iterator[Problem]:
    """What is wrong with the blanks of `task`: unknown ones, ones where no value may be pasted, parameters without a use."""
    known = {parameter.name: parameter for parameter in parameters}
    used: set[str] = set()
    for path, text in leaves(task):
        field = ".".join(path)
        for found in BLANK.finditer(text):
            refusal = _refusal(path, text, found, known.get(found[1]), task)
            if refusal:
                yield Problem(field, refusal, {"name": found[1]})
        used |= {found[1] for found in BLANK.finditer(text)} if path[0] not in PROGRAM_TEXTS else set()
    used |= variables(task, parameters)
    for number, parameter in enumerate(parameters):
        if parameter.name not in used:
            text = N_("Nothing in the task uses it: write {{%(name)s}} in a field, or $%(name)s in its program.")
            yield Problem(f"parameters.{number}.name", text, {"name": parameter.name})


def variables(task: Mapping[str, Any], parameters: Sequence[Parameter]) -> set[str]:
    """The parameters that the program's text reads as variables; a secret never comes so by itself."""
    texts = [task[name] for name in PROGRAM_TEXTS if isinstance(task.get(name), str)]
    return {one.name for one in parameters if one.type != SECRET and any(reads(text, one.name) for text in texts)}


def reads(text: str, name: str) -> bool:
    """Whether a program's text reads a variable of that name, as far as can be seen: `$name`, `${name}`, `"name"`, `.name`."""
    return re.search(rf"[${{.\"']{re.escape(name)}(?![A-Za-z0-9_])", text) is not None


def placed(task: Mapping[str, Any], parameters: Sequence[Parameter], values: Mapping[str, Any]) -> Values:
    """A draft's values: `task` with `values` in its blanks; a field that is nothing but an open blank is left out."""
    known = {parameter.name: parameter for parameter in parameters}
    writer = _Writer(known, values, task)
    found = {name: inner for name, value in task.items() if (inner := writer.filled(value, (name,))) is not _OPEN}
    read = {name: writer.text(name) for name in sorted(variables(task, parameters))}
    return {**found, "params": {**read, **found.get("params", {})}} if read else found


def _refusal(path: Place, text: str, found: re.Match[str], parameter: Parameter | None, task: Mapping[str, Any]) -> str:
    if path[0] in PROGRAM_TEXTS:  # `{{x}}` means something in many languages; only our own names are refused
        return IN_PROGRAM if parameter else ""
    if parameter is None:
        return UNKNOWN
    alone = found[0] == text.strip()
    if parameter.type == SECRET and not (ALONE.fullmatch(text) and keeps_secrets(path)):
        return SECRET_PLACE
    if parameter.type == "list" and not alone and not (path == ("body",) and _is_json(text)):
        return LIST_INSIDE
    return IN_SHELL_ARGUMENT if path[0] == "args" and _is_program_text(path, task) else ""


def _is_program_text(path: Place, task: Mapping[str, Any]) -> bool:
    """Whether an argument is what a shell reads: it follows `-c` or the like, and one of those programs comes before it."""
    args = task.get("args")
    number = int(path[1]) if len(path) > 1 and path[1].isdecimal() else 0
    if not isinstance(args, list) or not number or not COMMAND_OPTION.fullmatch(str(args[number - 1])):
        return False
    before = [task.get("interpreter"), task.get("path"), *args[: number - 1]]
    return any(isinstance(one, str) and SHELLS.fullmatch(PurePath(one).name) for one in before)


class _Writer:
    """Writes values into texts, each as the place of the text needs it."""

    def __init__(self, known: Mapping[str, Parameter], values: Mapping[str, Any], task: Mapping[str, Any]) -> None:
        self.known, self.values = known, values
        self.in_body = _writer_of_body(task)

    def text(self, name: str) -> str:
        """The value as text; empty for none."""
        value = self.values.get(name)
        return "" if value is None else WRITTEN[self.known[name].type](value)

    def filled(self, value: Any, path: Place) -> Any:
        """`value` with its blanks filled; `_OPEN` where nothing but an open blank stands."""
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, Mapping):
            pairs = ((name, self.filled(inner, (*path, str(name)))) for name, inner in value.items())
            return {name: inner for name, inner in pairs if inner is not _OPEN}
        if isinstance(value, list | tuple):
            return [one for inner in value for one in self._entries(inner, path)]
        return value

    def _entries(self, value: Any, path: Place) -> list[Any]:
        """What an entry of a list becomes: a list that stands alone in it becomes its entries."""
        found = self.filled(value, path)
        if found is _OPEN:
            return []
        return found if isinstance(value, str) and isinstance(found, list) else [found]

    def _text(self, text: str, path: Place) -> Any:
        if path[0] in PROGRAM_TEXTS:
            return text
        alone = BLANK.fullmatch(text.strip())
        if alone:
            value = self.values.get(alone[1])
            if is_empty(value) and value != []:
                return _OPEN
            return self.text(alone[1]) if path[0] in MAPS or path[0] == "body" else value
        pieces: list[str] = []
        end = 0
        for found in BLANK.finditer(text):
            pieces += [text[end : found.start()], self._written(found[1], path, "".join(pieces) + text[end : found.start()])]
            end = found.end()
        return "".join([*pieces, text[end:]])

    def _written(self, name: str, path: Place, before: str) -> str:
        """The value as it stands behind `before`, in an address, a body, or anywhere else."""
        if path == ("url",):
            return _in_address(self.text(name), before)
        if path == ("body",):
            return self.in_body(self.text(name), self.values.get(name), before)
        return self.text(name)


def _in_address(value: str, before: str) -> str:
    """A part of an address: what begins one is taken as it is, the rest can only ever be the part it stands in."""
    if not before:
        return value
    if "?" in before or "#" in before:
        return quote(value, safe="")
    in_path = "/" in before.partition("://")[2] if "://" in before else "/" in before
    return quote(value, safe="/" if in_path else ":[]")


def _writer_of_body(task: Mapping[str, Any]) -> Callable[[str, Any, str], str]:
    """How values are written into the body: by what its header says it is, or by what it looks like."""
    headers = task.get("headers")
    headers = headers if isinstance(headers, Mapping) else {}
    said = next((str(value).lower() for name, value in headers.items() if str(name).lower() == "content-type"), "")
    if "json" in said or _is_json(task.get("body")):
        return _in_json
    if "x-www-form-urlencoded" in said:
        return lambda text, _value, _before: quote_plus(text)
    if "xml" in said or "html" in said:
        return lambda text, _value, _before: escape(text)
    return lambda text, _value, _before: text


def _is_json(body: Any) -> bool:
    try:
        return isinstance(body, str) and isinstance(json.loads(BLANK.sub("0", body)), dict | list)
    except (ValueError, RecursionError):
        return False


def _in_json(text: str, value: Any, before: str) -> str:
    """Within quotes the text, escaped; outside them the value as JSON has it."""
    inside = len(re.findall(r'(?<!\\)(?:\\\\)*"', before)) % 2
    return json.dumps(text, ensure_ascii=False)[1:-1] if inside else json.dumps(value, ensure_ascii=False)
