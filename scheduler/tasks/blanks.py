"""One blank of a recipe: its type, what may be filled in, how that is written and read; which blanks there are is elsewhere's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

from scheduler.errors import N_
from scheduler.validation import shorten

LONGEST = 4096
LONGEST_PATTERN = 500
MOST_ENTRIES = 100
LARGEST = 1_000_000
SECRET = "secret"

Wrong = tuple[str, dict[str, Any]]  # a sentence, and what fills it


@dataclass(frozen=True)
class Parameter:
    """One blank; `type` is text, number, flag, list (of texts) or secret. Of a built-in one the script knows the default."""

    name: str
    type: str = "text"
    required: bool = False
    default: Any = None  # what is meant when nothing is given
    choices: tuple[str, ...] = ()
    pattern: str = ""
    label: str = ""  # what people call it
    words: tuple[str, ...] = ()  # what people call its choices, where that is not what is filled in

    @property
    def word(self) -> str:
        """What it is called on pages."""
        return self.label or self.name


def wrong(parameter: Parameter, value: Any) -> list[Wrong]:
    """What is wrong with one value, as sentences and what fills them."""
    texts = value if parameter.type == "list" and isinstance(value, list) else [value]
    if type(value) is not TYPES[parameter.type] or (parameter.type == "list" and not all(isinstance(one, str) for one in texts)):
        return [(EXPECTED[parameter.type], {})]
    if type(value) is int and not 0 <= value <= LARGEST:
        return [(N_("%(value)s is outside %(low)s–%(high)s."), {"value": shorten(value), "low": 0, "high": LARGEST})]
    if parameter.choices and value not in parameter.choices:
        text = N_("“%(value)s” is not one of: %(choices)s.")
        return [(text, {"value": shorten(value), "choices": ", ".join(parameter.choices)})]
    if parameter.type in TEXTS:
        return _unfit(parameter, texts)
    return []


def unreadable(pattern: str) -> str:
    """Why a pattern cannot be used; empty for one that can."""
    try:
        _machine(pattern)
        SchemaValidator(core_schema.str_schema(pattern=pattern))  # alone too: it must not close a group it did not open
    except SchemaError as error:
        return shorten(" ".join(str(error).rpartition("rror:")[2].split()).rstrip("."))
    return ""


def is_empty(value: Any) -> bool:
    """Whether nothing is filled in."""
    return value in (None, "", [])


def _unfit(parameter: Parameter, texts: list[str]) -> list[Wrong]:
    if len(texts) > MOST_ENTRIES:
        return [(N_("Too many entries: at most %(max_length)s."), {"max_length": MOST_ENTRIES})]
    if any(len(text) > LONGEST for text in texts):
        return [(N_("Too long: at most %(max_length)s characters."), {"max_length": LONGEST})]
    bad = next((text for text in texts if not text.isprintable() or not _fits(parameter.pattern, text)), None)
    if bad is None:
        return []
    if parameter.type == SECRET:
        return [(N_("This does not have the required form."), {})]
    return [(N_("“%(value)s” does not have the required form."), {"value": shorten(bad)})]


def _fits(pattern: str, text: str) -> bool:
    try:
        return not pattern or _machine(pattern).validate_python(text) is not None
    except ValidationError:
        return False


@lru_cache(maxsize=256)
def _machine(pattern: str) -> SchemaValidator:
    """The pattern as a machine that reads a text once, whatever it says: nobody's pattern can keep the server busy."""
    return SchemaValidator(core_schema.str_schema(pattern=rf"\A(?:{pattern})\z", regex_engine="rust-regex"))


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


TEXTS = ("text", "list", SECRET)
TYPES: Mapping[str, type] = {"text": str, "number": int, "flag": bool, "list": list, SECRET: str}
EXPECTED: Mapping[str, str] = {
    "text": N_("This must be text."),
    "number": N_("This must be a whole number."),
    "flag": N_("This must be true or false."),
    "list": N_("This must be a list."),
    SECRET: N_("This must be text."),
}
WRITTEN: Mapping[str, Callable[[Any], str]] = {
    "text": str,
    "number": str,
    "flag": lambda value: "true" if value else "false",
    "list": "\n".join,
    SECRET: str,
}
READ: Mapping[str, Callable[[str], Any]] = {
    "text": str,
    "number": lambda text: int(text) if text.isdecimal() else text,
    "flag": lambda text: text == "true",
    "list": _lines,
    SECRET: str,
}
