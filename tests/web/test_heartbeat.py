"""The corner that says whether the scheduler works, and what machines may ask."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from scheduler import heartbeat
from scheduler.config import settings
from scheduler.database import db
from tests.conftest import FrozenClock
from tests.factories import claim, make_run
from tests.web.forms import text_of

SignIn = Callable[[str], FlaskClient]


@pytest.fixture(autouse=True)
def no_beat(app: Flask) -> None:
    (settings().instance / "run" / "heartbeat").unlink(missing_ok=True)


def test_it_says_that_the_scheduler_works(sign_in: SignIn) -> None:
    heartbeat.beat(settings().instance)
    assert "Scheduler is working" in text_of(sign_in("victor").get("/p/heartbeat"))


def test_it_says_that_the_scheduler_has_stopped(sign_in: SignIn, clock: FrozenClock) -> None:
    heartbeat.beat(settings().instance)
    clock.move(seconds=16)
    assert "Scheduler has stopped" in text_of(sign_in("victor").get("/p/heartbeat"))


@pytest.mark.parametrize(
    ("state", "said"), [("full", "The disk is full: nothing new"), ("read-only", "The disk is read-only: nothing")]
)
def test_it_says_that_the_disk_takes_nothing(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, state: str, said: str) -> None:
    heartbeat.beat(settings().instance)
    browser = sign_in("victor")
    monkeypatch.setattr("scheduler.web.heartbeat.trouble.condition", lambda _folder: state)
    page = text_of(browser.get("/p/heartbeat"))
    assert said in page and "tone-bad" in page and "is working" not in page


def test_it_counts_what_runs_and_links_to_it(sign_in: SignIn) -> None:
    claim(make_run())
    page = text_of(sign_in("victor").get("/p/heartbeat"))
    assert "1 running" in page and 'href="/runs?status=running"' in page


def test_it_counts_only_what_the_viewer_may_see(sign_in: SignIn) -> None:
    claim(make_run())
    assert "0 running" in text_of(sign_in("mallory").get("/p/heartbeat"))


def test_it_is_on_every_page(sign_in: SignIn) -> None:
    assert 'id="heartbeat"' in text_of(sign_in("victor").get("/runs"))


def test_it_is_ready_while_database_and_daemon_are(app: Flask) -> None:
    heartbeat.beat(settings().instance)
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_it_is_not_ready_without_a_daemon(app: Flask) -> None:
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.text) == (503, "scheduler: no tick yet\n")


def test_it_says_how_old_the_last_tick_is(app: Flask, clock: FrozenClock) -> None:
    heartbeat.beat(settings().instance)
    clock.move(minutes=2)
    assert app.test_client().get("/readyz").text == "scheduler: the last tick was 120 s ago\n"


def test_it_is_not_ready_without_a_database(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    heartbeat.beat(settings().instance)
    monkeypatch.setattr(db.engine.dialect, "do_execute", _broken)
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.text) == (503, "database\n")


def _broken(*_args: object, **_more: object) -> None:
    raise db.engine.dialect.dbapi.OperationalError("gone")
