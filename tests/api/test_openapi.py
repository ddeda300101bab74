"""The OpenAPI document: valid, complete against the routes, in both languages, and with examples that work."""

import copy
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from scheduler import gate
from scheduler.api import openapi, openapi_answers
from scheduler.api.openapi_calls import methods_of, path_of
from scheduler.api.openapi_examples import FILE, PLACES
from scheduler.config import settings
from tests.api.conftest import Program
from tests.api.keeping import keep, shortened
from tests.api.scene import arrange, signed_in

OUTSIDE = ("/metrics", "/healthz", "/readyz")
PAGE = "/api/docs"  # it shows the document, and is none of its calls


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    with app.test_request_context("/"):
        return openapi.document("en")


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            yield method.upper(), path, said


def routes(app: Flask) -> list[tuple[str, str, str]]:
    """Every call of the API there is, whether anybody described it or not."""
    found = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/") or rule.rule in OUTSIDE]
    return [(method, path_of(rule), rule.endpoint) for rule in found if rule.rule != PAGE for method in methods_of(rule)]


@pytest.mark.slow
def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    validate(copy.deepcopy(document))
    assert document["openapi"] == "3.1.0"


def test_it_documents_every_route_of_the_api_and_no_other(app: Flask, document: dict[str, Any]) -> None:
    there = {(method, path) for method, path, _ in routes(app)}
    said = {(method, path) for method, path, _ in operations(document)}
    assert said == there, f"not documented: {sorted(there - said)}; not there: {sorted(said - there)}"


def test_it_says_of_every_call_what_it_does_and_where_it_belongs(document: dict[str, Any]) -> None:
    silent = [path for _, path, said in operations(document) if not said["summary"] or said["tags"] == ["Others"]]
    assert silent == [], "give it a docstring, and its blueprint a section in scheduler/api/openapi_words.py"
    names = [said["operationId"] for *_, said in operations(document)]
    assert len(names) == len(set(names))


def test_it_explains_every_parameter(document: dict[str, Any]) -> None:
    unsaid = [
        (path, one["name"]) for _, path, said in operations(document) for one in said["parameters"] if "description" not in one
    ]
    assert unsaid == [], "name them in scheduler/api/openapi_words.py"


def test_every_body_has_an_example(document: dict[str, Any]) -> None:
    bodies = [
        (path, content)
        for _, path, said in operations(document)
        for content in said.get("requestBody", {}).get("content", {}).values()
    ]
    assert [path for path, content in bodies if "example" not in content] == [], (
        "give them one in scheduler/api/openapi_examples.py"
    )


def test_every_call_that_is_not_public_says_401_and_403(app: Flask, document: dict[str, Any]) -> None:
    for method, path, endpoint in routes(app):
        policy, said = gate.policy_of(app.view_functions[endpoint]), document["paths"][path][method.lower()]
        assert policy is not None and policy.public == (said.get("security") == []), path
        assert policy.public or {"401", "403"} <= said["responses"].keys(), path


def test_what_is_refused_has_the_shape_it_says(app: Flask, document: dict[str, Any]) -> None:
    client = app.test_client()
    for method, path, said in operations(document):
        request = sent(said, path)
        stranger, wrong = client.open(method=method, **request), client.open(request["path"], method="PATCH")
        for status, answer in (("401", stranger), ("405", wrong)):
            if status in said["responses"] and said.get("security") != []:
                known = document["components"]["responses"][said["responses"][status]["$ref"].rpartition("/")[2]]
                assert (str(answer.status_code), answer.mimetype) == (status, next(iter(known["content"]))), (method, path)
                assert known["headers"].keys() <= dict(answer.headers).keys()
                if answer.is_json:
                    holds(document, known["content"][answer.mimetype]["schema"], answer.json)


def holds(document: dict[str, Any], schema: dict[str, Any], found: Any) -> None:
    """Whatever is `found` is what the schema says."""
    Draft202012Validator({**schema, "components": document["components"]}).validate(found)


def test_it_speaks_both_languages(app: Flask) -> None:
    with app.test_request_context("/"):
        assert openapi.document("en")["tags"][1]["name"] == "Tasks"
        assert openapi.document("zh")["tags"][1]["name"] == "任务"


