"""The OpenAPI document, made from the routes and what is described beside them; how it is shown is the pages' business."""

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Flask, Response, current_app, request
from flask_babel import force_locale, gettext
from werkzeug.routing import Rule

from scheduler import gate
from scheduler.api import answers, described, openapi_answers, openapi_words
from scheduler.api.described import Call
from scheduler.api.language import spoken
from scheduler.api.openapi_calls import ELSEWHERE, methods_of, operation, path_of, refusals
from scheduler.api.openapi_schemas import Error, Json, PlainError, of_types

VERSION = "1.0.0"  # of the faces, not of the product
MADE = "openapi"  # where an application keeps its documents, by language

calls = Blueprint("openapi", __name__)


@calls.get("/openapi.json")
@described.call(answers=dict[str, Any], form="bare")
@gate.signed_in
def read() -> Response:
    """This document: OpenAPI 3.1, in the language of the request."""
    return answers.answer(document(spoken()) | {"servers": [{"url": request.script_root or "/"}]})


def document(language: str) -> Json:
    """The whole document in `language`; made once by each process."""
    known: dict[str, Json] = current_app.extensions.setdefault(MADE, {})
    if language not in known:
        with force_locale(language):
            known[language] = _document(current_app)
    return known[language]


def documented(app: Flask) -> Iterator[tuple[Rule, Call]]:
    """Every route the document is about, by path."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint)):
        call = ELSEWHERE.get(rule.endpoint) or described.of(app.view_functions[rule.endpoint])
        if call is not None:
            yield rule, call


def _document(app: Flask) -> Json:
    found = list(documented(app))
    schemas, definitions = of_types(_types(found))
    paths: dict[str, Json] = {}
    for rule, call in found:
        for method in methods_of(rule):
            view = app.view_functions[rule.endpoint]
            paths.setdefault(path_of(rule), {})[method.lower()] = operation(rule, view, call, schemas)
    openapi_answers.put_in(paths)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Scheduler", "version": VERSION, "description": gettext(openapi_words.ABOUT)},
        "servers": [{"url": "/"}],
        "tags": list(_tags(paths)),
        "security": [{name: []} for name in openapi_words.SECURITY],
        "paths": paths,
        "components": {"schemas": definitions, "responses": refusals(), "securitySchemes": _security(app)},
    }


def _tags(paths: dict[str, Json]) -> Iterator[Json]:
    """The sections in order; the last is for calls of none, if there are any."""
    used = {tag for methods in paths.values() for said in methods.values() for tag in said["tags"]}
    for name, about, *_ in (*openapi_words.SECTIONS, openapi_words.OTHERS):
        if gettext(name) in used:
            yield {"name": gettext(name), "description": gettext(about)}


def _types(found: list[tuple[Rule, Call]]) -> dict[str, Any]:
    """Every type the calls take or answer."""
    types: dict[str, Any] = {"error": Error, "plain error": PlainError}
    for rule, call in found:
        if call.takes is not None:
            types[f"{rule.endpoint} takes"] = call.takes
        if call.form != "text":
            types[f"{rule.endpoint} answers"] = call.answers
    return types


def _security(app: Flask) -> Json:
    kinds: dict[str, Json] = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "session": {"type": "apiKey", "in": "cookie", "name": app.config["SESSION_COOKIE_NAME"]},
    }
    return {name: kind | {"description": gettext(openapi_words.SECURITY[name])} for name, kind in kinds.items()}
