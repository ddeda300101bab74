"""Text, JSON and YAML of somebody else, read strictly: UTF-8, each name once, no NaN, no alias, not too deep; no meaning."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any, NoReturn

import yaml

from scheduler.errors import N_, Invalid
from scheduler.tasks.transfer.source import LARGEST, MOST_TASKS, Located
from scheduler.validation import shorten

DEEPEST = 32
MOST_VALUES = 1_000_000  # fifty for each of the most tasks
HALVES = re.compile("[\ud800-\udfff]")
TOO_DEEP = N_("It is nested too deeply.")
TOO_WIDE = N_("A list or map in it has more than %(limit)s entries: split the file.")
TOO_MANY = N_("There are more than %(limit)s values in it: split the file.")
TWICE = N_("“%(name)s” stands there twice.")
NO_NUMBER = N_("“%(value)s” is not a finite number.")
# A part of what YAML 1.1 reads as numbers: whatever a dumper leaves bare as text is text here too, `on` and `02:00` among it.
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?[0-9]+\.[0-9]*([eE][-+][0-9]+)?")
_NO_NUMBERS = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NOTHING = {"", "~", "null", "Null", "NULL"}
_TEXT_TAGS = {None, "!", "tag:yaml.org,2002:str"}


@dataclass(frozen=True)
class Decoded:
    """What the text says, and the line on which each entry of each list at its top begins."""

    value: Any
    lines: dict[str, list[int]]


def text_of(data: bytes) -> str:
    """`data` as text, a byte order mark taken off; `Invalid` with the line where it is none."""
    if len(data) > LARGEST:
        raise Invalid.because(N_("The file is larger than %(limit)s MB."), limit=LARGEST // 1024 // 1024)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        refuse(N_("This is not text in UTF-8: save the file as UTF-8 and try again."), line)
    if "\0" in text:
        refuse(N_("Text must not contain NUL characters."), text.count("\n", 0, text.index("\0")) + 1)
    return text


def refuse(text: str, line: int = 0, **params: Any) -> NoReturn:
    """Refuse the file for one reason, on one line."""
    raise Invalid(Located(f"line {line}" if line else "", text, params, line))


def from_json(text: str) -> Decoded:
    """What the JSON says."""
    if text.count("[") + text.count("{") > MOST_VALUES:  # to make them all would take seconds, and memory
        refuse(TOO_MANY, limit=MOST_VALUES)
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        refuse(TOO_DEEP)
    except json.JSONDecodeError as error:
        text = N_("This is not valid JSON, at column %(column)s: %(reason)s.")
        refuse(text, error.lineno, column=error.colno, reason=error.msg)
    except ValueError:  # a number of thousands of digits
        refuse(N_("This is not valid JSON."))
    _check(value, bool(_SPELT.search(text)))
    return Decoded(value, _json_lines(text) if isinstance(value, dict | list) else {})


def from_yaml(text: str) -> Decoded:
    """What the YAML says; it is read event by event, so that nothing in it can grow or recurse."""
    try:
        return _Builder().built(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = shorten(getattr(error, "problem", None) or str(error))
        refuse(N_("This is not valid YAML: %(reason)s."), mark.line + 1 if mark else 0, reason=reason)


class _Builder:
    """Makes values of events."""

    def __init__(self) -> None:
        self.stack: list[tuple[Any, list[Any]]] = []  # a map or list, and for a map the name that waits for its value
        self.lines: dict[str, list[int]] = {}
        self.section = ""  # the name at the top that was read last
        self.root: Any = None
        self.documents = self.count = 0

    def built(self, events: Iterator[Any]) -> Decoded:
        for event in events:
            line = event.start_mark.line + 1
            if isinstance(event, yaml.DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    refuse(N_("There is a second document in it; one is the most."), line)
            elif isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                refuse(N_("Anchors and aliases are not taken: write it out."), line)
            elif isinstance(event, yaml.ScalarEvent):
                self._put(_scalar(event, line), line)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self._open(event, line)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self.stack.pop()
        return Decoded(self.root, self.lines)

    def _open(self, event: Any, line: int) -> None:
        if event.tag is not None and not event.implicit:
            refuse(N_("Tags such as “%(tag)s” are not taken."), line, tag=shorten(event.tag))
        if len(self.stack) >= DEEPEST:
            refuse(TOO_DEEP, line)
        value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._put(value, line)
        self.stack.append((value, []))

    def _put(self, value: Any, line: int) -> None:
        if not self.stack:
            self.root = value
            return
        holder, waiting = self.stack[-1]
        if len(holder) >= MOST_TASKS and not waiting:
            refuse(TOO_WIDE, line, limit=MOST_TASKS)
        if isinstance(holder, list):
            self._count(line)
            self._note(line)
            holder.append(value)
        elif waiting:
            self._count(line)
            holder[waiting.pop()] = value
        elif not isinstance(value, str):
            refuse(N_("A name must be text: put it in quotes."), line)
        elif value in holder:
            refuse(TWICE, line, name=shorten(value))
        else:
            waiting.append(value)
            self.section = value if len(self.stack) == 1 else self.section

    def _count(self, line: int) -> None:
        self.count += 1
        if self.count > MOST_VALUES:
            refuse(TOO_MANY, line, limit=MOST_VALUES)

    def _note(self, line: int) -> None:
        if len(self.stack) <= 2:
            self.lines.setdefault(self.section, []).append(line)


def _scalar(event: Any, line: int) -> Any:
    text: str = event.value
    if event.tag not in _TEXT_TAGS:
        refuse(N_("Tags such as “%(tag)s” are not taken."), line, tag=shorten(event.tag))
    if HALVES.search(text) or "\0" in text:
        refuse(N_("Text must not contain NUL characters or halves of characters."), line)
    if not event.implicit[0] or event.tag is not None:
        return text
    if text in _NOTHING:
        return None
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _NO_NUMBERS.fullmatch(text) or (_FLOAT.fullmatch(text) and not math.isfinite(float(text))):
        refuse(NO_NUMBER, line, value=shorten(text))
    return float(text) if _FLOAT.fullmatch(text) else text


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = sorted(name for name, _ in pairs)
        refuse(TWICE, name=shorten(next(one for one, other in pairwise(names) if one == other)))
    return found


def _finite(text: str) -> float:
    found = float(text)
    return found if math.isfinite(found) else _no_number(text)


def _no_number(text: str) -> NoReturn:
    refuse(NO_NUMBER, value=shorten(text))


def _check(value: Any, spelt: bool) -> None:
    """Refuse what nests too deeply, holds too much and, where such are `spelt`, NUL and halves of characters."""
    level, count = [value], 0
    for _ in range(DEEPEST + 1):
        holders = [one for one in level if isinstance(one, _HOLDERS)]
        if spelt and any(map(_unfit, chain(level, *(one for one in holders if isinstance(one, dict))))):
            refuse(N_("Text must not contain NUL characters or halves of characters."))
        if any(len(one) > MOST_TASKS for one in holders):
            refuse(TOO_WIDE, limit=MOST_TASKS)
        count += sum(map(len, holders))
        if count > MOST_VALUES:
            refuse(TOO_MANY, limit=MOST_VALUES)
        level = [inner for one in holders for inner in (one.values() if isinstance(one, dict) else one)]
        if not level:
            return
    refuse(TOO_DEEP)


def _unfit(value: Any) -> bool:
    return isinstance(value, str) and ("\0" in value or bool(HALVES.search(value)))


_HOLDERS = (dict, list)
_SPELT = re.compile(r"\\u(0000|[dD][89a-fA-F])")  # NUL, or half of a character
_SPACE = re.compile(r"[ \t\n\r]*")


def _json_lines(text: str) -> dict[str, list[int]]:
    """The lines of the entries of the top list, or of each list in the top object; the text is known to be good."""
    walker = _Walker(text)
    if walker.at() == "[":
        return {"": walker.listed()}
    found: dict[str, list[int]] = {}
    walker.step(1)
    while walker.at() == '"':
        name = walker.value()
        walker.step(1)  # the colon
        if walker.at() == "[":
            found[name] = walker.listed()
        else:
            walker.value()
        if walker.at() == ",":
            walker.step(1)
    return found


class _Walker:
    """Goes through JSON from value to value, counting lines."""

    def __init__(self, text: str) -> None:
        self.text, self.place, self.counted, self.line = text, 0, 0, 1
        self.decoder = json.JSONDecoder()

    def at(self) -> str:
        """The next character that is no space."""
        match = _SPACE.match(self.text, self.place)
        self.place = match.end() if match else self.place
        return self.text[self.place : self.place + 1]

    def step(self, by: int) -> None:
        self.at()
        self.place += by

    def value(self) -> Any:
        self.at()
        found, self.place = self.decoder.raw_decode(self.text, self.place)
        return found

    def listed(self) -> list[int]:
        """The lines on which the entries of the list here begin; goes beyond its end."""
        lines = []
        self.step(1)
        while self.at() not in "]":
            self.line += self.text.count("\n", self.counted, self.place)
            self.counted = self.place
            lines.append(self.line)
            self.value()
            if self.at() == ",":
                self.step(1)
        self.step(1)
        return lines


_YAML = re.compile(r"(#.*\n|\s)*(---|[A-Za-z_]+\s*:(\s|$))")  # how no line of a crontab begins


def guess(data: bytes) -> str:
    """The format `data` seems to be in, by how it begins."""
    head = data[:2000].decode("utf-8-sig", "replace").lstrip()
    if head.startswith(("{", "[")):
        return "json" if re.search(r'"format"\s*:\s*"scheduler"|"schedule_type"', head) else "tasks.json"
    return "yaml" if _YAML.match(head) else "crontab"
