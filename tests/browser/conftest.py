"""A real server and a real Chromium; every page is watched for console errors, CSP violations and requests to other hosts."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, StorageState, expect, sync_playwright

from tests.browser.caller import PASSWORD, Caller, Made
from tests.servers import free_port, missing
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium"
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = Path(__file__).with_name("vendor") / "axe.min.js"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
PEOPLE = {"edith": "editor", "oscar": "operator", "victor": "viewer", "mallory": "editor", "lin": "editor"}


@dataclass
class Server:
    """The product, started as a user would start it."""

    address: str
    instance: Path
    process: subprocess.Popen[bytes]

    @property
    def console(self) -> str:
        return (self.instance / "console.log").read_text()


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Start a server on an empty folder; `start_server(SCHEDULER_ADMIN_PASSWORD=…)`."""
    servers: list[Server] = []

    def start(**environ: str) -> Server:
        instance, port = tmp_path_factory.mktemp("installation"), free_port()
        settings = {"SCHEDULER_ENGINE__MIN_INTERVAL_SECONDS": "1", "SCHEDULER_ENGINE__TIMEZONE": "Asia/Shanghai"}
        with open(instance / "console.log", "wb") as console:
            process = subprocess.Popen(
                [sys.executable, "app.py", "--instance", str(instance), "--port", str(port)],
                cwd=ROOT,
                env={**os.environ, **settings, **environ},
                stdout=console,
                stderr=console,
            )
        servers.append(Server(f"http://127.0.0.1:{port}", instance, process))
        _wait_until_served(servers[-1])
        return servers[-1]

    yield start
    for server in servers:
        server.process.terminate()
        server.process.wait(30)


@pytest.fixture(scope="session")
def server(start_server: Callable[..., Server]) -> Server:
    """A server whose administrator has a password already."""
    return start_server(SCHEDULER_ADMIN_PASSWORD=PASSWORD)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        missing("no Chromium here: apt-get install chromium")
    expect.set_options(timeout=20_000)  # other work may go on beside the tests
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@dataclass
class Watch:
    """What went wrong on the pages of one context."""

    origin: str
    problems: list[str] = dataclass_field(default_factory=list)
    expected: tuple[str, ...] = ()

    def on_console(self, message: ConsoleMessage) -> None:
        told = f"{message.text} ({message.location['url']})"
        if message.type in ("error", "warning") and not any(re.search(part, told) for part in self.expected):
            self.problems.append(f"console: {told}")

    def on_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https") and f"{address.scheme}://{address.netloc}" != self.origin:
            self.problems.append(f"a request to {request.url}")


@contextmanager
def watched(chromium: Browser, server: Server, expected: tuple[str, ...] = (), **options: Any) -> Iterator[Page]:
    """A fresh browser on a server; at the end nothing may have gone wrong in it but what is `expected`."""
    context = chromium.new_context(
        base_url=server.address, accept_downloads=True, **{"locale": "en-US", "viewport": DESKTOP, **options}
    )
    context.set_default_timeout(10_000)
    watch = Watch(server.address, expected=expected)
    context.on("console", watch.on_console)
    context.on("request", watch.on_request)
    context.on("weberror", lambda error: watch.problems.append(f"script: {error.error}"))
    yield context.new_page()
    context.close()
    assert watch.problems == []


@pytest.fixture
def open_browser(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Fresh browsers, watched: `open_browser(server, locale="zh-CN")`."""
    with ExitStack() as stack:
        yield lambda server, **options: stack.enter_context(watched(chromium, server, **options))


@pytest.fixture(scope="session")
def admin(server: Server) -> Caller:
    """The administrator, for setting the scene without a browser."""
    return Caller(server.address)


@pytest.fixture(scope="session")
def people(admin: Caller) -> None:
    """One user of each role; Mallory is limited to groups and granted none, Lin's language is changed by a test."""
    for name, role in PEOPLE.items():
        admin.make_user(name, role, **({"limited_to_groups": "1"} if name == "mallory" else {}))


@pytest.fixture
def make_task(admin: Caller) -> Iterator[Callable[..., Made]]:
    """A task that is gone after the test: `make_task("backup", command="…")`."""
    made: list[Made] = []

    def make(name: str, **values: object) -> Made:
        made.append(admin.make_task(name, **values))
        return made[-1]

    yield make
    for task in made:
        admin.forget(task)


@pytest.fixture(scope="session")
def signed_in(server: Server, people: None) -> dict[str, StorageState]:
    """What the browsers of those who have signed in already remember."""
    return {}


@pytest.fixture
def visit(open_browser: Callable[..., Page], server: Server, signed_in: dict[str, StorageState]) -> Callable[..., Page]:
    """A browser in which somebody is signed in: `visit("oscar", viewport=PHONE)`."""

    def open_signed_in(username: str = "admin", **options: object) -> Page:
        if username in signed_in:
            return open_browser(server, storage_state=signed_in[username], **options)
        page = sign_in(open_browser(server, **options), username)
        signed_in[username] = page.context.storage_state()
        return page

    return open_signed_in


def sign_in(page: Page, username: str = "admin", password: str = PASSWORD) -> Page:
    """Sign in through the form."""
    page.goto("/login")
    page.fill("[name=username]", username)
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def field(page: Page, label: str) -> Locator:
    """The control with just this label, required or not."""
    return page.get_by_label(re.compile(rf"^{re.escape(label)}( \*)?$"))


def row_of(page: Page, task: Made) -> Locator:
    """The task's row in the list, with nothing else in sight."""
    page.goto(f"/tasks?q={task.name}")
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=task.name, exact=True))


def toast(page: Page) -> Locator:
    """What is said in the corner."""
    return page.get_by_role("status").locator("[data-toast]")


def serious(page: Page, within: str = "html") -> list[str]:
    """What axe-core finds serious or critical on the page as it stands, or in a part of it."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("([part, rules]) => axe.run(part, {resultTypes: ['violations'], runOnly: rules})", [within, STANDARDS])
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


def _wait_until_served(server: Server) -> None:
    def served() -> bool:
        assert server.process.poll() is None, server.console
        try:
            urlopen(f"{server.address}/healthz", timeout=2).close()
        except OSError:
            return False
        return True

    until(served, 60)
