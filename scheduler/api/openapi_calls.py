"""One call as the OpenAPI document says it: parameters, body, answers, permission; the whole document is made elsewhere."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask_babel import gettext
from werkzeug.routing import Rule

from scheduler import gate
from scheduler.accounts.permissions import ACTIONS, SCOPES
from scheduler.api import asking, described, openapi_examples, openapi_words
from scheduler.api.described import Call
from scheduler.api.openapi_schemas import PLACE, Json, around, parameters

JSON = "application/json"
PLAIN = ("/api/scheduler", "/api/tasks")  # the faces without an envelope
# What is no call of the API but belongs to the document.
ELSEWHERE = {"healthy": Call(form="text"), "heartbeat.ready": Call(form="text", refuses=(503,))}
ALWAYS = (*described.OF_ALL, 503)
CHANGING = (413, 415, 507)
SENT_WITH = {401: "WWW-Authenticate", 405: "Allow", 429: "Retry-After", 503: "Retry-After", 507: "Retry-After"}
PLACES = re.compile(r"<(?:(\w+):)?(\w+)>")
TEXT: Json = {"schema": {"type": "string"}}


def path_of(rule: Rule) -> str:
    """The path as the document writes it."""
    return PLACES.sub(r"{\2}", rule.rule)


def methods_of(rule: Rule) -> list[str]:
    """The methods somebody wrote down for it."""
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def operation(rule: Rule, view: Callable[..., Any], call: Call, schemas: Mapping[str, Json]) -> Json:
    """All of one call; `schemas` has what it takes and answers, by its endpoint."""
    summary, about = described.about(view)
    body = _body(rule, call, schemas)
    return {
        "operationId": _name(rule).replace(".", "_"),
        "tags": [gettext(_section(rule))],
        "summary": gettext(summary),
        **({"description": gettext(about)} if about else {}),
        "parameters": [*_places(rule), *_query(call), *_headers(call)],
        **({"requestBody": body} if body else {}),
        "responses": _responses(rule, call, schemas),
        **_needs(gate.policy_of(view) or gate.Policy()),
    }


def refusals() -> Json:
    """Every error of every face, by face and status."""
    contents: dict[str, Json] = {
        "v1": {JSON: {"schema": {"$ref": f"{PLACE}Error"}}},
        "plain": {JSON: {"schema": {"$ref": f"{PLACE}PlainError"}}},
        "text": {"text/plain": TEXT},
    }
    found: Json = {}
    for face, content in contents.items():
        for status, about in openapi_words.STATUSES.items():
            headers = {"headers": {SENT_WITH[status]: _header(SENT_WITH[status])}} if status in SENT_WITH else {}
            found[f"{face}-{status}"] = {"description": gettext(about), "content": content, **headers}
    return found


def _name(rule: Rule) -> str:
    return str(rule.endpoint).removeprefix("api.")


def _section(rule: Rule) -> str:
    blueprint = _name(rule).rpartition(".")[0]
    found = (name for name, _, blueprints in openapi_words.SECTIONS if blueprint in blueprints)
    return next(found, openapi_words.OTHERS[0])


def _needs(policy: gate.Policy) -> Json:
    """Who may ask: everybody, or whoever has a permission, by role or by an API key's scope."""
    if policy.public:
        return {"security": []}
    if not policy.action:
        return {}
    scopes = [scope for scope, actions in SCOPES.items() if policy.action in actions]
    return {"x-permission": {"action": policy.action, "role": ACTIONS[policy.action], "scopes": scopes}}


def _places(rule: Rule) -> Iterator[Json]:
    for converter, name in PLACES.findall(rule.rule):
        if converter:
            schema: Json = {"type": "integer", "minimum": 0, "maximum": gate.LARGEST}
        else:
            schema = {"type": "string", "minLength": 1}
        is_member = bool(converter) and name == "user_id"
        about = openapi_words.MEMBER if is_member else openapi_words.PLACES.get(name, "")
        example = openapi_examples.MEMBER if is_member else openapi_examples.PLACES.get(name, "1")
        yield {"name": name, "in": "path", "required": True, **_about(about), "schema": schema, "example": example}


def _query(call: Call) -> Iterator[Json]:
    for name, (schema, required) in parameters(call).items():
        if schema.get("type") == "string" and not schema.keys() & {"enum", "const"}:
            schema = {"maxLength": asking.LONGEST, **schema}
        about = _about(openapi_words.PARAMETERS.get(name, ""))
        example = openapi_examples.FILE_QUERY.get(name) if call.files else openapi_examples.QUERIES.get(name)
        shown = {"example": example} if example is not None else {}
        yield {"name": name, "in": "query", "required": required, **about, "schema": schema, **shown}


def _headers(call: Call) -> Iterator[Json]:
    for name in call.headers:
        about = _about(openapi_words.HEADERS.get(name, ""))
        yield {"name": name, "in": "header", "required": False, **about, "schema": {"type": "string"}}


def _about(text: str) -> Json:
    return {"description": gettext(text)} if text else {}


def _body(rule: Rule, call: Call, schemas: Mapping[str, Json]) -> Json | None:
    if call.files:
        return {"required": True, "content": {media: {**TEXT, "example": openapi_examples.FILE} for media in call.files}}
    if call.takes is None:
        return None
    content: Json = {"schema": schemas[f"{rule.endpoint} takes"]}
    example = openapi_examples.BODIES.get(_name(rule))
    if example is not None:
        content["example"] = example
    return {"required": not call.bodiless, "content": {JSON: content}}


def _responses(rule: Rule, call: Call, schemas: Mapping[str, Json]) -> Json:
    if call.form == "text":
        content: Json = {media: TEXT if media.startswith("text/") else {"schema": {}} for media in call.media}
    else:
        content = {JSON: {"schema": around(call, schemas[f"{rule.endpoint} answers"])}}
    headers = {"headers": {name: _header(name) for name in call.sends}} if call.sends else {}
    good = {"description": gettext(openapi_words.DONE), "content": content, **headers}
    return {"200": good, **{str(status): _refusal(rule, status) for status in sorted(_statuses(rule, call))}}


def _statuses(rule: Rule, call: Call) -> set[int]:
    """What else than 200 a call may answer."""
    if rule.endpoint in ELSEWHERE:
        return set(call.refuses)
    return {*ALWAYS, *call.refuses, *(() if "GET" in methods_of(rule) else CHANGING)}


def _refusal(rule: Rule, status: int) -> Json:
    if rule.endpoint in ELSEWHERE:
        return {"description": gettext(openapi_words.OUTSIDE_503), "content": {"text/plain": TEXT}}
    face = "text" if not rule.rule.startswith("/api/") else "plain" if rule.rule.startswith(PLAIN) else "v1"
    return {"$ref": f"#/components/responses/{face}-{status}"}


def _header(name: str) -> Json:
    return {"description": gettext(openapi_words.HEADERS[name]), "schema": {"type": "string"}}
