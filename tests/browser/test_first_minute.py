"""The first minute of a newcomer: from the password on the console to the log of a task that fires by itself."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PASSWORD, Server, field, sign_in

pytestmark = pytest.mark.browser

OWN = "a password of my own"
COMMAND = "for n in 1 2 3 4; do echo beat $n; sleep 0.5; done; printf 'no newline at the end'"
BYTES = b"beat 1\nbeat 2\nbeat 3\nbeat 4\nno newline at the end"


@pytest.fixture(scope="module")
def empty(start_server: Callable[..., Server]) -> Server:
    """A server that was started for the first time, with nothing said about its administrator."""
    return start_server()


def test_it_takes_a_newcomer_from_the_console_to_a_log_that_moves(empty: Server, open_browser: Callable[..., Page]) -> None:
    page = open_browser(empty, expected=("status of 422",))
    _sign_in_for_the_first_time(page, empty)
    _begin_a_task(page)
    _watch_the_preview(page)
    _save(page)
    row = _see_it_fire(page)
    _read_its_log(page, row)
    _download_its_log(page)


def _sign_in_for_the_first_time(page: Page, server: Server) -> None:
    found = re.search(r"one-time password\s+(\S+)", server.console)
    assert found
    page.goto("/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(found[1])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("note")).to_contain_text("Choose your own")
    page.goto("/tasks/new")  # nothing else is open before
    page.get_by_label("Present password").fill(found[1])
    field(page, "New password").fill(OWN)
    page.get_by_label("New password again").fill(OWN)
    page.get_by_role("button", name="Change the password").click()


def _begin_a_task(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Make your first task")
    page.get_by_role("link", name="New task").click()
    field(page, "Name").fill("heartbeat")
    field(page, "Command").fill(COMMAND)


def _watch_the_preview(page: Page) -> None:
    preview = page.get_by_role("complementary", name="Preview of the schedule")
    expect(preview).to_contain_text("Every day at 02:00")
    page.get_by_role("radio", name="Cron").check()
    hour = field(page, "hour")
    expect(hour).to_have_value("2")  # the builder and the expression are one value
    hour.fill("5")
    expect(preview).to_contain_text("Every day at 05:00")
    hour.fill("25")
    expect(page.locator("#cron-notes")).to_contain_text("25")
    expect(hour).to_have_attribute("aria-invalid", "true")
    expect(preview).to_contain_text("this was the last valid one")
    expect(preview).to_contain_text("Every day at 05:00")
    page.get_by_role("button", name="Save", exact=False).first.click()
    expect(page.get_by_role("alert")).to_contain_text("25")
    expect(field(page, "Command")).to_have_value(COMMAND)
    page.get_by_label("Or a whole line").fill("*/4 * * * * *")
    page.get_by_label("Or a whole line").press("Tab")
    expect(preview).to_contain_text("Every 4 seconds")


def _save(page: Page) -> None:
    page.keyboard.press("Control+s")
    expect(page.get_by_role("status")).to_contain_text("“heartbeat” was created.")


def _see_it_fire(page: Page) -> Locator:
    page.get_by_role("link", name="Tasks").first.click()
    page.evaluate("window.notReloaded = true")
    row = page.get_by_role("row").filter(has_text="heartbeat")
    expect(row).to_contain_text("Running", timeout=25_000)
    assert page.evaluate("window.notReloaded")
    return row


def _read_its_log(page: Page, row: Locator) -> None:
    row.get_by_role("link", name="Log of heartbeat").click()
    log = page.get_by_role("log")
    expect(log).to_contain_text("beat 1")
    page.evaluate("window.notReloaded = true")
    expect(log).to_contain_text("no newline at the end")
    expect(page.locator("#run-head")).to_contain_text("Success")
    assert page.evaluate("window.notReloaded")
    expect(page.locator(".log-sentinel")).to_have_count(0)


def _download_its_log(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download").click()
    assert waiting.value.path().read_bytes() == BYTES
    assert waiting.value.suggested_filename.startswith("heartbeat-")
    with page.expect_request("**/p/heartbeat"):  # five seconds later nobody has asked for more of this log
        pass
    assert not [url for url in asked if "/log?" in url]


def test_it_shows_a_log_that_moves_after_one_click_on_the_example(
    start_server: Callable[..., Server], open_browser: Callable[..., Page]
) -> None:
    page = sign_in(open_browser(start_server(SCHEDULER_ADMIN_PASSWORD=PASSWORD)))
    page.get_by_role("button", name="Try an example").click()
    page.wait_for_url("**/runs/*")
    expect(page.get_by_role("log").locator(".line")).not_to_have_count(0)
    expect(page.locator("#run-head")).to_contain_text("Success", timeout=30_000)
    page.goto("/tasks")
    expect(page.get_by_role("row").filter(has_text="Success")).to_have_count(1)
