"""Trying out a form before it is saved: the live log on top of it, stopping, and everything typed still there."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.caller import Made
from tests.browser.conftest import PHONE, field, serious, toast

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]


def try_out(page: Page, command: str) -> Locator:
    page.goto("/tasks/new")
    field(page, "Name").fill("not saved yet")
    field(page, "Command").fill(command)
    page.get_by_role("button", name="Test run without saving").click()
    return page.locator("#trial")


@pytest.mark.parametrize("view", [{}, {"viewport": PHONE, "has_touch": True, "color_scheme": "dark"}])
def test_the_log_moves_on_top_of_the_form_and_nothing_is_saved(visit: Visit, view: dict[str, object]) -> None:
    page = visit("edith", **view)
    trial = try_out(page, "for n in 1 2 3; do echo beat $n; sleep 0.7; done; echo alas >&2; exit 3")
    expect(trial.get_by_role("log")).to_contain_text("beat 1")
    expect(trial.get_by_text("Running", exact=True)).to_be_visible()
    expect(trial.get_by_role("alert")).to_contain_text("Exit code 3")
    expect(trial.get_by_role("log")).to_contain_text("alas")
    assert serious(page, "#trial") == []
    page.keyboard.press("Escape")
    expect(trial).to_have_count(0)
    expect(field(page, "Name")).to_have_value("not saved yet")
    page.goto("/tasks?q=not saved yet")
    expect(page.get_by_role("row").filter(has_text="not saved yet")).to_have_count(0)


def test_it_is_stopped_without_leaving_the_form(visit: Visit) -> None:
    trial = try_out(page := visit("edith"), "sleep 600")
    expect(trial.get_by_role("log")).to_contain_text("has printed nothing so far")
    trial.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog", name="Stop this run?").get_by_role("button", name="Stop").click()
    expect(toast(page)).to_contain_text("being stopped")
    expect(trial.get_by_text("Cancelled", exact=True)).to_be_visible()
    expect(field(page, "Command")).to_have_value("sleep 600")


def test_what_is_wrong_is_said_at_the_field(visit: Visit) -> None:
    page = visit("edith", expected=("status of 422",))
    expect(try_out(page, "")).to_have_count(0)
    expect(field(page, "Command")).to_have_attribute("aria-invalid", "true")
    expect(field(page, "Name")).to_have_value("not saved yet")
    field(page, "Command").fill("echo better")
    page.get_by_role("button", name="Test run without saving").click()
    expect(page.locator("#trial").get_by_role("log")).to_contain_text("better")


def test_a_closed_dialog_stays_closed(visit: Visit, make_task: Callable[..., Made]) -> None:
    page = visit("edith")
    page.goto(make_task("kept").path)
    page.locator(".page-head details.menu summary").click()
    page.locator(".page-head .menu-item.text-bad").click()
    page.get_by_role("dialog").get_by_role("link", name="Cancel").click()
    with page.expect_response("**/p/heartbeat"):  # whatever comes in must not open it again
        pass
    expect(page.get_by_role("dialog")).to_have_count(0)
