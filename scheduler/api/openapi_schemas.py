"""The models of calls as schemas of the OpenAPI document: each once, by a name of its own, and the shapes around answers."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from flask_babel import gettext
from pydantic import TypeAdapter

from scheduler.api.described import Call, Shape

Json = dict[str, Any]
PLACE = "#/components/schemas/"
FACES = {"service": "Service", "engine": "Engine"}


class FieldError(Shape):
    """A field, and what is wrong with it."""

    field: str
    message: str


class Error(Shape):
    """What is wrong, as v1 says it."""

    success: Literal[False]
    code: int
    message: str
    errors: list[FieldError]
    timestamp: str


class PlainError(Shape):
    """What is wrong, as the faces without an envelope say it."""

    error: str
    errors: list[FieldError]


def of_types(types: Mapping[str, Any]) -> tuple[dict[str, Json], dict[str, Json]]:
    """The schema of each type, and the definitions that they refer to, by their names in the document."""
    inputs = [(key, "validation", TypeAdapter(kind)) for key, kind in types.items()]
    found, rest = TypeAdapter.json_schemas(inputs, ref_template="{model}")  # type: ignore[arg-type]
    definitions: dict[str, Json] = rest.get("$defs", {})
    names = _names(definitions)
    schemas = {key: _tidy(schema, names) for (key, _), schema in found.items()}
    tidied = {names[name]: _tidy(schema, names) for name, schema in definitions.items()}
    return schemas, dict(sorted(tidied.items()))


def parameters(call: Call) -> dict[str, tuple[Json, bool]]:
    """The schema of each parameter of a query, and whether it has to be there."""
    if call.asks is None:
        return {}
    whole = _tidy(call.asks.model_json_schema(), {})
    required = whole.get("required", ())
    return {name: (_without_null(schema), name in required) for name, schema in whole["properties"].items()}


def around(call: Call, inner: Json) -> Json:
    """The whole of an answer in JSON around what it holds."""
    if call.form == "one":
        return _exactly(success={"const": True}, code={"const": 200}, message={"type": "string"}, data=inner)
    if call.form == "page":
        number: Json = {"type": "integer", "minimum": 0}
        return _exactly(total=number, page=number, size=number, items={"type": "array", "items": inner})
    return inner


def _exactly(**fields: Json) -> Json:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _names(definitions: Iterable[str]) -> dict[str, str]:
    """What each definition is called: its model's name; where several have one, that of its face or file goes before."""
    found: dict[str, str] = {}
    for name in sorted(definitions, key=lambda name: ("__" in name, "answer_models" not in name, name)):
        *way, own = name.split("__")
        face = FACES.get(way[2], "") if len(way) > 2 else ""
        file = way[-1].removesuffix("_models").title().replace("_", "") if way else ""
        choices = (face + own, face + file + own, own.join(("_".join(way), "")))
        found[name] = next(choice for choice in choices if choice not in found.values())
    return found


def _tidy(schema: Json, names: Mapping[str, str]) -> Json:
    """The schema with our names in its references, in our language, and without titles and defaults that say nothing."""
    found: Json = {}
    for key, value in schema.items():
        if key == "$ref":
            found[key] = PLACE + names.get(value, value)
        elif key in ("properties", "patternProperties"):
            found[key] = {name: _tidy(inner, names) for name, inner in value.items()}
        elif key == "description" and isinstance(value, str):
            found[key] = gettext(value)
        elif key == "title" or (key == "default" and value in (None, "")):
            continue
        elif isinstance(value, dict) and key not in ("default", "const"):
            found[key] = _tidy(value, names)
        elif isinstance(value, list):
            found[key] = [_tidy(one, names) if isinstance(one, dict) else one for one in value]
        else:
            found[key] = value
    return found


def _without_null(schema: Json) -> Json:
    """What can stand in a query, where nothing is said by leaving the parameter out."""
    choices = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**rest, **choices[0]} if len(choices) == 1 else {**rest, "anyOf": choices} if choices else schema
