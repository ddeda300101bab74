"""Credentials in headers against cookies, what proxies say of the client, who answers errors: on an application of its own."""

from collections.abc import Callable, Iterator

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient

from scheduler import config, create_app, gate
from scheduler.accounts import sessions
from scheduler.accounts.models import User
from scheduler.database import db
from scheduler.errors import N_, NotFound, Unauthenticated
from tests.conftest import PASSWORD, Browser, token_in

pytestmark = pytest.mark.any_database

probe = Blueprint("probe", __name__, url_prefix="/api/probe")


@probe.route("/who", methods=["GET", "POST"])
@gate.signed_in
def who() -> str:
    """Who asks, and from where."""
    return f"{gate.current_actor().name} {gate.address()}"


@probe.post("/open")
@gate.public
def open_to_all() -> str:
    """Whom a public end point takes the visitor for."""
    return gate.current_actor().name or "nobody"


@probe.get("/missing/<int:number>")
@gate.allowed("task.see")
def missing(number: int) -> str:
    """Nothing, ever."""
    raise NotFound.because(N_("There is no such task."))


def by_header() -> gate.Visitor | None:
    key = gate.request.headers.get("X-API-Key")
    if key != "ediths":
        raise Unauthenticated.because("no")
    with gate.current_app.app_context():
        begun = sessions.sign_in("edith", PASSWORD, "192.0.2.1", origin="api").id
    return gate.visitor_of(begun, "api")


@pytest.fixture(scope="module")
def proxied(served: tuple[Flask, Callable[[], None]]) -> tuple[Flask, config.Settings]:
    """Another application on the tests' installation, behind a proxy, and its settings."""
    usual = config.settings()
    settings = usual.model_copy(update={"server": usual.server.model_copy(update={"trusted_proxies": 1})})
    made = create_app(settings)
    made.testing, made.test_client_class = True, Browser
    made.register_blueprint(probe)
    gate.read_headers(made, "probe", by_header)
    gate.answer_errors(made, "/api/probe", lambda error: (f"probe: {error}", gate.status_of(error)))
    config.use(usual)
    return made, settings


@pytest.fixture
def own(app: Flask, proxied: tuple[Flask, config.Settings]) -> Iterator[Flask]:
    usual, (made, settings) = config.settings(), proxied
    config.use(settings)
    yield made
    with made.app_context():
        db.engine.dispose()  # or the next test would find its file in use
    config.use(usual)


@pytest.fixture
def browser(own: Flask, ada: User) -> FlaskClient:
    client = own.test_client()
    form = {"username": "ada", "password": PASSWORD, "csrf_token": token_in(client.get("/login").text)}
    assert client.post("/login", data=form).status_code == 302
    return client


KEY = {"X-API-Key": "ediths"}


def test_it_reads_the_header_and_asks_for_no_token(own: Flask) -> None:
    assert own.test_client().post("/api/probe/who", headers=KEY).text.startswith("edith")


def test_it_ignores_the_cookie_where_there_is_a_header(browser: FlaskClient) -> None:
    assert browser.get("/api/probe/who", headers=KEY).text.startswith("edith")
    for headers in ({"X-API-Key": "wrong"}, {"X-API-Key": ""}, {"Authorization": "Basic YWRhOng="}, {"Authorization": ""}):
        assert browser.get("/api/probe/who", headers=headers).status_code == 401


def test_it_takes_the_cookie_with_the_token_and_from_our_own_pages_only(browser: FlaskClient) -> None:
    token = {"X-CSRFToken": token_in(browser.get("/account").text)}
    assert browser.get("/api/probe/who").text.startswith("ada")
    assert browser.post("/api/probe/who", headers=token).text.startswith("ada")
    assert browser.post("/api/probe/who").status_code == 400
    assert browser.post("/api/probe/who", headers={**token, "Origin": "https://evil.test"}).status_code == 403


def test_it_reads_no_header_for_pages(own: Flask) -> None:
    assert own.test_client().get("/account", headers=KEY).status_code == 302


def test_it_takes_nobody_for_anybody_at_a_public_end_point(browser: FlaskClient) -> None:
    assert browser.post("/api/probe/open").text == "nobody"


def test_it_lets_each_face_answer_its_own_errors(browser: FlaskClient) -> None:
    assert browser.get("/api/probe/missing/1").text == "probe: There is no such task."
    assert browser.get("/api/probe/nowhere").text.startswith("probe: 404")
    assert browser.get("/nowhere").text.startswith("<!doctype html>")


def test_it_finds_nothing_by_a_number_no_database_holds(browser: FlaskClient) -> None:
    assert browser.get(f"/api/probe/missing/{2**31}").text.startswith("probe: 404")


def test_it_believes_one_proxy_and_not_what_the_client_added(own: Flask) -> None:
    headers = {**KEY, "X-Forwarded-For": "10.9.9.9, 203.0.113.7", "X-Forwarded-Host": "evil.test"}
    assert own.test_client().get("/api/probe/who", headers=headers).text == "edith 203.0.113.7"


def test_it_believes_no_proxy_by_default(app: Flask) -> None:
    client = app.test_client()
    form = {"username": "ada", "password": PASSWORD, "csrf_token": token_in(client.get("/login").text)}
    client.post("/login", data=form, headers={"X-Forwarded-For": "203.0.113.7"})
    assert "127.0.0.1" in client.get("/account").text and "203.0.113.7" not in client.get("/account").text


def test_it_knows_its_actions() -> None:
    with pytest.raises(ValueError):
        gate.allowed("task.explode")
