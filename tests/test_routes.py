"""Every route there is: each has a policy, none opens to a stranger however its path is written, and reading changes nothing."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule

from scheduler import gate
from scheduler.database import Base, db
from tests.conftest import token_in
from tests.factories import make_run

PUBLIC = {
    "static",
    "healthy",
    "heartbeat.ready",
    "api.v1_auth.login",
    "api.v1_auth.password",
    "api.v1_auth.refresh",
    "signing_in.form",
    "signing_in.sign_in",
    "appearance.language",
    "appearance.theme",
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
HEADERS = [
    {},
    {"X-HTTP-Method-Override": "GET"},
    {"X-HTTP-Method-Override": "POST"},
    {"X-Original-URL": "/login"},
    {"X-Rewrite-URL": "/healthz"},
    {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1"},
    {"HX-Request": "true"},
    {"X-Forwarded-Prefix": "/static"},
]


def rules(app: Flask) -> Iterator[Rule]:
    return (rule for rule in app.url_map.iter_rules())


def path_of(rule: Rule, run: str = "1", other: int = 1) -> str:
    """An address the rule answers to: with `run` where it wants a run, `other` wherever it wants something else."""
    wanted = {name: run if name in ("public_id", "execution_id") else other for name in rule.arguments}
    _, built = rule.build(wanted, append_unknown=False) or ("", rule.rule)
    return built


def guarded(app: Flask) -> Iterator[Rule]:
    return (rule for rule in rules(app) if rule.endpoint not in PUBLIC)


def guarded_paths(app: Flask) -> list[str]:
    return sorted({path_of(rule) for rule in guarded(app)})


def written_otherwise(path: str) -> Iterator[str]:
    """The same path as a careless comparison might let it pass."""
    tail = path.lstrip("/")
    yield from (
        path.upper(),
        path.title(),
        f"/{path}",
        f"//{path}",
        f"/.{path}",
        f"/./{tail}",
        f"/x/..{path}",
        f"/static/..{path}",
    )
    yield from (f"{path}/", f"{path}//", f"{path}/.", f"{path};x", f"{path};/login", f"{path}%00", f"{path}%20", f"{path}%2f")
    yield from (
        path.replace("/", "%2f"),
        path.replace("/", "//"),
        f"{path}?next=/login",
        f"{path}#/login",
        f"{path}.json",
        f"{path}%3f",
    )
    yield from (f"/login/..{path}", f"/healthz/..{path}", f"\\{tail}", f"/%2e{path}")


def test_it_has_a_policy_for_every_route(app: Flask) -> None:
    without = [rule.endpoint for rule in rules(app) if gate.policy_of(app.view_functions[rule.endpoint]) is None]
    assert not without, f"no policy: {without}"


def test_it_opens_to_everybody_only_what_is_on_the_list(app: Flask) -> None:
    policies = {rule.endpoint: gate.policy_of(app.view_functions[rule.endpoint]) for rule in rules(app)}
    assert {endpoint for endpoint, policy in policies.items() if policy and policy.public} == PUBLIC


@pytest.mark.any_database
def test_it_sends_a_stranger_to_the_sign_in_by_every_method(app: Flask) -> None:
    client = app.test_client()
    for rule in guarded(app):
        for method in METHODS:
            answer = client.open(path_of(rule), method=method)
            if method in (rule.methods or ()):
                signing_in = answer.status_code == 302 and answer.location.startswith("/login")
                assert signing_in or answer.status_code == 401, (method, rule.rule, answer.status)
            else:
                assert answer.status_code >= 300, (method, rule.rule, answer.status)


@pytest.mark.slow  # a thousand requests
@pytest.mark.any_database
def test_it_lets_no_stranger_in_by_another_header(app: Flask) -> None:
    client = app.test_client()
    for path in guarded_paths(app):
        for headers in HEADERS:
            for method in ("GET", "POST"):
                assert client.open(path, method=method, headers=headers).status_code >= 300, (path, headers)


@pytest.mark.parametrize(
    "path", ["/", "/tasks", "/tasks/1", "/tasks/1/edit", "/admin/users", "/api/v1/scheduler/tasks/1", "/settings/upkeep"]
)
@pytest.mark.any_database
def test_it_lets_no_stranger_in_by_another_way_of_writing_the_path(app: Flask, path: str) -> None:
    refuse_however_written(app, path)


@pytest.mark.any_database
@pytest.mark.slow  # ten thousand requests
def test_it_lets_no_stranger_in_by_another_way_of_writing_any_path(app: Flask) -> None:
    for path in guarded_paths(app):
        refuse_however_written(app, path)


def refuse_however_written(app: Flask, path: str) -> None:
    client = app.test_client()
    for written in written_otherwise(path):
        for method in ("GET", "POST"):
            raw = {"PATH_INFO": unquote(written), "REQUEST_URI": written, "RAW_URI": written}  # as it comes over the wire
            answer = client.open("/", method=method, environ_overrides=raw)
            assert answer.status_code >= 300, (method, written, answer.status)
            assert not answer.headers.get("Location", "/").startswith(("//", "http")), written


def test_it_refuses_everything_without_a_policy_to_everybody(app: Flask, sign_in: Callable[[str], FlaskClient]) -> None:
    def forgotten() -> str:
        return "secret"

    view = app.view_functions["home"]
    client = sign_in("ada")
    try:
        app.view_functions["home"] = forgotten
        assert client.get("/").status_code == 403 and app.test_client().get("/").status_code == 403
    finally:
        app.view_functions["home"] = view


@pytest.mark.any_database
def test_it_refuses_every_change_without_a_token(app: Flask, sign_in: Callable[[str], FlaskClient]) -> None:
    client = sign_in("ada")
    for rule in guarded(app):
        for method in (rule.methods or set()) - gate.SAFE:
            for kind in ("application/x-www-form-urlencoded", "text/plain", "application/json"):
                answer = client.open(path_of(rule), method=method, data="{}", content_type=kind)
                assert answer.status_code in (400, 403), (method, rule.rule, kind, answer.status)


def test_it_tells_a_stranger_nothing_about_what_is_there(app: Flask, sign_in: Callable[[str], FlaskClient]) -> None:
    run = make_run()
    client = sign_in("mallory")
    token = {"X-CSRFToken": token_in(client.get("/account").text)}
    for rule in (rule for rule in guarded(app) if rule.arguments):
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            there, nowhere = (
                client.open(path, method=method, headers=token, data="{}", content_type="application/json")
                for path in (path_of(rule, run.public_id, run.task_id), path_of(rule, "exec-nothing", 999_999))
            )
            assert there.status_code == nowhere.status_code in (302, 400, 403, 404, 415), (method, rule.rule, there.status)
            assert there.status_code == 302 or said(there.text) == said(nowhere.text), (method, rule.rule)


def said(page: str) -> str:
    """What the answer says; without what is new in each, and what only repeats the question."""
    main = page.partition("<main")[2].partition("</main>")[0] or page
    return re.sub(r'"timestamp": ?"[^"]*"|"request_id": ?"[^"]*"', "", main)


def everything() -> list[object]:
    db.session.rollback()
    return [tuple(row) for table in Base.metadata.sorted_tables for row in db.session.execute(select(table)).all()]


@pytest.mark.parametrize("name", ["ada", "victor"])
def test_it_changes_nothing_by_being_read(app: Flask, sign_in: Callable[[str], FlaskClient], name: str) -> None:
    run = make_run()
    client = sign_in(name)
    before = everything()
    for rule in rules(app):
        if "GET" in (rule.methods or ()) and rule.endpoint != "static":
            assert client.get(path_of(rule, run.public_id, run.task_id)).status_code != 500, rule.rule
    assert everything() == before
