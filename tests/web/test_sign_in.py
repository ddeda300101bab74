"""Signing in and out by the pages: sessions, throttling, forged requests, ways back, one-time passwords."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from scheduler.accounts import standing, users
from scheduler.accounts.models import AuditEntry, SignIn, User
from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db
from tests.conftest import PASSWORD, FrozenClock, token_in

SignInAs = Callable[[str], FlaskClient]


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


def enter(client: FlaskClient, name: str = "ada", password: str = PASSWORD, **more: str) -> TestResponse:
    token = token_in(client.get("/login").text)
    return client.post("/login", data={"username": name, "password": password, "csrf_token": token, **more})


def cookie(client: FlaskClient) -> str:
    found = client.get_cookie("scheduler")
    return found.value if found else ""


def test_it_signs_in_and_goes_where_the_visitor_was_heading(browser: FlaskClient) -> None:
    asked = browser.get("/admin/users?x=1")
    assert asked.status_code == 302 and asked.location == "/login?next=/admin/users?x%3D1"
    page = browser.get(asked.location).text
    assert 'name="next" value="/admin/users?x=1"' in page
    assert enter(browser, next="/admin/users?x=1").location == "/admin/users?x=1"
    assert browser.get("/admin/users").status_code == 200


def test_it_says_the_same_of_a_wrong_password_and_an_unknown_name(browser: FlaskClient) -> None:
    wrong, unknown = enter(browser, "ada", "wrong password"), enter(browser, "nobody", "wrong password")
    assert wrong.status_code == unknown.status_code == 401
    assert "The user name or the password is not right." in wrong.text and "The user name or" in unknown.text
    assert 'value="ada"' in wrong.text and "wrong password" not in wrong.text


def test_it_asks_to_wait_after_five_wrong_passwords(browser: FlaskClient, clock: FrozenClock) -> None:
    for _ in range(5):
        enter(browser, "ada", "wrong password")
    answer = enter(browser)
    assert answer.status_code == 429 and answer.headers["Retry-After"] == "60" and "wait 1 min" in answer.text
    clock.move(minutes=1)
    assert enter(browser).status_code == 302


def test_it_puts_only_the_sign_in_into_the_cookie_and_guards_it(browser: FlaskClient) -> None:
    header = enter(browser).headers["Set-Cookie"]
    assert "HttpOnly" in header and "SameSite=Lax" in header and "Expires" in header
    with browser.session_transaction() as session:
        assert set(session) - {"csrf_token"} == {"_user_id", "_fresh", "_id", "_permanent"}
        assert standing.of_sign_in(session["_user_id"])


def test_it_drops_whatever_the_session_held_before(browser: FlaskClient) -> None:
    with browser.session_transaction() as session:
        session["planted"], session["_user_id"] = "x", "y" * 43
    planted = cookie(browser)
    enter(browser)
    with browser.session_transaction() as session:
        assert "planted" not in session and session["_user_id"] != "y" * 43
    assert cookie(browser) != planted


def test_it_ends_the_old_sign_in_when_somebody_signs_in_again(browser: FlaskClient) -> None:
    enter(browser)
    enter_again = {"username": "edith", "password": PASSWORD, "csrf_token": token_in(browser.get("/account").text)}
    browser.post("/login", data=enter_again)
    assert [row.user.username for row in db.session.scalars(select(SignIn))] == ["edith"]


def test_it_signs_out_on_the_server_too(sign_in: SignInAs) -> None:
    client = sign_in("ada")
    kept = cookie(client)
    token = token_in(client.get("/account").text)
    assert client.post("/logout", data={"csrf_token": token}).location == "/login"
    client.set_cookie("scheduler", kept)
    assert client.get("/account").status_code == 302


def test_it_signs_nobody_out_by_a_link(sign_in: SignInAs) -> None:
    client = sign_in("ada")
    assert "<button" in client.get("/logout").text and client.get("/account").status_code == 200


def test_it_ends_at_once_what_a_disabled_user_is_doing(sign_in: SignInAs, edith: User) -> None:
    client = sign_in("edith")
    assert client.get("/account").status_code == 200
    users.edit(SYSTEM, edith.id, {"active": False})
    assert client.get("/account").status_code == 302


def test_it_ends_with_the_session_hours(sign_in: SignInAs, clock: FrozenClock) -> None:
    client = sign_in("ada")
    clock.move(hours=12)
    assert client.get("/account").status_code == 302


def test_it_tells_htmx_to_take_the_whole_page_to_the_sign_in(browser: FlaskClient) -> None:
    shown = {"HX-Request": "true", "HX-Current-URL": "http://localhost/account?tab=1"}
    answer = browser.get("/account", headers=shown)
    assert answer.status_code == 401 and answer.headers["HX-Redirect"] == "/login?next=/account?tab%3D1"


def test_it_believes_no_cookie_it_did_not_sign(browser: FlaskClient, sign_in: SignInAs) -> None:
    good = cookie(sign_in("ada"))
    middle = len(good) // 2
    for forged in ("", "x", "e30.e30.e30", good[:-1], good[:middle] + ("A" if good[middle] != "A" else "B") + good[middle + 1 :]):
        browser.set_cookie("scheduler", forged)
        assert browser.get("/account").status_code == 302


# ------------------------------------------------------------------ ways back

BAD = [
    "https://evil.test", "//evil.test", "///evil.test", "////evil.test/x", "/\\evil.test", "\\\\evil.test", "/\\/evil.test",
    "http:evil.test", "javascript:alert(1)", "data:text/html,x", "/%2fevil.test", "/%2Fevil.test/x", "/%5cevil.test",
    "/%252fevil.test", "/%25252fevil.test", "/\t/evil.test", "/%09/evil.test", "/%0d%0aX-Evil:1", "/\r\nLocation: //evil.test",
    "/\n/evil.test", "%2f%2fevil.test", " //evil.test", "/ /evil.test", "/\x00/evil.test", "/\x7f/evil.test", "tasks", "?x=1",
    "#x", "//", "/x//evil.test", "/ü", "/\u2028/evil.test", "/login", "/logout", "@evil.test", "https:/evil.test",
]  # fmt: skip


@pytest.mark.any_database
@pytest.mark.parametrize("target", BAD, ids=repr)
def test_it_goes_nowhere_else(browser: FlaskClient, target: str) -> None:
    assert enter(browser, next=target).location == "/"


@pytest.mark.any_database
@pytest.mark.parametrize("target", BAD, ids=repr)
def test_it_goes_nowhere_else_when_the_visitor_is_signed_in_already(sign_in: Callable[[str], FlaskClient], target: str) -> None:
    browser = sign_in("ada")
    assert browser.get("/login", query_string={"next": target}).location == "/"
    answer = browser.post("/language", data={"next": target, "csrf_token": browser.token, "language": "en"})
    assert answer.location == "/"


@pytest.mark.parametrize("target", ["/tasks", "/tasks?q=a%20b%2F%2Fc&x=http://y", "/runs/1#L20", "/", "/tasks/%E6%95%B0"])
def test_it_goes_back_to_pages_of_ours(browser: FlaskClient, target: str) -> None:
    assert enter(browser, next=target).location == target


@pytest.mark.parametrize(
    "shown", ["https://evil.test//evil.test", "javascript:alert(1)", "http://[", "//evil.test", "", "http://x/\\evil"]
)
def test_it_sends_htmx_nowhere_else(browser: FlaskClient, shown: str) -> None:
    answer = browser.get("/account", headers={"HX-Request": "true", "HX-Current-URL": shown})
    assert answer.headers["HX-Redirect"] == "/login?next=/"


def test_it_makes_no_address_from_the_host_header(browser: FlaskClient) -> None:
    for path in ("/account", "//account", "/account/", "/x//account", "//"):
        headers = {"Host": "evil.test", "X-Forwarded-Host": "evil.test"}
        answer = browser.get("/", headers=headers, environ_overrides={"PATH_INFO": path})
        assert "evil.test" not in answer.headers.get("Location", "") + answer.text


# ------------------------------------------------------------ forged requests


def outcome(client: FlaskClient, headers: dict[str, str], token: str | None = None, **more: str) -> int:
    token = client.token if token is None else token
    form = {"language": "zh", "theme": "dark", "csrf_token": token, **more}
    return client.post("/account", data=form, headers=headers).status_code


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.test"}, {"Origin": "null"}, {"Origin": "http://localhost.evil.test"}, {"Origin": "http://localhost:81"},
        {"Origin": "localhost"}, {"Origin": "http://["}, {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "Same-Origin "},
        {"Sec-Fetch-Site": ""}, {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.any_database
def test_it_refuses_what_another_site_sends_even_with_the_token(sign_in: SignInAs, headers: dict[str, str], edith: User) -> None:
    assert outcome(sign_in("edith"), headers) == 403
    db.session.refresh(edith)
    assert edith.language == "en"


OURS = [{}, {"Origin": "http://localhost"}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}]


@pytest.mark.parametrize("headers", OURS)
def test_it_accepts_what_our_own_pages_send(sign_in: SignInAs, headers: dict[str, str]) -> None:
    assert outcome(sign_in("edith"), headers) == 303


def test_it_refuses_without_the_token_of_this_session(sign_in: SignInAs) -> None:
    edith, foreign = sign_in("edith"), token_in(sign_in("ada").get("/account").text)
    for token in ("", "x", foreign, foreign + "x"):
        assert outcome(edith, {}, token) == 400
    assert edith.post("/account", data='{"language":"zh"}', content_type="text/plain").status_code == 400


def test_it_takes_the_token_from_the_header_htmx_sends(sign_in: SignInAs) -> None:
    client = sign_in("edith")
    token = token_in(client.get("/account").text)
    assert outcome(client, {"X-CSRFToken": token}, "") == 303


def test_it_wants_the_token_for_signing_in_too(browser: FlaskClient) -> None:
    answer = browser.post("/login", data={"username": "ada", "password": PASSWORD})
    assert answer.status_code == 400 and "expired" in answer.text and not db.session.query(SignIn).count()


def test_it_writes_down_an_act_that_was_refused(sign_in: SignInAs) -> None:
    client = sign_in("edith")
    client.post("/admin/users/new", data={"csrf_token": token_in(client.get("/account").text)})
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).all()[0]
    assert (entry.action, entry.actor_name, entry.object_name) == ("denied", "edith", "POST /admin/users/new")


# ---------------------------------------------------------- one-time password


def test_it_opens_nothing_but_the_change_of_a_one_time_password(browser: FlaskClient, edith: User) -> None:
    once = users.reset_password(SYSTEM, edith.id)
    assert enter(browser, "edith", once).location == "/account/password"
    for path in ("/", "/account", "/admin/users"):
        assert browser.get(path).location == "/account/password"
    answer = browser.get("/account", headers={"HX-Request": "true"})
    assert answer.status_code == 403 and answer.headers["HX-Redirect"] == "/account/password"
    assert browser.get("/logout").status_code == 200


def test_it_opens_everything_once_it_is_changed(browser: FlaskClient, edith: User, instance: Path) -> None:
    once = users.reset_password(SYSTEM, edith.id)
    enter(browser, "edith", once)
    page = browser.get("/account/password").text
    form = {"old_password": once, "new_password": "my own long one", "again": "my own long one", "csrf_token": token_in(page)}
    assert "one-time password" in page and browser.post("/account/password", data=form).location == "/"
    assert browser.get("/account").status_code == 200


# --------------------------------------------------------------------- headers


@pytest.mark.parametrize("path", ["/login", "/account", "/nowhere", "/healthz", "/static/css/app.css"])
def test_it_sends_the_strict_headers_with_every_answer(browser: FlaskClient, path: str) -> None:
    headers = browser.get(path).headers
    policy = headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'self'", "script-src 'self'", "style-src 'self'", "object-src 'none'"} <= set(policy)
    assert {"base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"} <= set(policy)
    assert "unsafe" not in str(policy) and headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin" and headers["X-Frame-Options"] == "DENY"


def test_it_lets_no_page_be_kept_but_files(browser: FlaskClient) -> None:
    assert browser.get("/login").headers["Cache-Control"] == "no-store"
    assert "max-age" in browser.get("/static/css/app.css").headers["Cache-Control"]


def test_it_sends_the_cookie_only_when_it_changes(sign_in: SignInAs) -> None:
    client = sign_in("ada")
    for path in ("/static/css/app.css", "/healthz", "/nowhere"):
        client.get(path)
        assert "Set-Cookie" not in client.get(path).headers


def test_it_says_that_it_is_healthy_and_nothing_else(browser: FlaskClient) -> None:
    assert browser.get("/healthz").text == "ok"


def test_it_shows_errors_in_the_look_of_the_house(browser: FlaskClient) -> None:
    answer = browser.get("/nowhere")
    assert answer.status_code == 404 and "There is nothing here." in answer.text and "<title>" in answer.text
    assert browser.delete("/login").status_code == 405 and "POST" in browser.delete("/login").headers["Allow"]
