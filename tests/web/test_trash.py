"""The trash: what was deleted, until when, and back again."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db
from scheduler.tasks import trash
from tests.web.forms import send, task, text_of

SignIn = Callable[[str], FlaskClient]


def test_it_says_when_there_is_nothing_in_it(sign_in: SignIn) -> None:
    assert "The trash is empty." in text_of(sign_in("edith").get("/trash"))


def test_it_shows_what_was_deleted_and_until_when(sign_in: SignIn) -> None:
    trash.remove(SYSTEM, task("old import").id)
    page = text_of(sign_in("edith").get("/trash"))
    assert "old import" in page and "just now" in page and "04-01" in page and "/trash/1/restore" in page


def test_it_gives_a_task_back_disabled(sign_in: SignIn) -> None:
    one = task()
    trash.remove(SYSTEM, one.id)
    assert send(sign_in("edith"), "/trash/1/restore").location == "/trash"
    db.session.expire_all()
    assert one.deleted_at is None and not one.enabled


def test_a_name_taken_meanwhile_gets_a_number(sign_in: SignIn) -> None:
    one = task()
    trash.remove(SYSTEM, one.id)
    task()
    client = sign_in("edith")
    send(client, "/trash/1/restore")
    assert "“backup (2)” is back." in text_of(client.get("/trash"))


@pytest.mark.parametrize("who", ["victor", "oscar", "mallory"])
def test_it_is_for_those_who_may_delete(sign_in: SignIn, who: str) -> None:
    trash.remove(SYSTEM, task().id)
    client = sign_in(who)
    assert client.get("/trash").status_code == 403
    assert send(client, "/trash/1/restore").status_code == 403


@pytest.mark.parametrize("path", ["/trash/1/restore", "/trash/999/restore", "/trash/" + "9" * 30 + "/restore"])
def test_what_is_not_in_it_is_not_found(sign_in: SignIn, path: str) -> None:
    task()
    assert send(sign_in("edith"), path).status_code == 404
