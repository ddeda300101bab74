"""What people and tasks may write must stay text: nothing of it runs, nothing of it breaks a page; and two editors at once."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.caller import Caller, Made
from tests.browser.conftest import field, row_of, toast

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
Make = Callable[..., Made]

EVIL = "window.__pwned = 1"
MARKUP = [
    f"<script>{EVIL}</script>",
    f"<img src=x onerror='{EVIL}'>",
    f'" onmouseover="{EVIL}" autofocus onfocus="{EVIL}',
    f"</textarea></title><svg onload='{EVIL}'>",
    "<form hx-post='/logout' hx-trigger='load'></form>",
    "{{ 7 * 7 }} ${7 * 7} {0} %(name)s",
]
NAME = "x' onclick='a()' {{ 7*7 }} ${7*7} %(name)s \\ &amp;"  # what a name may be made of
OUTPUT = rf"""
echo '<script>{EVIL}</script><img src=x onerror="{EVIL}">'
printf '\033[31mred\033[0m \033]8;;javascript:{EVIL}\033\\link\033]8;;\033\\ \033[2J\033[999;1H\n'
printf 'a NUL \000 here\n'
printf '\304\343\272\303 in GBK\n'
printf 'money \342\200\256 txt.exe\n'
printf 'progress 1\rprogress 2\n'
head -c 1000000 /dev/zero | tr '\0' x; echo
echo '<div hx-get="/logout" hx-trigger="load"></div>'
echo the end
"""


@pytest.fixture(scope="module")
def pages(admin: Caller) -> Iterator[list[str]]:
    """Every page that shows something of a task whose words are all hostile."""
    words = " ".join(MARKUP)
    command = f'echo "$A"; echo "$A" >&2; echo "::summary $A"; echo "::progress 5 $A"; exit 4 # {words}'
    made = admin.make_task(NAME, description=words, tags=[NAME], command=command, env={"A": words})
    gone = admin.make_task(NAME)
    admin.forget(gone)
    admin.run(made)
    own = ["", "?tab=config", "?tab=audit", "/edit", "/clone", "/delete", "/history", "/logs"]
    yield [
        "/tasks",
        f"/tasks?q={MARKUP[0]}&tag={MARKUP[1]}&group={MARKUP[2]}",
        "/runs",
        "/trash",
        *(made.path + part for part in own),
    ]
    admin.forget(made)


def test_nothing_people_write_runs_on_any_page(visit: Visit, pages: list[str]) -> None:
    page = visit()
    for path in pages:
        page.goto(path)
        expect(page.get_by_role("main")).to_be_visible()
        assert page.evaluate("window.__pwned") is None, path
        assert page.locator("script:not([src]), main img, [onerror], [onload], [onmouseover], [onfocus]").count() == 0, path


def test_a_dialog_and_a_toast_show_a_hostile_name_as_it_is(visit: Visit, make_task: Make) -> None:
    row = row_of(page := visit(), task := make_task(NAME))
    row.get_by_role("button", name="Run").click()
    expect(toast(page)).to_contain_text(task.name)
    row.get_by_label("More for").click()
    row.get_by_text("Delete…").click()
    expect(page.get_by_role("dialog")).to_contain_text(task.name)
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(toast(page).last).to_contain_text(task.name)


def test_a_hostile_log_is_text_and_the_page_stays_usable(visit: Visit, make_task: Make, admin: Caller) -> None:
    path = admin.run(make_task("noise", command=OUTPUT))
    (page := visit()).goto(path)
    log = page.get_by_role("log")
    expect(log).to_contain_text("the end")
    expect(log).to_contain_text(f"<script>{EVIL}</script>")
    expect(log).to_contain_text("in GBK")
    expect(log).to_contain_text("money  txt.exe")
    expect(log).to_contain_text("this line is longer; download the log")
    expect(log.locator("[class*=ansi-fg1]")).to_have_text("red")
    assert log.locator("script, img, [hx-get], a[href^=javascript]").count() == 0
    assert page.evaluate("window.__pwned") is None
    page.get_by_role("main").get_by_role("searchbox").fill("the end")
    expect(page.locator("#log-count")).to_contain_text("1 / 1")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_hostile_log_is_downloaded_byte_by_byte(visit: Visit, make_task: Make, admin: Caller) -> None:
    (page := visit()).goto(admin.run(make_task("noise", command=OUTPUT)))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    content = download.value.path().read_bytes()
    assert b"a NUL \0 here\n" in content and b"\xc4\xe3\xba\xc3 in GBK\n" in content and b"x" * 1_000_000 in content


def test_a_hostile_address_is_only_an_address(visit: Visit, make_task: Make, admin: Caller) -> None:
    path = admin.run(make_task("quiet"))
    page = visit()
    for query in (f"?q={MARKUP[0]}", f"?stream={MARKUP[0]}&find=x", "?attempt=-1&match=x&around=99999999999999999999&after=%00"):
        page.goto(path + query)
        expect(page.get_by_role("log")).to_contain_text("hello")
        assert page.evaluate("window.__pwned") is None


def test_the_second_of_two_editors_is_told_and_overwrites_nothing(visit: Visit, make_task: Make, admin: Caller) -> None:
    task = make_task("contested", command="echo before")
    first, second = visit("edith"), visit("admin", expected=("status of 409",))
    for page in (first, second):
        page.goto(f"{task.path}/edit")
    field(first, "Command").fill("echo first")
    first.keyboard.press("Control+s")
    expect(toast(first)).to_contain_text("is saved")
    field(second, "Command").fill("echo second")
    second.keyboard.press("Control+s")
    expect(second.get_by_role("alert")).to_contain_text("echo first")
    expect(field(second, "Command")).to_have_value("echo second")
    assert admin.call("GET", f"/tasks/{task.id}")["command"] == "echo first"


def test_a_form_sent_after_signing_out_elsewhere_asks_to_sign_in(visit: Visit, make_task: Make, admin: Caller) -> None:
    admin.make_user("paul", "operator")
    page = visit("paul", expected=("status of 401",))
    row = row_of(page, make_task("late"))
    expect(row).to_be_visible()
    Caller(admin.address, "paul").post("/account/sign-ins/end", others="1")
    row.get_by_role("button", name="Run").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
