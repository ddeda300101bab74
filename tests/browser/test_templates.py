"""Templates in a browser: what would come of one shows while it is filled in, rows come and go, a task becomes a template."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.caller import Caller, Made
from tests.browser.conftest import PHONE, field, toast

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]


def test_what_would_come_of_it_shows_while_it_is_filled_in(visit: Visit) -> None:
    (page := visit("edith")).goto("/templates/cleanup")
    expect(page.locator("#outcome")).to_contain_text("Every day at 03:00")
    field(page, "Folder").fill("/var/reports")
    expect(page.locator("#outcome")).to_contain_text("/var/reports")
    field(page, "Folder").fill("relative")
    expect(page.locator("#outcome")).to_contain_text("Fill in the fields")


def test_a_row_more_and_another_type_lose_nothing(visit: Visit) -> None:
    (page := visit("edith")).goto("/templates/new")
    page.get_by_role("button", name="Add a parameter").click()
    expect(page.locator("[name=p-name]")).to_have_count(4)
    page.locator("[name=p-name]").last.fill("depth")
    page.get_by_role("radio", name="HTTP request").check()
    expect(field(page, "Address")).to_be_visible()
    page.get_by_role("radio", name="Shell", exact=True).check()
    expect(field(page, "Command")).to_have_value('du -sh "$folder"')
    expect(page.locator("[name=p-name]").last).to_have_value("depth")


@pytest.mark.parametrize("options", [{}, {"viewport": PHONE, "has_touch": True}], ids=["desk", "phone"])
def test_a_task_is_saved_as_a_template_that_makes_another(visit: Visit, make_task, admin: Caller, options) -> None:
    task = make_task("greeting", command='echo "hello $who"', params={"who": "all"})
    (page := visit("edith", **options)).goto(task.path)
    page.locator(".page-head details.menu summary").click()
    page.get_by_role("link", name="Save as template").click()
    page.get_by_role("main").get_by_role("button", name="Save").and_(page.locator(".btn-primary")).click()
    expect(toast(page)).to_contain_text("was created")
    key = page.url.rpartition("/")[2]
    field(page, "Name").fill(f"{task.name} again")
    field(page, "who").fill("Lin; true")
    page.get_by_role("button", name="Create the task").click()
    page.wait_for_url("**/tasks/*")
    made = Made(int(page.url.rpartition("/")[2]), "")
    assert admin.call("GET", f"/tasks/{made.id}")["params"] == {"who": "Lin; true"}
    admin.forget(made)
    admin.call("DELETE", f"/templates/{key}")
