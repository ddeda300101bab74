"""The page of the API: calls that are tried in the browser, and without scripts the line to copy."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.caller import Caller, Made

pytestmark = pytest.mark.browser
PATH = "/api/v1/scheduler/groups"


def opened(page: Page, method: str, path: str) -> Locator:
    """The folded call, unfolded."""
    page.goto(f"/api/docs?q={path.replace('/', '+')}")
    calls = page.locator("details.reference-call").filter(has=page.locator("> summary .method", has_text=method))
    call = calls.filter(has=page.locator(f"> summary code:text-is('{path}')"))
    if call.get_attribute("open") is None:
        call.locator("> summary").click()
    return call


def answered(call: Locator) -> dict[str, object]:
    """What stands as the answer."""
    expect(call.locator(".try-status")).not_to_be_empty()
    found: dict[str, object] = json.loads(call.locator("[data-try-text]").inner_text())
    return found


def test_a_call_is_tried_with_the_session_and_its_answer_shown(
    visit: Callable[..., Page], make_task: Callable[..., Made]
) -> None:
    task = make_task("tried")
    call = opened(visit(), "GET", "/api/v1/scheduler/tasks/{task_id}")
    call.get_by_role("button", name="Try it: GET").click()
    call.locator("form.try").get_by_label("task_id").fill(str(task.id))
    call.get_by_role("button", name="Send").click()
    found = answered(call)
    assert isinstance(found["data"], dict) and found["data"]["name"] == task.name
    expect(call.locator(".try-status")).to_contain_text("200 OK")
    call.locator("[data-try-answer] summary").click()
    expect(call.locator("[data-try-headers]")).to_contain_text("content-type: application/json")


def test_what_changes_something_says_so_and_is_sent_with_the_pages_token(visit: Callable[..., Page], admin: Caller) -> None:
    call = opened(visit(), "POST", PATH)
    call.get_by_role("button", name="Try it: POST").click()
    expect(call.get_by_text("This is no rehearsal")).to_be_visible()
    call.locator("form.try").get_by_label("Body").fill('{"name": "Tried in the browser"}')
    call.get_by_role("button", name="Send").click()
    made = answered(call)["data"]
    assert isinstance(made, dict)
    assert admin.call("GET", f"/groups/{made['id']}")["name"] == "Tried in the browser"
    admin.call("DELETE", f"/groups/{made['id']}")


def test_what_is_refused_is_shown_as_it_is_said(visit: Callable[..., Page]) -> None:
    call = opened(visit(expected=("status of 400",)), "POST", PATH)
    call.get_by_role("button", name="Try it: POST").click()
    call.locator("form.try").get_by_label("Body").fill("{")
    call.get_by_role("button", name="Send").click()
    assert answered(call)["code"] == 400


def test_without_scripts_there_is_the_line_to_copy(visit: Callable[..., Page]) -> None:
    call = opened(visit(java_script_enabled=False), "POST", PATH)
    expect(call.get_by_text("curl -X POST")).to_be_visible()
    expect(call.get_by_role("button", name="Try it: POST")).to_be_hidden()
    call.get_by_text("What it may answer").click()
    expect(call.get_by_label(f"An answer of {PATH}")).to_contain_text('"task_count"')
