"""Every page, on a desk and on a phone, light and dark, in both languages: accessible, whole, quiet and all in one language."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import reduce
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.caller import Caller
from tests.browser.conftest import DESKTOP, PHONE, Server, serious, sign_in, watched

pytestmark = pytest.mark.browser

VIEWS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": DESKTOP, "locale": "en-US", "color_scheme": "light"},
    "dark desk": {"viewport": DESKTOP, "locale": "zh-CN", "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "locale": "zh-CN", "color_scheme": "light", "has_touch": True},
}
PAGES = [
    "/tasks",
    "/tasks?q=nothing-is-called-this",
    "/tasks/new",
    "/tasks/import",
    "{good}",
    "{good}/edit",
    "{good}/clone",
    "{good}/delete",
    "{good}/history",
    "{bad}",
    "{bad}?tab=config",
    "{bad}?tab=versions",
    "{bad}?tab=audit",
    "{bad}?tab=deps",
    "/graph",
    "{bad}/edit",
    "{good run}",
    "{bad run}",
    "{bad run}?q=disk&stream=stderr",
    "{live run}",
    "/runs",
    "/queue",
    "/scheduler/pause",
    "{good}/why?at=2030-01-01T02:00",
    "/runs?q=nothing-is-called-this",
    "/trash",
    "/search",
    "/search?q=没有这个名字",
    "/account",
    "/account/keys",
    "/account/password",
    "/logout",
    "/settings/upkeep",
    "/templates",
    "/templates/backup",
    "/templates/folder_sync",
    "/templates/new",
    "/templates/new?task={number}",
    "/templates/greeting",
    "/templates/greeting/edit",
    "/templates/greeting/delete",
    "/admin/secrets",
    "/admin/secrets/new",
    "/admin/secrets/1",
    "/admin/secrets/1/remove",
    "/notifications",
    "/notifications?tab=channels",
    "/notifications?tab=deliveries",
    "/notifications/rules/new",
    "/notifications/rules/{rule}",
    "/notifications/channels/new/email",
    "/notifications/channels/new/webhook",
    "/notifications/channels/new/inbox",
    "/notifications/channels/{channel}",
    "/inbox",
    "{bad}?tab=notify",
    "/admin/users",
    "/admin/users/new",
    "/admin/users/1",
    "/api/docs",
    "/api/docs?q=trigger",
    "/nowhere",
]
# The only Latin words of a Chinese page: names of things, and what people have typed.
LATIN = re.compile(
    r"""\b(admin|root|edith|oscar|victor|mallory|lin|leaver|default|Scheduler|English|Shell|Python|HTTP|JSON|YAML|Bearer|UTC|ETag|OpenAPI|[Cc]ron|API|CSV|PID|CPU|WARN|ERROR
    |stdout|stderr|SIGTERM|SIGKILL|PYTHONUNBUFFERED|Ctrl|Esc|Enter|Chrome|HeadlessChrome|Linux|POSIX|crontab|bash
    |SQLite|PostgreSQL|rsync|Webhook|owner|GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|Signature)\b""",
    re.VERBOSE,
)
NAMES = re.compile(r"Mozilla/.*|\$\{\w+:\w+\}|\S*[/_.\d]\S*")  # of browsers, secrets, zones, files and keys
# Not ours: code, what tasks print, and the switch to English.
THEIRS = "pre, code, textarea, script, style, template, .log-lines, .mono, .last-line, .failure-text, [lang=en], [translate=no]"
READ_OUT = ["title", "aria-label", "placeholder", "alt", "data-confirm", "data-confirm-title", "data-label"]


@pytest.fixture(scope="module")
def scene(admin: Caller, people: None) -> Iterator[dict[str, str]]:
    """Tasks of every standing, with Chinese names so that what is English on a Chinese page is ours."""
    nightly = {"schedule_type": "daily", "schedule_config": {"times": ["02:00"]}, "tags": ["夜间"], "description": "备份订单库"}
    good = admin.make_task("备份", command="echo 完成; sleep 0.2", **nightly)
    away = admin.make_task("停用的来源", is_active=False)
    daily = {"schedule_type": "interval", "schedule_config": "86400", "env": {"CITY": "上海"}, "depends_on": [good.id, away.id]}
    bad = admin.make_task("同步", command="echo 开始; echo disk full >&2; exit 3", **daily)
    live = admin.make_task("长跑", command="echo 开始; echo '::progress 40 第二步'; sleep 600")
    admin.call("PUT", "/secrets/SMTP_PASSWORD", {"value": "correct horse"})
    named = admin.make_task("寄信", env={"KEY": "${secret:SMTP_PASSWORD}"})
    idle = admin.make_task("停用", type="http", url="http://example.org/", is_active=False)
    asked = {"name": "who", "label": "对谁", "default": "大家", "choices": ["大家", "你"]}
    greeting = {"command": 'echo "你好，$who"', "schedule_type": "daily", "schedule_config": {"times": ["08:00"]}}
    shared = {"category": "问候", "description": "每天早上", "parameters": [asked], "task": greeting}
    admin.call("POST", "/templates", {"name": "问好", "key": "greeting", **shared})
    channel = admin.call("POST", "/notification-channels", {"name": "值班", "type": "inbox", "config": {"users": ["admin"]}})
    told = {
        "triggers": ["technical_failure"],
        "channels": [{"channel": "值班"}, {"type": "webhook", "url": "http://127.0.0.1:9/"}],
    }
    rule = admin.call("POST", "/notification-rules", {"scope": "task", "task": bad.id, "name": "失败时", **told})
    gone = admin.make_task("已删", command="true")
    admin.forget(gone)
    places = {
        "good": good.path,
        "number": str(good.id),
        "rule": str(rule["id"]),
        "channel": str(channel["id"]),
        "bad": bad.path,
        "good run": admin.run(good),
        "bad run": admin.run(bad),
        "live run": admin.begin(live),
    }
    yield places
    admin.call("DELETE", "/templates/greeting")
    admin.call("DELETE", f"/notification-rules/{rule['id']}")
    admin.call("DELETE", f"/notification-channels/{channel['id']}")
    for task in (good, away, bad, live, idle, named):
        admin.forget(task)
    admin.call("DELETE", "/secrets/SMTP_PASSWORD")


@pytest.fixture(scope="module")
def views(chromium: Browser, server: Server) -> Iterator[dict[str, Page]]:
    """One browser for each view, with the administrator signed in."""
    with ExitStack() as stack:
        expected = {"expected": (r"status of 404.*/nowhere", r"status of 422.*/tasks/(new|preview)")}
        pages = {name: stack.enter_context(watched(chromium, server, **expected, **view)) for name, view in VIEWS.items()}
        yield {name: sign_in(page) for name, page in pages.items()}


def assert_sound(page: Page, view: str, within: str = "html") -> None:
    assert serious(page, within) == []
    assert overflow(page) <= 0
    assert dangling(page) == []
    if view != "desk":
        assert stray_english(page) == []


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("view", VIEWS)
def test_a_page_is_sound(views: dict[str, Page], scene: dict[str, str], view: str, path: str) -> None:
    page = views[view]
    page.goto(path.format(**scene))
    assert page.locator("html").get_attribute("lang") == ("en" if view == "desk" else "zh-CN")
    assert_sound(page, view)


def shortcuts(page: Page, good: str) -> Locator:
    page.goto("/runs")
    page.keyboard.press("?")
    return page.locator("#shortcuts")


def deletion(page: Page, good: str) -> Locator:
    page.goto(good)
    page.locator(".page-head details.menu summary").click()
    page.locator(".page-head .menu-item.text-bad").click()
    return page.locator("#confirm")


def selection(page: Page, good: str) -> Locator:
    page.goto("/tasks")
    page.locator(".select-row").first.check()
    return page.locator("#bulk")


def menus(page: Page, good: str) -> Locator:
    page.goto("/tasks")
    page.locator("details.menu:visible > summary").last.click()
    return page.locator("details[open] > .menu-panel")


def wrong_schedule(page: Page, good: str) -> Locator:
    page.goto("/tasks/new")
    page.locator("[name=schedule_type][value=cron]").check()
    page.locator("#field-schedule-config-hour").fill("25")
    return page.locator("#preview .notice-bad")


def refused_form(page: Page, good: str) -> Locator:
    page.goto("/tasks/new")
    page.keyboard.press("Control+s")
    return page.locator("#problems")


def toasts(page: Page, good: str) -> Locator:
    page.goto(good)
    page.locator("#task-switch button").click()
    return page.locator("[data-toast]")


def tried_call(page: Page, good: str) -> Locator:
    page.goto("/api/docs?q=get+tasks+executions")
    page.locator("details.reference-call > summary").filter(has_text="/v1/scheduler/tasks/{task_id}/executions").click()
    page.locator("[data-try-open]:visible").click()
    page.locator("[name='path task_id']").fill(good.rpartition("/")[2])
    page.locator("form.try .btn-primary").click()
    return page.locator(".try-status.text-good")


STATES = [shortcuts, deletion, selection, menus, wrong_schedule, refused_form, toasts, tried_call]


@pytest.mark.parametrize(
    ("view", "state"),
    [(view, state) for view in VIEWS for state in STATES if (view, state) != ("phone", selection)],  # a phone has no ticks
)
def test_an_open_state_is_sound(
    views: dict[str, Page], scene: dict[str, str], view: str, state: Callable[[Page, str], Locator]
) -> None:
    page = views[view]
    expect(state(page, scene["good"]).first).to_be_visible()
    assert_sound(page, view, "details[open]" if state is menus else "html")  # an open menu covers what is below it


@pytest.mark.parametrize("view", VIEWS)
def test_the_sign_in_page_is_sound(open_browser: Callable[..., Page], server: Server, view: str) -> None:
    page = open_browser(server, **VIEWS[view])
    page.goto("/login")
    assert_sound(page, view)


@pytest.mark.parametrize("width", [320, 768, 1024, 1280])
def test_no_page_is_wider_than_the_window(views: dict[str, Page], scene: dict[str, str], width: int) -> None:
    page = views["desk"]
    page.set_viewport_size({"width": width, "height": 800})
    for path in (
        "/tasks",
        "/tasks/new",
        "{good}",
        "{bad}?tab=config",
        "{bad}?tab=versions",
        "{bad}?tab=audit",
        "{bad}?tab=deps",
        "/graph",
        "{bad run}",
        "/runs",
        "/account",
        "/account/keys",
        "/admin/users",
        "/api/docs",
    ):
        page.goto(path.format(**scene))
        assert overflow(page) <= 0, path
    page.set_viewport_size(DESKTOP)


def test_every_page_has_a_title_of_its_own(admin: Caller, scene: dict[str, str]) -> None:
    titles: dict[str, list[str]] = {}
    for path in (path for path in PAGES if "?" not in path and path != "/nowhere"):
        found = re.search(r"<title>(.*?)</title>", admin.get(path.format(**scene)).text, re.S)
        assert found and found[1].strip() != "· Scheduler", path
        titles.setdefault(found[1], []).append(path)
    assert {title: paths for title, paths in titles.items() if len(paths) > 1} == {}


def overflow(page: Page) -> int:
    """How many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def dangling(page: Page) -> list[str]:
    """Ids there are two of, and whatever refers to an element that is not there."""
    return list(page.evaluate(
        """() => {
            const all = (selector) => [...document.querySelectorAll(selector)];
            const ids = all("[id]").map((element) => element.id);
            const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
            const names = ["for", "form", "list", "aria-describedby", "aria-labelledby", "aria-controls"];
            const refers = names.flatMap((name) => all(`[${name}]`).flatMap((element) => element.getAttribute(name).split(" ")
                .filter((id) => !document.getElementById(id)).map((id) => `${name}=${id}`)));
            const targets = all("[hx-target]").map((element) => element.getAttribute("hx-target"))
                .filter((target) => target.startsWith("#") && !document.querySelector(target));
            const anchors = all("a[href^='#']").map((link) => link.getAttribute("href"))
                .filter((href) => href.length > 1 && !document.getElementById(href.slice(1)));
            return [...twice, ...refers, ...targets, ...anchors];
        }"""
    ))  # fmt: skip


def stray_english(page: Page) -> list[str]:
    """English words on a page that should speak Chinese, in what can be read and in what is read out."""
    said, names = page.evaluate(
        """([theirs, names]) => {
            const found = [];
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) {
                if (!walker.currentNode.parentElement.closest(theirs)) found.push(walker.currentNode.data);
            }
            for (const name of names) {
                for (const element of document.querySelectorAll(`[${name}]`)) {
                    if (!element.closest(theirs)) found.push(element.getAttribute(name));
                }
            }
            return [found, [...document.querySelectorAll(".name, .c-name strong")].map((name) => name.textContent)];
        }""",
        [THEIRS, READ_OUT],
    )
    names = sorted(names, key=len, reverse=True)  # one may be the beginning of another
    said = [reduce(lambda rest, name: rest.replace(name, ""), names, text) for text in said]
    return sorted({text.strip() for text in said if re.search(r"[A-Za-z]{3,}", LATIN.sub("", NAMES.sub("", text)))})
