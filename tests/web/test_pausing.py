"""Pausing everything from a page, and what every page says while it lasts."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from scheduler.tasks import pausing
from tests.conftest import FrozenClock
from tests.factories import SYSTEM, at, make_run, make_task
from tests.web.forms import HTMX, send, text_of

SignIn = Callable[[str], FlaskClient]


def test_it_asks_why_and_until_when(sign_in: SignIn) -> None:
    make_task()
    browser = sign_in("ada")
    assert 'href="/scheduler/pause?next=/tasks"' in text_of(browser.get("/tasks"))
    page, dialog = (text_of(browser.get("/scheduler/pause?next=/runs", headers=headers)) for headers in ({}, HTMX))
    assert "<h1 id=" in page and "<dialog" in dialog and 'name="next" value="/runs"' in page


def test_it_pauses_until_a_time_on_the_viewers_clock(sign_in: SignIn) -> None:
    form = {"reason": "a new disk", "until": "2026-03-02T21:30", "next": "/runs"}
    answer = send(sign_in("ada"), "/scheduler/pause", form)
    assert (answer.status_code, answer.location) == (303, "/runs")
    found = pausing.current()
    assert found and (found.reason, found.until, found.paused_by) == ("a new disk", at("2026-03-02T13:30"), "ada")


@pytest.mark.parametrize("until", ["2026-03-02T12:00", "soon", "9999-12-31T23:59"])
def test_it_keeps_what_was_typed_when_it_is_wrong(sign_in: SignIn, until: str) -> None:
    answer = send(sign_in("ada"), "/scheduler/pause", {"reason": "a new disk", "until": until})
    assert answer.status_code == 422 and 'value="a new disk"' in text_of(answer) and "field-until-error" in text_of(answer)
    assert pausing.current() is None


@pytest.mark.parametrize("path", ["/tasks", "/runs", "/queue", "/account", "/tasks/{task}", "/runs/{run}"])
def test_every_page_says_so(sign_in: SignIn, path: str) -> None:
    run = make_run()
    pausing.pause(SYSTEM, "a <b>new</b> disk", at("2026-03-02T13:30"))
    page = text_of(sign_in("victor").get(path.format(task=run.task_id, run=run.id)))
    assert "Everything is paused." in page and "a &lt;b&gt;new&lt;/b&gt; disk" in page and "03-02 21:30" in page
    assert "/scheduler/resume" not in page


def test_the_heartbeat_brings_the_banner(sign_in: SignIn) -> None:
    browser = sign_in("victor")
    assert "Everything is paused." not in text_of(browser.get("/p/heartbeat"))
    pausing.pause(SYSTEM)
    page = text_of(browser.get("/p/heartbeat"))
    assert 'id="pause-banner" hx-swap-oob="outerMorph"' in page and "Everything is paused." in page


def test_it_resumes_from_the_banner(sign_in: SignIn) -> None:
    pausing.pause(SYSTEM)
    browser = sign_in("ada")
    assert 'action="/scheduler/resume"' in text_of(browser.get("/runs?status=failed"))
    assert send(browser, "/scheduler/resume", {"next": "/runs"}).location == "/runs"
    assert pausing.current() is None and "Everything is paused." not in text_of(browser.get("/runs"))


def test_it_changes_a_pause(sign_in: SignIn, clock: FrozenClock) -> None:
    pausing.pause(SYSTEM, "a disk", at("2026-03-02T13:30"))
    page = text_of(sign_in("ada").get("/scheduler/pause"))
    assert "Change the pause" in page and 'value="2026-03-02T21:30"' in page and 'value="a disk"' in page


@pytest.mark.parametrize("name", ["edith", "oscar", "victor", "mallory"])
def test_it_is_for_administrators(sign_in: SignIn, name: str) -> None:
    make_task()
    browser = sign_in(name)
    assert "/scheduler/pause" not in text_of(browser.get("/tasks"))
    assert browser.get("/scheduler/pause").status_code == 403
    assert [send(browser, f"/scheduler/{verb}").status_code for verb in ("pause", "resume")] == [403, 403]
