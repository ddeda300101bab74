"""An OpenAPI document taken apart for its page: sections, calls, fields, schemas in a short notation; asks nobody anything."""

import html
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from markupsafe import Markup, escape

Json = Mapping[str, Any]
BOUNDS = (
    ("minimum", "≥"),
    ("exclusiveMinimum", ">"),
    ("maximum", "≤"),
    ("minLength", "≥"),
    ("maxLength", "≤"),
    ("maxItems", "≤"),
)


@dataclass(frozen=True)
class Field:
    """A parameter, or a field of a schema; `kind` is its type in the short notation."""

    name: str
    kind: Markup
    required: bool
    about: str = ""
    place: str = ""
    default: str = ""


@dataclass(frozen=True)
class Call:
    """One call with all there is to know for whoever wants to make it."""

    id: str
    method: str
    path: str
    summary: str
    about: str
    permission: Json | None
    is_public: bool
    fields: Sequence[Field]
    body: Markup | None
    bodies: str
    answer: Markup
    answers: str
    sends: Sequence[str]
    refuses: Sequence[str]
    curl: str
    example: Markup  # of the answer


@dataclass(frozen=True)
class Section:
    """The calls of one tag."""

    id: str
    name: str
    about: str
    calls: Sequence[Call]


@dataclass(frozen=True)
class Model:
    """A schema that others refer to."""

    name: str
    about: str
    fields: Sequence[Field]
    is_open: bool  # holds other fields besides


def marked(text: str) -> Markup:
    """A sentence with what stands between backquotes as code."""
    pieces = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if number % 2 else escape(piece) for number, piece in enumerate(pieces)
    )


def sections(document: Json, server: str, wanted: str = "") -> list[Section]:
    """Every section with the calls that hold all words of `wanted`; sections with none are left out."""
    words = wanted.lower().split()
    found = []
    for number, tag in enumerate(document["tags"], 1):
        calls = [call for call in _calls(document, tag["name"], server) if _has(call, tag["name"], words)]
        if calls:
            found.append(Section(f"section-{number}", tag["name"], tag["description"], calls))
    return found


def models(document: Json) -> list[Model]:
    """Every schema by name."""
    return [
        Model(
            name,
            schema.get("description", ""),
            list(_fields(schema)),
            schema.get("additionalProperties") is True,
        )
        for name, schema in document["components"]["schemas"].items()
    ]


def kind(schema: Json) -> Markup:
    """A type in a few signs: `Task`, `string[]`, `{name: integer}`, `"a" | "b"`."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return Markup('<a href="#schema-{0}">{0}</a>').format(name)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return Markup(" | ").join(kind(one) for one in schema[several])
    if "enum" in schema or "const" in schema:
        return escape(" | ".join(json.dumps(one, ensure_ascii=False) for one in schema.get("enum", [schema.get("const")])))
    if schema.get("type") == "array":
        inner = kind(schema.get("items", {}))
        return Markup("({})[]" if " | " in inner else "{}[]").format(inner)
    if "properties" in schema:
        fields = (Markup("{}: {}").format(name, kind(inner)) for name, inner in schema["properties"].items())
        return Markup("{{{}}}").format(Markup(", ").join(fields))
    if schema.get("type") == "object":
        others = schema.get("additionalProperties")
        return Markup("{{…: {}}}").format(kind(others) if isinstance(others, Mapping) else "…")
    return _simple(schema)


def _simple(schema: Json) -> Markup:
    """A type without parts, with its bounds; one that nothing is said of may be anything."""
    name = schema.get("type", "…") + (f" ({schema['format']})" if "format" in schema else "")
    bounds = [f"{sign} {schema[key]:,}".replace(",", " ") for key, sign in BOUNDS if key in schema]
    return escape(" ".join([name, *bounds]))


def _calls(document: Json, tag: str, server: str) -> Iterator[Call]:
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            if tag in said["tags"]:
                yield _call(document, (method.upper(), path), said, server)


def _call(document: Json, place: tuple[str, str], said: Json, server: str) -> Call:
    body = said.get("requestBody")
    good = said["responses"]["200"]
    return Call(
        id=said["operationId"],
        method=place[0],
        path=place[1],
        summary=said["summary"],
        about=said.get("description", ""),
        permission=said.get("x-permission"),
        is_public=said.get("security") == [],
        fields=[_parameter(one) for one in said["parameters"]],
        body=_content(body) if body else None,
        bodies=", ".join(body["content"]) if body else "",
        answer=_content(good),
        answers=", ".join(good["content"]),
        sends=list(good.get("headers", ())),
        refuses=[status for status in said["responses"] if status != "200"],
        curl=_curl(place, said, server),
        example=Markup(html.escape(_written(next(iter(good["content"].values())).get("example", "")), quote=False)),
    )


def _parameter(said: Json) -> Field:
    default = said["schema"].get("default")
    shown = "" if default is None else json.dumps(default, ensure_ascii=False)
    return Field(said["name"], kind(said["schema"]), said["required"], said.get("description", ""), said["in"], shown)


def _fields(schema: Json) -> Iterator[Field]:
    required = schema.get("required", ())
    for name, inner in schema.get("properties", {}).items():
        default = inner.get("default")
        yield Field(name, kind(inner), name in required, default="" if default is None else json.dumps(default))


def _content(said: Json) -> Markup:
    return kind(next(iter(said["content"].values()))["schema"])


def _curl(place: tuple[str, str], said: Json, server: str) -> str:
    """The call as a line for a shell, with what the document gives as examples."""
    method, path = place
    query = {}
    for one in said["parameters"]:
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", quote(str(one["example"]), safe=""))
        elif one["in"] == "query" and "example" in one:
            query[one["name"]] = one["example"]
    address = shlex.quote(f"{server}{path}" + (f"?{urlencode(query)}" if query else ""))
    parts = ["curl" + (f" -X {method}" if method != "GET" else "") + f" {address}"]
    if said.get("security") != []:
        parts.append('-H "Authorization: Bearer $TOKEN"')
    for media, content in said.get("requestBody", {}).get("content", {}).items():
        if "example" in content:
            given = content["example"]
            is_json = not isinstance(given, str)
            parts.append(f"-H 'Content-Type: {media}'" if is_json else "-H 'Content-Type: text/plain'")
            parts.append(f"{'-d' if is_json else '--data-binary'} {shlex.quote(_written(given))}")
            break
    return " \\\n  ".join(parts)


def _written(example: Any) -> str:
    """An example as it goes over the line, but with room around it."""
    return example.rstrip() if isinstance(example, str) else json.dumps(example, ensure_ascii=False, indent=2)


def _has(call: Call, section: str, words: Sequence[str]) -> bool:
    text = f"{call.method} {call.path} {call.summary} {section}".lower()
    return all(word in text for word in words)
