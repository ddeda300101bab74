"""Everything a person does with the product, in a browser that runs no scripts."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.caller import Caller, Made
from tests.browser.conftest import Server, field, row_of, sign_in, toast

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
Make = Callable[..., Made]
PLAIN = {"java_script_enabled": False}


def test_a_task_is_made_with_another_kind_of_schedule(visit: Visit, admin: Caller) -> None:
    (page := visit("edith", **PLAIN)).goto("/tasks/new")
    field(page, "Name").fill("by hand of Edith")
    field(page, "Command").fill("echo written without a script")
    page.get_by_role("radio", name="Weekly").check()
    page.locator("button[value=schedule]").click()
    expect(field(page, "Name")).to_have_value("by hand of Edith")  # nothing typed is lost
    page.get_by_role("checkbox", name="Tuesday").check()
    page.get_by_role("button", name="Save", exact=False).and_(page.locator(".btn-primary")).click()
    expect(toast(page)).to_contain_text("was created")
    expect(page.get_by_role("main")).to_contain_text("Tuesday")
    admin.forget(Made(int(page.url.rpartition("/")[2]), ""))


def test_another_type_of_task_brings_its_own_fields(visit: Visit) -> None:
    (page := visit("edith", **PLAIN)).goto("/tasks/new")
    page.get_by_role("radio", name="HTTP request").check()
    page.locator("button[value=type]").click()
    expect(field(page, "Address")).to_be_visible()


def test_a_template_is_made_used_and_deleted(visit: Visit, admin: Caller) -> None:
    (page := visit("edith", **PLAIN)).goto("/templates/new")
    field(page, "Name").fill("Sizes")
    page.locator("button[value=rows]").click()
    expect(field(page, "Name")).to_have_value("Sizes")  # nothing typed is lost
    page.get_by_role("main").get_by_role("button", name="Save").and_(page.locator(".btn-primary")).click()
    field(page, "folder").fill("/tmp/my folder")
    page.get_by_role("button", name="Show what comes of it").click()
    expect(page.locator("#outcome")).to_contain_text("/tmp/my folder")
    page.get_by_role("button", name="Create the task").click()
    expect(toast(page)).to_contain_text("was created")
    admin.forget(Made(int(page.url.rpartition("/")[2]), ""))
    page.goto("/templates/sizes")
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("main")).not_to_contain_text("Sizes")


def test_enter_in_a_field_saves_and_a_wrong_schedule_is_refused(visit: Visit) -> None:
    page = visit("edith", expected=("status of 422",), **PLAIN)
    page.goto("/tasks/new")
    page.get_by_role("radio", name="Cron").check()
    page.locator("button[value=schedule]").click()
    field(page, "Command").fill("echo kept")
    field(page, "hour").fill("25")
    field(page, "hour").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("25")
    expect(field(page, "Command")).to_have_value("echo kept")


def test_a_task_is_run_and_its_log_read(visit: Visit, make_task: Make) -> None:
    task = make_task("plain", command="echo seen without a script")
    row_of(page := visit("oscar", **PLAIN), task).get_by_role("button", name="Run").click()
    toast(page).get_by_role("link", name="View log").click()
    page.get_by_role("button", name="Run again").or_(page.get_by_role("log")).first.wait_for()
    _until_over(page)
    expect(page.get_by_role("log")).to_contain_text("seen without a script")
    page.get_by_role("main").get_by_role("searchbox").fill("seen")
    page.get_by_role("main").get_by_role("searchbox").press("Enter")
    expect(page.locator("#log-count")).to_contain_text("1 / 1")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.path().read_bytes() == b"seen without a script\n"


def test_a_run_is_stopped_from_the_list(visit: Visit, make_task: Make, admin: Caller) -> None:
    task = make_task("plain", command="sleep 600")
    admin.begin(task)
    row = row_of(page := visit("oscar", **PLAIN), task)
    row.get_by_role("button", name="Stop").click()
    expect(toast(page)).to_contain_text("told to stop")


def test_a_task_is_disabled_and_enabled(visit: Visit, make_task: Make) -> None:
    row = row_of(page := visit("oscar", **PLAIN), make_task("plain"))
    row.get_by_role("switch").click()
    expect(row.get_by_role("switch")).not_to_be_checked()
    toast(page).get_by_role("button", name="Undo").click()
    expect(row.get_by_role("switch")).to_be_checked()


def test_a_task_is_deleted_after_asking_and_restored(visit: Visit, make_task: Make) -> None:
    task = make_task("plain")
    row = row_of(page := visit("edith", **PLAIN), task)
    row.get_by_label(f"More for {task.name}").click()
    row.get_by_text("Delete…").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(task.name)
    page.get_by_role("button", name="Delete").click()
    expect(toast(page)).to_contain_text("was deleted")
    page.goto("/trash")
    page.get_by_role("button", name=f"Restore {task.name}").click()
    expect(toast(page)).to_contain_text("is back")
    expect(row_of(page, task)).to_be_visible()


def test_many_tasks_are_disabled_at_once(visit: Visit, make_task: Make) -> None:
    tasks = [make_task("plain", tags=["plain-bulk"]) for _ in range(2)]
    (page := visit("oscar", **PLAIN)).goto("/tasks?tag=plain-bulk")
    for task in tasks:
        page.get_by_label(f"Select {task.name}").check()
    page.locator("#bulk").get_by_role("button", name="Disable").click()
    expect(page.get_by_role("switch", checked=True)).to_have_count(0)
    expect(page.get_by_role("switch")).to_have_count(2)


def test_the_list_is_filtered(visit: Visit, make_task: Make) -> None:
    one, other = make_task("plain", tags=["plain-one"]), make_task("plain", tags=["plain-other"])
    (page := visit("oscar", **PLAIN)).goto("/tasks")
    page.get_by_role("combobox", name="Tag").select_option("plain-one")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("link", name=one.name, exact=True)).to_be_visible()
    expect(page.get_by_role("link", name=other.name, exact=True)).to_have_count(0)


def test_sign_ins_are_ended_here_and_elsewhere(open_browser: Callable[..., Page], server: Server, admin: Caller) -> None:
    admin.make_user("paula", "viewer")
    page = sign_in(open_browser(server, **PLAIN), "paula")
    page.goto("/account")
    page.get_by_role("button", name="End all the others").click()
    expect(page.get_by_role("button", name="End all the others")).to_have_count(0)
    page.get_by_role("group").filter(has_text="paula").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.goto("/account")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def _until_over(page: Page) -> None:
    """Reload, as somebody without scripts does, until the run is over."""
    for _ in range(20):
        if page.get_by_role("button", name="Run again").count():
            return
        page.reload()
    raise AssertionError("the run did not end")