def test_nothing_it_says_is_left_in_english(app: Flask) -> None:
    with app.test_request_context("/"):
        said = list(sentences(openapi.document("zh")))
    assert len(said) > 400
    assert [text for text in said if not re.search("[\u4e00-\u9fff]", text)] == []


def sentences(found: Any) -> Iterator[str]:
    """Every summary and description in a document."""
    if isinstance(found, list):
        yield from (text for one in found for text in sentences(one))
    elif isinstance(found, dict):
        for key, value in found.items():
            if key in ("summary", "description") and isinstance(value, str):
                yield value
            elif key != "example":
                yield from sentences(value)


def test_whoever_is_signed_in_may_read_it(program: Any, anybody: Program) -> None:
    answer = program("victor").get("/api/openapi.json")
    assert answer.json["servers"] == [{"url": "/"}]
    assert anybody.get("/api/openapi.json").status_code == 401


def test_every_call_has_an_answer_that_is_what_the_call_says_it_answers(document: dict[str, Any]) -> None:
    for method, path, said in operations(document):
        media, content = next(iter(said["responses"]["200"]["content"].items()))
        assert "example" in content, f"{method} {path}: KEEP_ANSWERS=1 pytest -m slow tests/api/test_openapi.py writes it"
        if media == "application/json":
            holds(document, content["schema"], content["example"])
    assert openapi_answers.kept().keys() == {said["operationId"] for *_, said in operations(document)}


def test_an_answer_of_the_examples_speaks_the_language_of_the_document(app: Flask) -> None:
    with app.test_request_context("/"):
        said = openapi.document("zh")["paths"]["/api/v1/scheduler/tasks"]["post"]["responses"]["200"]
    assert said["content"]["application/json"]["example"]["message"] == "任务创建成功"


def sent(said: dict[str, Any], path: str) -> dict[str, Any]:
    """The request the document gives as an example of this call."""
    query = {}
    for one in said["parameters"]:
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", str(one["example"]))
        elif "example" in one:
            query[one["name"]] = one["example"]
    contents = said.get("requestBody", {}).get("content", {})
    example = next((content["example"] for content in contents.values()), None)
    if example == FILE:
        return {"path": path, "query_string": query, "data": FILE, "content_type": "text/plain"}
    return {"path": path, "query_string": query, **({"json": example} if example is not None else {})}


# Calls that can succeed only after another one, and those of an execution that is not over.
AFTER = {
    "/api/v1/scheduler/resume": ("POST", "/api/v1/scheduler/pause"),
    "/api/v1/scheduler/scheduler/resume": ("POST", "/api/v1/scheduler/pause"),
    "/api/v1/scheduler/tasks/{task_id}/restore": ("DELETE", f"/api/v1/scheduler/tasks/{PLACES['task_id']}"),
}
ALIVE = ("/stop", "/hasten")


@pytest.mark.slow
@pytest.mark.usefixtures("clock")
def test_its_examples_work(app: Flask, document: dict[str, Any], served: tuple[Flask, Callable[[], None]]) -> None:
    changed, answers = True, {}
    for method, path, said in sorted(operations(document), key=lambda one: one[0] != "GET"):
        if changed:
            served[1]()
            arrange(app, settings().instance, alive=path.endswith(ALIVE))
        changed = method != "GET"
        pair, client = signed_in(), app.test_client()
        headers = {"Authorization": f"Bearer {pair.access}", "Accept-Language": "en"}
        if path in AFTER:
            client.open(method=AFTER[path][0], path=AFTER[path][1], headers=headers)
        request = sent(said, path)
        if path.endswith("/refresh"):
            request["json"] = {"refresh_token": pair.refresh}
        answer = client.open(method=method, headers=headers, **request)
        assert answer.status_code == 200, (method, path, answer.text)
        assert answer.mimetype in said["responses"]["200"]["content"], (method, path)
        if answer.mimetype == "application/json":
            holds(document, said["responses"]["200"]["content"]["application/json"]["schema"], answer.json)
        answers[said["operationId"]] = shortened(answer.json if answer.is_json else answer.text, settings().instance)
    if "KEEP_ANSWERS" in os.environ:
        keep(answers)
