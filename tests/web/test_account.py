"""The pages on oneself: settings, language, theme, password, own sign-ins."""

from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient

from scheduler.accounts import passwords, sessions, standing
from scheduler.accounts.models import User
from scheduler.database import db
from tests.conftest import PASSWORD, token_in

SignInAs = Callable[[str], FlaskClient]


def send(client: FlaskClient, path: str, **form: str) -> tuple[int, str]:
    token = client.token or token_in(client.get("/account").text)
    answer = client.post(path, data={"csrf_token": token, **form})
    return answer.status_code, answer.text


def test_it_saves_language_zone_and_theme_and_speaks_so_at_once(sign_in: SignInAs, edith: User) -> None:
    client = sign_in("edith")
    assert send(client, "/account", language="zh", timezone="Asia/Tokyo", theme="dark")[0] == 303
    page = client.get("/account").text
    assert '<html lang="zh-CN" data-bs-theme="dark">' in page and 'value="Asia/Tokyo"' in page


def test_it_loses_nothing_when_a_field_is_wrong(sign_in: SignInAs, edith: User) -> None:
    status, page = send(sign_in("edith"), "/account", language="zh", timezone="Mars/Olympus", theme="dark")
    assert status == 422 and "There is no time zone “Mars/Olympus”." in page
    assert 'value="Mars/Olympus"' in page and 'aria-describedby="field-timezone-error' in page
    assert '<option value="zh" selected>' in page and 'value="dark" checked' in page


def test_it_changes_the_password_and_keeps_this_sign_in(sign_in: SignInAs, edith: User) -> None:
    here, there = sign_in("edith"), sign_in("edith")
    form = {"old_password": PASSWORD, "new_password": "my own long one", "again": "my own long one"}
    assert send(here, "/account/password", **form)[0] == 303
    assert here.get("/account").status_code == 200 and there.get("/account").status_code == 302
    db.session.refresh(edith)
    assert passwords.verified(edith.password_hash, "my own long one")


@pytest.mark.parametrize(
    ("old", "new", "again", "field"),
    [
        (PASSWORD, "my own long one", "another", "again"),
        ("wrong password", "my own long one", "my own long one", "old-password"),
        (PASSWORD, "short", "short", "new-password"),
        (PASSWORD, "", "", "new-password"),
    ],
)
def test_it_says_beside_the_field_why_not(sign_in: SignInAs, old: str, new: str, again: str, field: str) -> None:
    status, page = send(sign_in("edith"), "/account/password", old_password=old, new_password=new, again=again)
    assert status == 422 and f'id="field-{field}-error"' in page
    assert "my own long one" not in page and PASSWORD not in page


def test_it_lists_own_sign_ins_and_ends_another(sign_in: SignInAs, edith: User) -> None:
    here, there = sign_in("edith"), sign_in("edith")
    with there.session_transaction() as session:
        other = session["_user_id"]
    assert other in here.get("/account").text
    assert send(here, "/account/sign-ins/end", id=other)[0] == 303
    assert there.get("/account").status_code == 302 and here.get("/account").status_code == 200


def test_it_ends_nobody_elses_sign_in(sign_in: SignInAs, ada: User) -> None:
    foreign = sessions.sign_in("ada", PASSWORD, "192.0.2.1").id
    assert foreign not in sign_in("edith").get("/account").text
    assert send(sign_in("edith"), "/account/sign-ins/end", id=foreign)[0] == 404
    assert standing.of_sign_in(foreign)


def test_it_ends_all_the_others(sign_in: SignInAs) -> None:
    here, *others = (sign_in("edith") for _ in range(3))
    send(here, "/account/sign-ins/end", others="1")
    assert [client.get("/account").status_code for client in (here, *others)] == [200, 302, 302]


def test_it_switches_the_language_before_and_after_signing_in(app: Flask, sign_in: SignInAs, edith: User) -> None:
    stranger = app.test_client()
    token = token_in(stranger.get("/login").text)
    answer = stranger.post("/language", data={"language": "zh", "next": "/tasks?x=1", "csrf_token": token})
    assert answer.status_code == 303 and answer.location == "/tasks?x=1"
    assert 'lang="zh-CN"' in stranger.get("/login").text
    assert send(sign_in("edith"), "/language", language="zh")[0] == 303
    db.session.refresh(edith)
    assert edith.language == "zh"


def test_it_switches_the_theme_of_this_browser(sign_in: SignInAs) -> None:
    client = sign_in("edith")
    send(client, "/theme", theme="dark")
    assert 'data-bs-theme="dark"' in client.get("/account").text


@pytest.mark.parametrize(("path", "name"), [("/language", "language"), ("/theme", "theme")])
def test_it_ignores_a_language_or_theme_it_has_not(sign_in: SignInAs, path: str, name: str) -> None:
    client = sign_in("edith")
    assert send(client, path, **{name: "<script>"})[0] == 303
    assert client.get_cookie(name) is None


class Named(HTMLParser):
    """Collects the controls of a page that have no label."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.controls: set[str] = set()
        self.labels: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "label":
            self.labels.add(given.get("for") or "")
        if tag in ("input", "select") and given.get("type") not in ("hidden", "radio") and "hidden" not in given:
            name = given.get("id") or f"{tag} {given.get('name')}"
            self.controls.add(name)
            self.labels |= {name} if given.get("aria-label") else set()


@pytest.mark.parametrize("path", ["/account", "/account/password", "/admin/users/new", "/admin/users/1"])
def test_it_labels_every_control(sign_in: SignInAs, path: str) -> None:
    page = Named(sign_in("ada").get(path).text)
    assert page.controls and page.controls <= page.labels
