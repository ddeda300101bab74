"""What each role finds on the pages, and what it does not; the matrix itself is tested at the gate."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.caller import Caller, Made

pytestmark = pytest.mark.browser

RUN, EDIT, DELETE, NEW = "Run now", "Edit", "Delete…", "New task"
BUTTONS = (RUN, "Disable", EDIT, "Clone", DELETE)
MAY = {
    "victor": set(),
    "oscar": {RUN, "Disable"},
    "edith": set(BUTTONS),
    "admin": set(BUTTONS),
}


@pytest.fixture(scope="module")
def task(admin: Caller) -> Iterator[Made]:
    made = admin.make_task("shared", command="echo seen; echo 'wrong' >&2", env={"PASSAGE": "east"})
    admin.run(made)
    yield made
    admin.forget(made)


@pytest.mark.parametrize("username", MAY)
def test_a_tasks_page_offers_what_the_role_may_do_and_nothing_else(visit: Callable[..., Page], task: Made, username: str) -> None:
    page = visit(username)
    page.goto(task.path)
    expect(page.get_by_role("heading", level=1)).to_have_text(task.name)
    page.get_by_label(f"More for {task.name}").click()
    for name in BUTTONS:
        action = page.locator(".page-head").locator("button, a").filter(has_text=re.compile(rf"^\s*{name}"))
        assert bool(action.count()) == (name in MAY[username]), name


@pytest.mark.parametrize("username", MAY)
def test_the_list_offers_what_the_role_may_do_and_nothing_else(visit: Callable[..., Page], task: Made, username: str) -> None:
    page = visit(username)
    page.goto(f"/tasks?q={task.name}")
    row = page.get_by_role("row").filter(has_text=task.name)
    expect(row).to_contain_text("Success")
    expect(row.get_by_role("button", name="Run")).to_have_count(int(RUN in MAY[username]))
    expect(row.get_by_role("switch")).to_have_count(int("Disable" in MAY[username]))
    expect(row.get_by_role("checkbox")).to_have_count(int("Disable" in MAY[username]))
    expect(page.get_by_role("link", name=NEW)).to_have_count(int(EDIT in MAY[username]))
    expect(page.get_by_role("link", name="Trash")).to_have_count(int(EDIT in MAY[username]))
    expect(page.get_by_role("link", name="Users")).to_have_count(int(username == "admin"))


def test_a_viewer_reads_the_log_and_cannot_run_again(visit: Callable[..., Page], task: Made) -> None:
    page = visit("victor")
    page.goto(f"{task.path}/logs")
    expect(page.get_by_role("log")).to_contain_text("seen")
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    expect(page.get_by_role("button", name="Run again")).to_have_count(0)


def test_a_viewer_sees_the_names_of_environment_variables_but_not_their_values(visit: Callable[..., Page], task: Made) -> None:
    page = visit("victor")
    page.goto(f"{task.path}?tab=config")
    expect(page.get_by_role("main")).to_contain_text("PASSAGE")
    expect(page.get_by_role("main")).not_to_contain_text("east")


@pytest.mark.parametrize(
    ("username", "status", "paths"),
    [
        ("victor", 403, ["/tasks/new", "{task}/edit", "{task}/delete", "/trash", "/admin/users"]),
        ("oscar", 403, ["{task}/edit", "{task}/clone", "/tasks/new", "/admin/users/new"]),
        ("edith", 403, ["/admin/users", "/admin/users/1", "/admin/secrets", "/admin/secrets/new"]),
        ("edith", 404, ["/tasks/999999", "/tasks/999999/edit", "/runs/999999", "/nowhere"]),
        ("mallory", 404, ["{task}", "{task}/logs", "{task}/history", "{run}"]),
        ("mallory", 403, ["{task}/edit", "/tasks/999999/edit", "/tasks/new"]),  # there is no task she might edit
    ],
)
def test_a_forbidden_address_answers_with_a_page_and_a_way_out(
    visit: Callable[..., Page], admin: Caller, task: Made, username: str, status: int, paths: list[str]
) -> None:
    page = visit(username, expected=(f"status of {status}",))
    for path in paths:
        answer = page.goto(path.format(task=task.path, run=admin.last_run(task)))
        assert answer and answer.status == status, path
        expect(page.get_by_role("main")).to_contain_text(str(status))
        expect(page.get_by_role("link", name="Go to the tasks")).to_be_visible()


def test_a_stranger_limited_to_groups_finds_nothing(visit: Callable[..., Page], task: Made) -> None:
    page = visit("mallory")
    page.goto("/tasks")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no task yet.")
    expect(page.get_by_role("link", name=NEW)).to_have_count(0)
    page.goto("/runs")
    expect(page.get_by_role("main")).to_contain_text("Nothing has run yet.")
    page.goto(f"/tasks?q={task.name}")
    expect(page.get_by_role("main")).not_to_contain_text(task.name)


def test_a_private_task_is_seen_by_its_owner_and_administrators_only(
    visit: Callable[..., Page], make_task: Callable[..., Made]
) -> None:
    secret = make_task("private", private=True)
    page = visit("edith", expected=("status of 404",))
    page.goto(f"/tasks?q={secret.name}")
    expect(page.get_by_role("main")).not_to_contain_text(secret.name)
    page.goto(secret.path)
    expect(page.get_by_role("main")).to_contain_text("404")


def test_nobody_comes_in_without_signing_in(open_browser: Callable[..., Page], task: Made, server: object) -> None:
    page = open_browser(server)
    page.goto(f"{task.path}?tab=config")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert task.name not in page.content()


def test_whoever_is_switched_off_is_out_at_the_next_step(visit: Callable[..., Page], admin: Caller) -> None:
    admin.make_user("leaver", "viewer")
    page = visit("leaver")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    number = admin.get("/admin/users").text.partition(">leaver</a>")[0].rpartition("/admin/users/")[2].partition('"')[0]
    admin.post(f"/admin/users/{number}", role="viewer")
    page.goto("/runs")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
