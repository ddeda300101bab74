"""Turns what pydantic refuses into the product's own problems, in sentences people can act on; holds no rules itself."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from scheduler.errors import N_, Problem

LONGEST_ECHO = 60
LARGEST_ECHO = 10**LONGEST_ECHO

_SENTENCES: Mapping[str, str] = {
    "missing": N_("This is required."),
    "extra_forbidden": N_("There is no such field."),
    "none_required": N_("This must be left out."),
    "string_type": N_("This must be text."),
    "string_unicode": N_("This is not valid text."),
    "string_too_long": N_("Too long: at most %(max_length)s characters."),
    "string_too_short": N_("Too short: the least length is %(min_length)s."),
    "string_pattern_mismatch": N_("“%(value)s” does not have the required form."),
    "int_type": N_("This must be a whole number."),
    "int_parsing": N_("“%(value)s” is not a whole number."),
    "int_from_float": N_("“%(value)s” is not a whole number."),
    "int_parsing_size": N_("This number is too large."),
    "float_type": N_("This must be a number."),
    "float_parsing": N_("“%(value)s” is not a number."),
    "finite_number": N_("This must be a finite number."),
    "bool_type": N_("This must be true or false."),
    "bool_parsing": N_("“%(value)s” is neither true nor false."),
    "list_type": N_("This must be a list."),
    "tuple_type": N_("This must be a list."),
    "set_type": N_("This must be a list."),
    "frozen_set_type": N_("This must be a list."),
    "dict_type": N_("This must be a map of names to values."),
    "mapping_type": N_("This must be a map of names to values."),
    "model_type": N_("This must be a map of names to values."),
    "model_attributes_type": N_("This must be a map of names to values."),
    "dataclass_type": N_("This must be a map of names to values."),
    "too_long": N_("Too many entries: at most %(max_length)s."),
    "too_short": N_("Too few entries: at least %(min_length)s."),
    "literal_error": N_("“%(value)s” is not one of: %(expected)s."),
    "enum": N_("“%(value)s” is not one of: %(expected)s."),
    "union_tag_invalid": N_("“%(tag)s” is not one of: %(expected_tags)s."),
    "union_tag_not_found": N_("This needs the field %(discriminator)s."),
    "greater_than_equal": N_("This must be at least %(ge)s."),
    "less_than_equal": N_("This must be at most %(le)s."),
    "greater_than": N_("This must be greater than %(gt)s."),
    "less_than": N_("This must be less than %(lt)s."),
    "multiple_of": N_("This must be a multiple of %(multiple_of)s."),
    "timezone_aware": N_("This time needs an offset, as in 2024-01-01T02:00:00Z."),
    "timezone_naive": N_("This time must not have an offset."),
    "json_invalid": N_("This is not valid JSON."),
}
# Families of pydantic's types that mean one thing to a person; `time_delta_` stands before `time_`.
_FAMILIES: Mapping[str, str] = {
    "datetime_": N_("“%(value)s” is not a time in ISO 8601, as in 2024-01-01T02:00:00Z."),
    "date_": N_("“%(value)s” is not a date, as in 2024-01-31."),
    "time_delta_": N_("“%(value)s” is not a span of time."),
    "time_": N_("“%(value)s” is not a time of day, as in 02:00."),
    "url_": N_("This is not a valid address."),
    "uuid_": N_("“%(value)s” is not a UUID."),
    "decimal_": N_("“%(value)s” is not a number."),
}
_FALLBACK = N_("This is not accepted: %(reason)s.")
# What pydantic adds to the path of an error inside a union of plain types; no field of ours is called so.
_UNION_TAGS = frozenset({"int", "str", "bool", "float", "none", "bytes", "dict", "list"})


class Refusal(ValueError):
    """What a validator raises: a catalogue sentence, what fills it, and `at`, a field below the one being validated."""

    def __init__(self, text: str, at: str = "", **params: Any) -> None:
        super().__init__(text % params)
        self.text, self.at, self.params = text, at, params


def problems(error: ValidationError, prefix: str = "") -> list[Problem]:
    """Each refused field once, dotted from `prefix`, with a sentence; long input is never repeated."""
    found: dict[str, Problem] = {}
    for detail in error.errors(include_url=False):
        field = ".".join(filter(None, (prefix, *_path(detail["loc"]), _below(detail))))
        found.setdefault(field, Problem(field, *_sentence(detail)))
    return list(found.values())


def _path(loc: tuple[int | str, ...]) -> Iterator[str]:
    """The parts of a location that a user knows: pydantic's own marks (`[key]`, `function-after[…]`, `int`) are not."""
    for place, part in enumerate(loc):
        text = str(part)
        mark = place and (text.endswith("]") or (place == len(loc) - 1 and text in _UNION_TAGS))
        if not mark:
            yield shorten(text)


def _below(detail: Any) -> str:
    error = detail.get("ctx", {}).get("error")
    return error.at if isinstance(error, Refusal) else ""


def _sentence(detail: Any) -> tuple[str, dict[str, Any]]:
    context: dict[str, Any] = detail.get("ctx", {})
    error = context.get("error")
    if isinstance(error, Refusal):
        return error.text, error.params
    kind: str = detail["type"]
    family = next((text for start, text in _FAMILIES.items() if kind.startswith(start)), _FALLBACK)
    text = _SENTENCES.get(kind, family)
    known = {**context, "value": detail["input"], "reason": error or detail["msg"]}
    return text, {name: _shown(name, value) for name, value in known.items() if f"%({name})s" in text}


def _shown(name: str, value: Any) -> Any:
    if name in ("expected", "expected_tags"):
        return str(value).replace("'", "").replace(" or ", ", ")
    if name == "reason":
        return str(value)[:200].rstrip(".")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if name != "value" and isinstance(value, int | float) else shorten(value)


def shorten(value: Any) -> str:
    """`value` as one short piece of text, fit to be repeated to whoever sent it."""
    if isinstance(value, int) and abs(value) > LARGEST_ECHO:
        return "…"
    text = str(value) if value is None or isinstance(value, str | int | float | bool) else type(value).__name__
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= LONGEST_ECHO else text[: LONGEST_ECHO - 1] + "…"
