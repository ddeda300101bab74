"""The page of one's own API keys."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from scheduler.accounts import keys
from scheduler.accounts.models import User
from tests.factories import as_actor
from tests.web.test_account import send

SignInAs = Callable[[str], FlaskClient]
GOOD = {"name": "sync", "scopes": "read"}


def test_it_shows_a_new_key_once(sign_in: SignInAs, edith: User) -> None:
    client = sign_in("edith")
    status, page = send(client, "/account/keys", **GOOD)
    (text,) = re.findall(r"sch_[\w-]{43}", page)
    assert status == 200 and keys.recognized(text).name == "sync"
    again = client.get("/account/keys").text
    assert text not in again and text[: keys.PREFIX] in again


def test_it_offers_what_the_role_may_and_refuses_more(sign_in: SignInAs, victor: User) -> None:
    client = sign_in("victor")
    assert 'value="run"' not in client.get("/account/keys").text
    status, page = send(client, "/account/keys", name="sync", scopes="run")
    assert status == 422 and 'id="field-scopes-error"' in page and not keys.listed(as_actor(victor))


@pytest.mark.parametrize(("field", "value"), [("name", ""), ("expires-at", "2020-01-01"), ("expires-at", "tomorrow")])
def test_it_says_beside_the_field_why_not(sign_in: SignInAs, field: str, value: str) -> None:
    status, page = send(sign_in("edith"), "/account/keys", **{**GOOD, field.replace("-", "_"): value})
    assert status == 422 and f'id="field-{field}-error"' in page


def test_a_key_lasts_to_the_end_of_its_day(sign_in: SignInAs, edith: User) -> None:
    send(sign_in("edith"), "/account/keys", **GOOD, expires_at="2026-03-02")
    (key,) = keys.listed(as_actor(edith))
    assert key.expires_at and key.expires_at.isoformat() == "2026-03-02T16:00:00+00:00"  # midnight in Shanghai


def test_it_revokes_ones_own_and_no_other(sign_in: SignInAs, edith: User, ada: User) -> None:
    key, _ = keys.create(as_actor(edith), {"name": "sync", "scopes": ["read"]})
    assert send(sign_in("ada"), "/account/keys/revoke", id=str(key.id))[0] == 404
    assert send(sign_in("edith"), "/account/keys/revoke", id=str(key.id))[0] == 303
    assert not keys.listed(as_actor(edith))


def test_a_hostile_name_stays_text(sign_in: SignInAs, edith: User) -> None:
    keys.create(as_actor(edith), {"name": '<img src=x onerror="alert(1)">', "scopes": ["read"]})
    assert "<img src=x" not in sign_in("edith").get("/account/keys").text
