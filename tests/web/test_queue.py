"""The page of the queue: order, reasons, and the two things one may do."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from scheduler import config, heartbeat
from scheduler.database import db
from scheduler.runs.models import Run
from tests.factories import claim, make_group, make_run, make_task, perform
from tests.web.forms import HTMX, send, text_of
from tests.web.test_run_query_counts import statements

SignIn = Callable[[str], FlaskClient]


@pytest.fixture(autouse=True)
def beating(app: Flask) -> None:
    heartbeat.beat(config.settings().instance)


def waiting_retry(name: str = "flaky") -> Run:
    return perform(make_run(make_task(name=name, retry_count=1, retry_delay_seconds=600)), 7)


def test_it_says_that_nothing_waits(sign_in: SignIn) -> None:
    assert "Nothing waits." in text_of(sign_in("victor").get("/queue"))


def test_it_says_in_which_order_and_why(sign_in: SignIn) -> None:
    task = make_task(name="busy")
    going = make_run(task)
    claim(going)
    make_run(task), waiting_retry()
    page = text_of(sign_in("victor").get("/queue"))
    assert f"Its task may run 1 at a time, and run #{going.id} is going on." in page and f"Open run #{going.id}" in page
    assert "Its next attempt starts at 03-02 20:10." in page and "in 10 min" in page and "2 runs wait" in page
    assert page.index(">busy<") < page.index(">flaky<") and 'href="/queue" aria-current="page"' in page


def test_it_offers_what_the_viewer_may_do(sign_in: SignIn) -> None:
    run = waiting_retry()
    verbs = [f"/runs/{run.public_id}/{verb}" for verb in ("hasten", "stop")]
    pages = {name: text_of(sign_in(name).get("/queue")) for name in ("oscar", "victor", "mallory")}
    assert all(verb in pages["oscar"] for verb in verbs) and not any(verb in pages["victor"] for verb in verbs)


def test_it_hides_what_the_viewer_may_not_see(sign_in: SignIn) -> None:
    run = make_run(group=make_group("hidden").key, name="secret")
    browser = sign_in("mallory")
    assert "secret" not in text_of(browser.get("/queue"))
    assert send(browser, f"/runs/{run.public_id}/hasten").status_code == 403


def test_a_retry_runs_now(sign_in: SignIn) -> None:
    run = waiting_retry()
    assert send(sign_in("oscar"), f"/runs/{run.public_id}/hasten", {"next": "/queue"}).location == "/queue"
    assert db.session.get_one(Run, run.id).not_before is None
    assert send(sign_in("oscar"), f"/runs/{run.public_id}/hasten").status_code == 409


def test_a_waiting_run_is_cancelled(sign_in: SignIn) -> None:
    run = waiting_retry()
    assert send(sign_in("oscar"), f"/runs/{run.public_id}/stop", {"next": "/queue"}).location == "/queue"
    assert db.session.get_one(Run, run.id).status == "cancelled"


def test_it_refreshes_only_when_it_has_changed(sign_in: SignIn) -> None:
    make_run()
    browser = sign_in("victor")
    seen = text_of(browser.get("/queue")).partition("seen=")[2].partition('"')[0]
    assert browser.get(f"/queue?page=1&seen={seen}", headers=HTMX).status_code == 204
    make_run()
    answer = text_of(browser.get(f"/queue?page=1&seen={seen}", headers=HTMX))
    assert answer.lstrip().startswith('<div id="queue-list"') and "2 runs wait" in answer


def test_it_has_pages(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduler.web.queue.PAGE", 2)
    for _ in range(3):
        make_run()
    browser = sign_in("victor")
    assert "/queue?page=2" in text_of(browser.get("/queue")) and "/queue?page=1" in text_of(browser.get("/queue?page=2"))


def test_it_asks_as_often_for_many_rows(sign_in: SignIn) -> None:
    browser = sign_in("victor")
    make_run()
    browser.get("/queue")
    with statements() as few:
        browser.get("/queue").get_data()
    for _ in range(20):
        make_run()
    with statements() as many:
        browser.get("/queue").get_data()
    assert len(many) <= len(few) + 1 <= 15, "\n".join(many)


def test_the_page_of_a_waiting_run_says_why(sign_in: SignIn) -> None:
    task = make_task()
    claim(make_run(task))
    run, retry = make_run(task), waiting_retry()
    page = text_of(sign_in("oscar").get(f"/runs/{run.id}"))
    assert "Its task may run 1 at a time" in page and "Number 1 in the queue" in page
    page = text_of(sign_in("oscar").get(f"/runs/{retry.id}"))
    assert "The next attempt starts" in page and f"/runs/{retry.public_id}/hasten" in page
