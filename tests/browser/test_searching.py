"""Ctrl+K: from any page to a task, a run, a page, without the mouse."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.caller import Caller, Made
from tests.browser.conftest import serious

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
Make = Callable[..., Made]


LATE_TIMERS = """
const soon = window.setTimeout;
window.setTimeout = (act, ms, ...more) => soon(act, document.readyState === "complete" ? ms : 1000, ...more);
"""


def search(page: Page, words: str) -> None:
    page.keyboard.press("ControlOrMeta+k")
    page.keyboard.type(words)


def test_it_finds_a_task_and_enter_goes_there(visit: Visit, make_task: Make) -> None:
    task = make_task("needle in the hay")
    (page := visit("oscar")).goto("/queue")
    search(page, task.name)
    expect(page.locator(f"#search-found [data-found='{task.name}']")).to_contain_text(task.name)
    assert serious(page) == []
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{task.path}")


def test_arrows_lead_through_what_was_found_and_escape_leaves(visit: Visit) -> None:
    (page := visit("edith")).goto("/runs")
    search(page, "import")
    link = page.locator("#search-found").get_by_role("link", name="Import", exact=True)
    expect(page.locator("#search-found [data-found=import]")).to_be_visible()  # no longer what the focus alone brought
    page.keyboard.press("ArrowDown")
    expect(link).to_be_focused()
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()


def test_it_hears_what_is_typed_as_soon_as_the_page_is_there(visit: Visit) -> None:
    (page := visit("edith")).add_init_script(LATE_TIMERS)
    page.goto("/runs")
    search(page, "import")
    expect(page.locator("#search-found [data-found=import]")).to_be_visible()


def test_it_runs_a_task_from_anywhere(visit: Visit, make_task: Make) -> None:
    task = make_task("from anywhere", command="echo as asked")
    (page := visit("oscar")).goto("/runs")
    search(page, task.name)
    page.locator("#search-found").get_by_role("button", name=f"Run now: {task.name}").click()
    expect(page.get_by_role("log")).to_contain_text("as asked")


def test_without_javascript_it_leads_to_a_page_of_results(visit: Visit, make_task: Make, admin: Caller) -> None:
    task = make_task("found without script")
    number = admin.run(task).rpartition("/")[2]
    (page := visit("victor", java_script_enabled=False)).goto("/tasks")
    page.get_by_role("search", name="Search everything").get_by_role("searchbox").fill(number)
    page.keyboard.press("Enter")
    page.get_by_role("main").get_by_role("link", name=task.name).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Run #")
