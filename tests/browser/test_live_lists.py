"""The list of tasks in a browser with scripts: rows that live, actions with a way back, filters in the address, the keyboard."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.caller import Caller, Made
from tests.browser.conftest import row_of, toast

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
Make = Callable[..., Made]


def test_a_running_row_shows_how_far_it_is_and_can_be_stopped(visit: Visit, make_task: Make, admin: Caller) -> None:
    task = make_task("slow")
    admin.run(task)  # now there is an average to compare with
    admin.call("PUT", f"/tasks/{task.id}", {"command": "sleep 600"})
    row = row_of(page := visit(), task)
    row.get_by_role("button", name="Run").click()
    expect(row).to_contain_text("Running")
    expect(row.get_by_role("progressbar")).to_be_visible()
    expect(row.locator("time[data-elapsed]")).to_have_text(re.compile(r"0:0[1-9]"))  # it ticks
    row.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(toast(page).last).to_contain_text("told to stop")
    expect(row).to_contain_text("Cancelled")


def test_run_now_says_where_the_log_is(visit: Visit, make_task: Make) -> None:
    row = row_of(page := visit(), make_task("quick"))
    row.get_by_role("button", name="Run").click()
    toast(page).get_by_role("link", name="View log").click()
    expect(page.get_by_role("log")).to_contain_text("hello")


def test_a_switch_acts_at_once_and_can_be_undone(visit: Visit, make_task: Make) -> None:
    row = row_of(page := visit(), make_task("switched"))
    row.get_by_role("switch").click()
    expect(row.get_by_role("switch")).not_to_be_checked()
    expect(row).to_contain_text("Disabled")
    toast(page).get_by_role("button", name="Undo").click()
    expect(row.get_by_role("switch")).to_be_checked()


def test_a_deletion_asks_by_name_and_can_be_undone(visit: Visit, make_task: Make, admin: Caller) -> None:
    task = make_task("doomed")
    admin.run(task)
    row = row_of(page := visit(), task)
    row.get_by_label(f"More for {task.name}").click()
    row.get_by_text("Delete…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Delete “{task.name}”?")
    expect(dialog).to_contain_text("One run and its log")
    dialog.get_by_role("link", name="Cancel").click()
    expect(dialog).to_be_hidden()
    row.get_by_label(f"More for {task.name}").click()
    row.get_by_text("Delete…").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    toast(page).get_by_role("button", name="Undo").click()
    expect(toast(page).last).to_contain_text("is back")
    expect(row_of(page, task).get_by_role("switch")).not_to_be_checked()


def test_filters_live_in_the_address_and_the_back_button_undoes_them(visit: Visit, make_task: Make) -> None:
    one, other = make_task("apples"), make_task("pears", is_active=False)
    (page := visit()).goto("/tasks")
    page.get_by_role("main").get_by_role("searchbox").press_sequentially(one.name)
    expect(page).to_have_url(re.compile(r"\?q=apples"))
    expect(page.get_by_role("link", name=other.name, exact=True)).to_have_count(0)
    page.get_by_role("main").get_by_role("searchbox").fill("")
    expect(page.get_by_role("link", name=other.name, exact=True)).to_be_visible()
    page.get_by_role("link", name="Disabled").click()
    expect(page).to_have_url(re.compile("status=disabled"))
    expect(page.get_by_role("link", name=one.name, exact=True)).to_have_count(0)
    page.go_back()
    page.go_back()
    expect(page.get_by_role("main").get_by_role("searchbox")).to_have_value(one.name)
    expect(page.get_by_role("link", name=other.name, exact=True)).to_have_count(0)


def test_a_list_keeps_what_is_typed_and_ticked_while_it_refreshes(visit: Visit, make_task: Make, admin: Caller) -> None:
    task = make_task("ticked", tags=["kept"])
    row = row_of(page := visit(), task)
    row.get_by_role("checkbox").check()
    page.get_by_role("main").get_by_role("searchbox").focus()
    admin.run(task)
    expect(row).to_contain_text("Success")
    expect(row.get_by_role("checkbox")).to_be_checked()
    expect(page.get_by_role("main").get_by_role("searchbox")).to_be_focused()


def test_something_is_done_to_all_that_are_ticked(visit: Visit, make_task: Make) -> None:
    tasks = [make_task("many", tags=["bulk"]) for _ in range(3)]
    (page := visit()).goto("/tasks?tag=bulk")
    for task in tasks[:2]:
        page.get_by_label(f"Select {task.name}").check()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.locator("#bulk").get_by_role("button", name="Disable").click()
    expect(toast(page)).to_contain_text("2")
    expect(page.get_by_role("switch", checked=True)).to_have_count(1)


def test_something_is_deleted_in_bulk_only_after_asking(visit: Visit, make_task: Make) -> None:
    tasks = [make_task("many", tags=["bulk-delete"]) for _ in range(2)]
    (page := visit()).goto("/tasks?tag=bulk-delete")
    page.get_by_label("Select all").check()
    page.locator("#bulk").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_contain_text("2")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    for task in tasks:
        expect(page.get_by_role("link", name=task.name, exact=True)).to_have_count(0)


def test_the_keyboard_reaches_everything_and_is_silent_while_typing(visit: Visit, make_task: Make) -> None:
    task = make_task("keyed", tags=["keyed"])
    (page := visit()).goto("/tasks?tag=keyed")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Keyboard shortcuts")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("nt?")
    expect(page.get_by_role("main").get_by_role("searchbox")).to_have_value("nt?")
    page.goto("/tasks?tag=keyed")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name=task.name, exact=True)).to_be_focused()
    page.keyboard.press("x")
    expect(page.get_by_label(f"Select {task.name}")).to_be_checked()
    page.keyboard.press("p")
    expect(page.get_by_role("switch")).not_to_be_checked()
    page.goto("/tasks")
    page.keyboard.press("n")
    page.wait_for_url("**/tasks/new")


def test_the_language_stays_switched_in_every_browser(visit: Visit) -> None:
    page = visit("lin")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.goto("/account")
    expect(page.get_by_role("heading", level=1)).to_have_text("我的账户")
    other = visit("lin")
    other.goto("/account")
    expect(other.locator("html")).to_have_attribute("lang", "zh-CN")
    other.get_by_role("button", name="English").click()
    expect(other.get_by_role("heading", level=1)).to_have_text("My account")


def test_the_theme_stays_switched(visit: Visit) -> None:
    (page := visit(color_scheme="light")).goto("/account")
    background = "getComputedStyle(document.body).backgroundColor"
    bright = page.evaluate(background)
    page.keyboard.press("t")
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.goto("/runs")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert page.evaluate(background) != bright


def test_a_lost_server_is_said_once_and_forgotten_when_it_is_back(visit: Visit, make_task: Make) -> None:
    task = make_task("cut off")
    row_of(page := visit(expected=("ERR_INTERNET_DISCONNECTED", "htmx", "Failed to fetch")), task)
    page.context.set_offline(True)
    expect(toast(page)).to_have_text("The server cannot be reached.")
    page.context.set_offline(False)
    expect(toast(page)).to_have_count(0)
