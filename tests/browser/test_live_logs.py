"""The page of a run in a browser with scripts: a log that grows, is followed, searched and pointed at; stop, and run again."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.caller import Caller, Made
from tests.browser.conftest import toast

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
Make = Callable[..., Made]

MIXED = """for n in $(seq 1 40); do echo row $n; done; echo needle one; sleep 0.1
echo 'a needle in red' >&2; sleep 0.1; echo NEEDLE three; exit 7"""
ENDLESS = "for n in $(seq 1 200); do echo early $n; done; while sleep 0.2; do echo late; done"
STUBBORN = "trap '' TERM; echo pid $$; while true; do sleep 0.1; done"


@pytest.fixture(scope="module")
def log_path(admin: Caller) -> str:
    """The page of a run that is over and whose log has both streams."""
    return admin.run(admin.make_task("mixed", command=MIXED))


def opened(page: Page, path: str) -> Locator:
    page.goto(path)
    return page.get_by_role("log")


def lines(page: Page) -> Locator:
    return page.locator(".log .line")


def test_a_search_counts_marks_and_goes_on(visit: Visit, log_path: str) -> None:
    log = opened(page := visit(), log_path)
    page.get_by_role("main").get_by_role("searchbox").fill("needle")
    expect(page.locator("#log-count")).to_contain_text("1 / 3")
    expect(log.locator("mark")).to_have_count(3)
    page.get_by_label("Next match").click()
    expect(page.locator("#log-count")).to_contain_text("2 / 3")
    expect(log.locator(".is-current")).to_contain_text("a needle in red")
    expect(page).to_have_url(re.compile("q=needle"))


def test_one_stream_can_be_read_alone(visit: Visit, log_path: str) -> None:
    opened(page := visit(), log_path)
    page.get_by_role("link", name="stderr").click()
    expect(lines(page)).to_have_count(1)
    expect(lines(page)).to_contain_text("a needle in red")
    expect(page).to_have_url(re.compile("stream=stderr"))


def test_a_line_and_a_range_of_lines_can_be_pointed_at(visit: Visit, log_path: str) -> None:
    log = opened(page := visit(), f"{log_path}#L5")
    expect(log.locator(".is-marked")).to_have_text(re.compile("row 5$"))
    log.locator("#L7 .line-number").click()
    log.locator("#L9 .line-number").click(modifiers=["Shift"])
    expect(page).to_have_url(re.compile("#L7-L9$"))
    expect(log.locator(".is-marked")).to_have_count(3)
    page.reload()
    expect(log.locator(".is-marked")).to_have_count(3)


def test_a_failure_says_why_and_leads_to_the_first_error(visit: Visit, log_path: str) -> None:
    log = opened(page := visit(), log_path)
    expect(page.get_by_role("alert")).to_contain_text("Exit code 7")
    expect(page.get_by_role("alert")).to_contain_text("a needle in red")
    page.get_by_role("link", name="Open at the first error").click()
    expect(log.locator("#L42")).to_be_in_viewport()
    expect(log.locator(".is-marked")).to_contain_text("a needle in red")


def test_wrapping_is_remembered(visit: Visit, log_path: str) -> None:
    opened(page := visit(), log_path)
    page.keyboard.press("w")
    expect(page.get_by_role("button", name="Wrap long lines")).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(page.get_by_role("button", name="Wrap long lines")).to_have_attribute("aria-pressed", "true")


def test_following_pauses_when_somebody_scrolls_up(visit: Visit, make_task: Make, admin: Caller) -> None:
    log = opened(page := visit(), admin.begin(make_task("endless", command=ENDLESS)))
    expect(log).to_contain_text("late")
    follow = page.get_by_role("button", name="Follow")
    expect(follow).to_have_attribute("aria-pressed", "true")
    log.hover()
    page.mouse.wheel(0, -1200)
    expect(follow).to_have_attribute("aria-pressed", "false")
    pill = page.get_by_role("button", name="new lines")
    expect(pill).to_be_visible()
    place = log.evaluate("log => log.scrollTop")
    expect(pill).to_contain_text(re.compile(r"\d\d new lines"))
    assert log.evaluate("log => log.scrollTop") == place
    pill.click()
    expect(follow).to_have_attribute("aria-pressed", "true")
    expect(log.locator(".line").last).to_be_in_viewport()


def test_a_search_in_a_live_log_goes_to_the_match_and_calls_nothing_new(visit: Visit, make_task: Make, admin: Caller) -> None:
    log = opened(page := visit(), admin.begin(make_task("endless", command=ENDLESS)))
    expect(log).to_contain_text("early 200")
    page.get_by_role("main").get_by_role("searchbox").fill("early 12")
    expect(page.locator("#log-count")).to_contain_text("1 / 11")
    expect(log.locator("#L12")).to_be_in_viewport()
    expect(page.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_role("button", name=re.compile(r"\d{3} new lines"))).to_have_count(0)


def test_a_run_that_does_not_heed_is_killed_at_the_second_asking(visit: Visit, make_task: Make, admin: Caller) -> None:
    log = opened(page := visit(), admin.begin(make_task("stubborn", command=STUBBORN, kill_grace_seconds=300)))
    expect(log).to_contain_text("pid")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.get_by_role("main")).to_contain_text("admin asked it to stop")
    page.get_by_role("button", name="Kill now").click()
    page.get_by_role("dialog").get_by_role("button", name="Kill now").click()
    expect(page.locator("#run-head")).to_contain_text("Cancelled")
    expect(page.locator(".log-sentinel")).to_have_count(0)


def test_progress_is_shown_while_it_runs(visit: Visit, make_task: Make, admin: Caller) -> None:
    task = make_task("telling", command="echo '::progress 65 loading rows'; sleep 600")
    page = visit()
    page.goto(admin.begin(task))
    expect(page.get_by_role("progressbar", name="Progress")).to_have_attribute("value", re.compile("^65"))
    expect(page.get_by_role("main")).to_contain_text("loading rows")


def test_running_again_lands_on_the_new_log(visit: Visit, make_task: Make, admin: Caller) -> None:
    path = admin.run(make_task("again"))
    log = opened(page := visit(), path)
    page.get_by_role("button", name="Run again").click()
    page.wait_for_url(lambda address: "/runs/" in address and not address.endswith(path))
    expect(log).to_contain_text("hello")


def test_a_retry_takes_the_place_of_the_attempt_before(visit: Visit, make_task: Make, admin: Caller) -> None:
    task = make_task("tried", command='echo "try $SCHEDULER_ATTEMPT"; sleep 1; exit 3', retry_count=1, retry_delay_seconds=2)
    log = opened(page := visit(), admin.begin(task))
    expect(log).to_contain_text("try 1")
    expect(page.locator("#run-head")).to_contain_text("Waiting to retry")
    expect(log).to_contain_text("try 2", timeout=10_000)
    expect(log).not_to_contain_text("try 1")
    page.get_by_role("link", name="Attempt 1").click()
    expect(log).to_contain_text("try 1")


def test_the_tasks_page_lives_too(visit: Visit, make_task: Make) -> None:
    task = make_task("lively", command="echo one; sleep 1; echo two")
    (page := visit()).goto(task.path)
    page.evaluate("window.notReloaded = true")
    expect(page.get_by_role("main")).to_contain_text("This task has not run yet.")
    other = visit()
    other.goto(task.path)
    other.keyboard.press("r")
    expect(other.get_by_role("log")).to_contain_text("one")
    expect(page.locator(".page-head")).to_contain_text("Success")
    expect(page.get_by_role("row")).to_have_count(2)
    assert page.evaluate("window.notReloaded")
    expect(toast(page)).to_have_count(0)
