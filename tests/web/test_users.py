"""The pages on users: for administrators only, with nothing lost and nothing shown twice."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from flask.testing import FlaskClient

from scheduler.accounts import sessions, users
from scheduler.accounts.models import User
from scheduler.accounts.permissions import SYSTEM, actor_of
from scheduler.database import db
from tests.conftest import PASSWORD, token_in

TAGS = ("<script>alert", "<img src=x", "<svg onload")
SignInAs = Callable[[str], FlaskClient]
MARKUP = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'-alert(1)-'", "{{7*7}}", "</title><svg onload=x>"]


@pytest.fixture
def boss(sign_in: SignInAs) -> FlaskClient:
    return sign_in("ada")


def send(client: FlaskClient, path: str, **form: str) -> tuple[int, str]:
    token = client.token or token_in(client.get("/account").text)
    answer = client.post(path, data={"csrf_token": token, **form})
    return answer.status_code, answer.text


def shown_password(page: str) -> str:
    found = re.search(r'id="one-time-password">([^<]+)<', page)
    return found[1] if found else ""


def test_it_lists_everybody_with_role_and_state(boss: FlaskClient, edith: User) -> None:
    users.edit(SYSTEM, edith.id, {"active": False})
    page = boss.get("/admin/users").text
    assert all(name in page for name in ("ada", "edith", "oscar", "victor", "mallory")) and "Disabled" in page
    assert "What each role may do" in page


def test_it_makes_a_user_and_shows_the_password_once(boss: FlaskClient) -> None:
    status, page = send(boss, "/admin/users/new", username="grace", role="operator", email="g@example.test", active="1")
    assert status == 200 and sessions.authenticate("grace", shown_password(page), "192.0.2.1").one_time_password
    assert shown_password(page) not in boss.get("/admin/users").text


def test_it_loses_nothing_when_a_field_is_wrong(boss: FlaskClient) -> None:
    form = {"username": "edith", "role": "operator", "email": "g@example.test", "limited_to_groups": "1", "grant-1": "editor"}
    status, page = send(boss, "/admin/users/new", **form)
    assert status == 409 and "There is already a user “edith”." in page
    assert 'value="g@example.test"' in page and '<option value="operator" selected>' in page
    assert '<option value="editor" selected>' in page and re.search(r'value="1" checked\s+id="field-limited-to-groups"', page)


def test_it_saves_role_limits_and_grants(boss: FlaskClient, edith: User) -> None:
    form = {"role": "viewer", "active": "1", "limited_to_groups": "1", "grant-1": "operator", "version": str(edith.version)}
    assert send(boss, f"/admin/users/{edith.id}", **form)[0] == 303
    db.session.refresh(edith)
    assert (edith.role, edith.limited_to_groups, actor_of(edith).grants) == ("viewer", True, {1: "operator"})


def test_it_refuses_to_save_over_somebody_elses_change(boss: FlaskClient, edith: User) -> None:
    seen = str(edith.version)
    users.edit(SYSTEM, edith.id, {"email": "new@example.test"})
    status, page = send(boss, f"/admin/users/{edith.id}", role="viewer", active="1", version=seen)
    assert status == 409 and "Somebody else has changed this user meanwhile" in page


def test_it_keeps_the_last_administrator(boss: FlaskClient, ada: User) -> None:
    status, page = send(boss, f"/admin/users/{ada.id}", role="viewer", active="1")
    assert status == 409 and "last active administrator" in page and boss.get("/admin/users").status_code == 200


def test_it_resets_a_password_and_ends_the_sign_ins(boss: FlaskClient, sign_in: SignInAs, edith: User) -> None:
    client = sign_in("edith")
    _, page = send(boss, f"/admin/users/{edith.id}/password")
    assert client.get("/account").status_code == 302
    assert sessions.authenticate("edith", shown_password(page), "192.0.2.1") == edith


@pytest.mark.parametrize("name", ["edith", "oscar", "victor", "mallory"])
@pytest.mark.parametrize("path", ["", "/new", "/1", "/999"])
def test_it_is_for_administrators_only(sign_in: SignInAs, name: str, path: str) -> None:
    client = sign_in(name)
    assert client.get(f"/admin/users{path}").status_code == 403
    assert send(client, f"/admin/users{path or '/new'}", role="administrator", username="x")[0] == 403


def test_it_makes_nobody_an_administrator_by_their_own_profile(sign_in: SignInAs, edith: User) -> None:
    send(sign_in("edith"), "/account", language="en", theme="auto", timezone="", role="administrator")
    assert edith.role == "editor"


@pytest.mark.parametrize("number", ["0", "999", "x", "-1", "1.5", f"{2**31}", f"{10**30}"])
def test_it_says_not_found_of_a_user_there_is_not(boss: FlaskClient, number: str) -> None:
    assert boss.get(f"/admin/users/{number}").status_code == 404


@pytest.mark.parametrize("name", MARKUP)
def test_it_shows_markup_in_names_as_text(boss: FlaskClient, sign_in: SignInAs, name: str) -> None:
    user, once = users.create(SYSTEM, {"username": name, "role": "administrator"})
    users.replace_password(name, once, PASSWORD, "192.0.2.1")
    for client in (boss, sign_in(name)):
        for path in ("/admin/users", f"/admin/users/{user.id}", "/account", "/logout"):
            page = client.get(path).text
            assert not any(tag in page for tag in TAGS) and ">49<" not in page
    assert name in unescape(boss.get("/admin/users").text)


def test_it_shows_markup_in_what_was_typed_as_text(boss: FlaskClient) -> None:
    for markup in MARKUP:
        _, page = send(boss, "/admin/users/new", username=markup, role=markup, email=markup)
        assert not any(tag in page for tag in TAGS)
