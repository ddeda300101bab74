"""The body of a request, as strict as JSON can be: one object, each name once, no NaN, not too deep; not what it means."""

import json
import math
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NoReturn, TypeVar

from flask import request
from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.exceptions import UnsupportedMediaType

from scheduler.errors import N_, Invalid
from scheduler.validation import problems

DEEPEST = 32
HALVES = re.compile("[\ud800-\udfff]")
FIELD = "body"


class Body(BaseModel):
    """What may stand in a body: unknown fields are refused by name, and nothing is taken for what it is not."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


B = TypeVar("B", bound=Body)


def read(model: type[B]) -> B:
    """The body as a checked `model`."""
    try:
        return model.model_validate(values())
    except ValidationError as error:
        raise Invalid(problems(error)) from error


def nothing() -> None:
    """Make sure that a body that is not needed says nothing: no body, or an empty object."""
    if request.get_data(cache=True):
        read(Body)


def values() -> dict[str, Any]:
    """The object in the body."""
    octets = request.get_data(cache=True)  # too much of it is 413
    if not request.is_json:
        raise UnsupportedMediaType
    found = decoded(octets)
    if not isinstance(found, dict):
        raise Invalid.because(N_("The body must be a JSON object."), field=FIELD)
    return found


def decoded(octets: bytes) -> Any:
    """What the JSON in `octets` says."""
    try:
        found = json.loads(octets.decode(), object_pairs_hook=_once, parse_constant=_refused, parse_float=_finite)
    except RecursionError:
        raise Invalid.because(N_("The body is nested too deeply."), field=FIELD) from None
    except json.JSONDecodeError as error:
        text = N_("The body is not valid JSON: line %(line)s, column %(column)s.")
        raise Invalid.because(text, field=FIELD, line=error.lineno, column=error.colno) from None
    except ValueError:  # not UTF-8, or a number of thousands of digits
        raise Invalid.because(N_("This is not valid JSON."), field=FIELD) from None
    _check(found)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = sorted(name for name, _ in pairs)
        twice = next(one for one, other in pairwise(names) if one == other)
        raise Invalid.because(N_("“%(name)s” stands there twice."), field=_text(twice), name=_text(twice))
    return found


def _finite(text: str) -> float:
    found = float(text)
    return found if math.isfinite(found) else _refused(text)


def _refused(text: str) -> NoReturn:
    raise Invalid.because(N_("“%(value)s” is not a number of JSON."), field=FIELD, value=text[:60])


def _check(found: Any) -> None:
    """Refuse what nests too deeply and texts that no database can hold."""
    level = [("", found)]
    for _ in range(DEEPEST):
        for field, value in level:
            for text in (field, value):
                if isinstance(text, str) and not _fit(text):
                    problem = N_("Text must not contain NUL characters or halves of characters.")
                    raise Invalid.because(problem, field=_text(field) or FIELD)
        level = [inner for field, value in level for inner in _inside(field, value)]
        if not level:
            return
    raise Invalid.because(N_("The body is nested too deeply."), field=FIELD)


def _inside(field: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What lies in a map or list, under the field it belongs to."""
    if isinstance(value, dict):
        yield from ((f"{field}.{name}" if field else name, inner) for name, inner in value.items())
    elif isinstance(value, list):
        yield from ((field, inner) for inner in value)


def _fit(text: str) -> bool:
    return "\0" not in text and (text.isascii() or not HALVES.search(text))


def _text(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:60]
