"""Signing in by the API: tokens, what ends them, one-time passwords, and cookies with their token."""

import base64
import json

import pytest

from scheduler.accounts.models import User
from scheduler.database import transaction
from tests.api.conftest import Program, fields
from tests.conftest import PASSWORD, token_in

AUTH = "/api/v1/auth"
ADA = {"username": "ada", "password": PASSWORD}


def login(anybody, **changes):
    return anybody.post(f"{AUTH}/login", ADA | changes)


def bearing(app, token):
    return Program(app, token)


def test_it_gives_a_pair_of_tokens_for_a_password(anybody, app):
    given = login(anybody).json["data"]
    assert (given["token_type"], given["expires_in"]) == ("Bearer", 900)
    me = bearing(app, given["access_token"]).data(f"{AUTH}/me")
    assert (me["username"], me["role"], me["is_active"]) == ("ada", "administrator", True)


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"username": "nobody"}, {"username": "a\x01b"}])
def test_it_says_nothing_of_what_was_wrong(anybody, wrong):
    refused = login(anybody, **wrong)
    assert refused.status_code == 401 and refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert refused.json["message"] == "The user name or the password is not right."


def test_it_waits_after_too_many_tries(anybody):
    for _ in range(5):
        login(anybody, password="wrong")
    throttled = login(anybody)
    assert throttled.status_code == 429 and int(throttled.headers["Retry-After"]) > 0


def test_it_renews_a_pair_once(anybody, app):
    first = login(anybody).json["data"]
    second = anybody.post(f"{AUTH}/refresh", {"refresh_token": first["refresh_token"]}).json["data"]
    assert bearing(app, second["access_token"]).get(f"{AUTH}/me").status_code == 200
    assert anybody.post(f"{AUTH}/refresh", {"refresh_token": first["refresh_token"]}).status_code == 401
    assert bearing(app, second["access_token"]).get(f"{AUTH}/me").status_code == 401  # stolen from somebody: all end


def test_it_ends_every_token_of_a_sign_in_at_sign_out(anybody, app):
    given = login(anybody).json["data"]
    ada = bearing(app, given["access_token"])
    assert ada.post(f"{AUTH}/logout").json["data"] is None
    assert ada.get(f"{AUTH}/me").status_code == 401
    assert anybody.post(f"{AUTH}/refresh", {"refresh_token": given["refresh_token"]}).status_code == 401


def test_it_lets_an_access_token_die_after_a_quarter_of_an_hour(ada_calls, clock):
    clock.move(minutes=14)
    assert ada_calls.get("/tasks").status_code == 200
    clock.move(minutes=2)
    assert ada_calls.get("/tasks").status_code == 401


def altered(token, place, **changes):
    parts = token.split(".")
    values = json.loads(base64.urlsafe_b64decode(parts[place] + "=="))
    parts[place] = base64.urlsafe_b64encode(json.dumps(values | changes).encode()).decode().rstrip("=")
    return ".".join(parts)


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-2] + "xx",
        lambda token: altered(token, 0, alg="none"),
        lambda token: altered(token, 0, alg="RS256"),
        lambda token: altered(token, 0, crit=["exp"]),
        lambda token: altered(token, 1, exp=9999999999),
        lambda token: token.rpartition(".")[0] + ".",
        lambda token: "",
        lambda token: "x" * 5000,
        lambda token: "a.b.c",
    ],
)
def test_it_takes_no_token_it_has_not_made(anybody, app, change):
    token = change(login(anybody).json["data"]["access_token"])
    assert anybody.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401


@pytest.mark.parametrize("header", [{"Authorization": "Basic YWRhOng="}, {"Authorization": "Bearer"}, {"X-API-Key": "abc"}])
def test_it_refuses_credentials_it_does_not_know_even_beside_a_good_cookie(sign_in, header):
    assert sign_in("ada").get("/api/v1/scheduler/tasks", headers=header).status_code == 401


def test_it_takes_no_refresh_token_for_an_access_token(anybody, app):
    given = login(anybody).json["data"]
    assert bearing(app, given["refresh_token"]).get(f"{AUTH}/me").status_code == 401
    assert anybody.post(f"{AUTH}/refresh", {"refresh_token": given["access_token"]}).status_code == 401


def test_it_wants_a_one_time_password_changed_first(anybody, app):
    with app.app_context(), transaction() as session:
        session.query(User).filter_by(username="ada").one().one_time_password = True
    refused = login(anybody)
    assert (refused.status_code, fields(refused)) == (403, ["password"])
    change = {**ADA, "new_password": "another battery staple"}
    assert anybody.post(f"{AUTH}/password", change).json["data"] is None
    assert login(anybody, password="another battery staple").status_code == 200


@pytest.mark.parametrize(("new", "field"), [("short", "new_password"), (PASSWORD, "new_password")])
def test_it_refuses_a_poor_new_password(anybody, new, field):
    refused = anybody.post(f"{AUTH}/password", {**ADA, "new_password": new})
    assert (refused.status_code, fields(refused)) == (400, [field])


def test_it_changes_no_password_for_somebody_who_does_not_know_it(anybody):
    change = {**ADA, "password": "wrong", "new_password": "another battery staple"}
    assert anybody.post(f"{AUTH}/password", change).status_code == 401


def test_a_new_password_ends_what_was_signed_in(anybody, ada_calls):
    anybody.post(f"{AUTH}/password", {**ADA, "new_password": "another battery staple"})
    assert ada_calls.get("/tasks").status_code == 401


def test_a_browsers_cookie_serves_to_read_and_with_its_token_to_change(sign_in):
    browser = sign_in("ada")
    assert browser.get("/api/v1/scheduler/tasks").status_code == 200
    body = {"name": "By cookie", "schedule_type": "manual", "type": "shell", "command": "true"}
    refused = browser.post("/api/v1/scheduler/tasks", json=body)
    assert refused.status_code == 400 and "X-CSRFToken" in refused.json["message"]
    token = token_in(browser.get("/account").get_data(as_text=True))
    assert browser.post("/api/v1/scheduler/tasks", json=body, headers={"X-CSRFToken": token}).status_code == 200
    foreign = {"X-CSRFToken": token, "Origin": "https://evil.example"}
    assert browser.post("/api/v1/scheduler/tasks", json=body, headers=foreign).status_code == 403


def test_a_token_needs_no_csrf_token_and_hides_the_cookie(sign_in, program):
    browser = sign_in("ada")
    headers = {**program("victor").headers, "Origin": "https://elsewhere.example"}
    assert browser.get(f"{AUTH}/me", headers=headers).json["data"]["username"] == "victor"
    assert browser.post("/api/v1/scheduler/tasks", json={}, headers=headers).status_code == 403  # a viewer


def test_nobody_gets_in_without_credentials(anybody):
    for method, path in (("GET", "/tasks"), ("POST", "/tasks"), ("GET", "/executions/x"), ("POST", "/schedules/preview")):
        refused = anybody.send(method, path)
        assert (refused.status_code, refused.json["success"]) == (401, False)
