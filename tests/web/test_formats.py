"""What people read: durations, instants, sizes, statuses, sparklines, and the fields every form is made of."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask, render_template_string
from flask_babel import Babel
from flask_login import LoginManager
from flask_wtf import CSRFProtect

from scheduler.runs.status import AttemptStatus, Status
from scheduler.web import charts, formats, rendering, viewer
from scheduler.web.looks import STATUS
from tests.conftest import NOON

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def page() -> Iterator[Flask]:
    """An application with nothing but templates, in the middle of a request."""
    app = Flask("page", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.config.update(SECRET_KEY="x", LANGUAGE_DEFAULT="en", TESTING=True)
    Babel(app, locale_selector=viewer.language)
    LoginManager(app).user_loader(lambda _: None)
    CSRFProtect(app)
    rendering.install(app)
    with app.test_request_context("/", headers={"Accept-Language": "en"}):
        yield app


pytestmark = pytest.mark.usefixtures("page")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "—"),
        (0.03, "30 ms"),
        (0.4, "0.4 s"),
        (3, "3 s"),
        (9.97, "10 s"),
        (59.7, "1 min"),
        (252, "4 min 12 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (3900, "1 h 5 min"),
        (144_000, "1 d 16 h"),
        (-5, "0 ms"),
        (timedelta(minutes=2), "2 min"),
    ],
)
def test_it_says_how_long(seconds: Any, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0.4 s"), (30, "0:30"), (252, "4:12"), (3723, "1:02:03"), (None, "—")])
def test_it_says_how_long_as_a_clock_does(seconds: float | None, text: str) -> None:
    assert formats.compact_duration(seconds) == text


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (2, "just now"),
        (38, "38 s ago"),
        (7200, "2 h ago"),
        (7800, "2 h ago"),
        (86_400 * 21, "21 d ago"),
        (86_400 * 40, "2026-01-21"),
    ],
)
def test_it_says_how_long_ago(passed: int, text: str) -> None:
    assert formats.ago(NOON - timedelta(seconds=passed)) == text


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (0, "any moment"),
        (22, "in 22 s"),
        (200, "in 3 min"),
        (3900, "in 1 h 5 min"),
        (144_000, "in 1 d 16 h"),
        (-90, "1 min overdue"),
    ],
)
def test_it_says_how_soon(left: int, text: str) -> None:
    assert formats.until(NOON + timedelta(seconds=left)) == text


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ("full", "2026-03-02 20:00:00"),
        ("zoned", "2026-03-02 20:00:00 Asia/Shanghai (UTC+08:00)"),
        ("short", "03-02 20:00"),
        ("weekday", "03-02 Mon 20:00"),
        ("clock", "20:00:00"),
        ("date", "2026-03-02"),
    ],
)
def test_it_writes_an_instant_in_a_zone(style: str, text: str) -> None:
    assert formats.absolute(NOON, style, ZoneInfo("Asia/Shanghai")) == text


def test_it_writes_the_year_when_it_is_another() -> None:
    assert formats.absolute(NOON - timedelta(days=100), "short", ZoneInfo("UTC")) == "2025-11-22 12:00"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (48, "48 B"), (6_501_171, "6.2 MB"), (300 * 1024, "300 KB"), (None, "—")]
)
def test_it_writes_sizes(count: int | None, text: str) -> None:
    assert formats.size(count) == text


def test_it_sets_thousands_apart() -> None:
    assert formats.number(48210) == "48,210"


def test_every_status_has_a_look() -> None:
    assert {*Status, *AttemptStatus} <= STATUS.keys()


def test_every_status_has_an_icon_of_its_own_in_the_sprite() -> None:
    icons = [look.icon for look in STATUS.values()]
    sprite = (ROOT / "static" / "icons.svg").read_text()
    assert len(icons) == len(set(icons)) and all(f'id="{icon}"' in sprite for icon in icons)


def test_a_sparkline_has_one_path_for_each_colour() -> None:
    paths = charts.strokes([("success", 1.0), ("timeout", 0.5), ("technical_failure", 0.0)], slots=4)
    assert paths == {"empty": "M2 20v-1", "good": "M7 20v-20", "bad": "M12 20v-10M17 20v-2"}


def test_a_sparkline_says_in_words_what_it_shows() -> None:
    assert charts.summary([("success", 1), ("success", 1), ("lost", 1)]) == "Last 3 runs: Success 2, Lost 1"


def test_a_sparkline_is_one_image() -> None:
    drawn = render_template_string('{% from "macros/chart.html" import sparkline %}{{ sparkline([]) }}')
    assert drawn.count("<path") == 1 and 'role="img"' in drawn and 'aria-label="No runs yet"' in drawn


def test_a_badge_shows_icon_and_word() -> None:
    drawn = render_template_string('{% from "macros/status.html" import badge %}{{ badge("business_failure") }}')
    assert "tone-warn" in drawn and "#alert-triangle" in drawn and "Business failure" in drawn


def field(call: str, **context: Any) -> str:
    return render_template_string('{% import "macros/form.html" as form %}{{ form.' + call + " }}", **context)


def test_a_field_is_tied_to_its_error_and_hint() -> None:
    drawn = field('text("time_zone", "Zone", "x", {"time_zone": "Unknown."}, "Such as UTC")')
    assert 'aria-describedby="field-time-zone-error field-time-zone-hint"' in drawn
    assert 'aria-invalid="true"' in drawn and 'for="field-time-zone"' in drawn


@pytest.mark.parametrize(
    "call",
    ['text("a", "A", v)', 'textarea("a", "A", v)', 'code("a", "A", v)', 'select("a", "A", [(v, v)])', 'pairs("a", "A", [(v, v)])',
     'listed("a", "A", [v])', 'segmented("a", "A", [(v, v)])', 'text("a", "A", errors={"a": v})', 'text("a", "A", hint=v)'],
)  # fmt: skip
def test_a_field_escapes_what_it_holds(call: str) -> None:
    hostile = "\"'><script>"
    assert "<script" not in field(call, v=hostile) and "&lt;script&gt;" in field(call, v=hostile)


def test_source_text_keeps_its_first_empty_line() -> None:
    assert ">\n\nls</textarea>" in field('code("command", "Command", "\nls")')


def test_pairs_offer_spare_rows() -> None:
    drawn = field('pairs("env", "Environment", {"A": "1"}, spare=2)')
    assert drawn.count('name="env-key"') == drawn.count('name="env-value"') == 3


def test_a_segment_is_chosen_by_its_text() -> None:
    assert field('segmented("day", "Day", [(1, "Mon"), (2, "Tue")], "2")').count(" checked") == 1
    assert field('segmented("day", "Day", [(1, "Mon"), (2, "Tue")], [1, 2], multiple=true)').count(" checked") == 2


def test_the_address_of_a_static_file_tells_its_version(page: Flask) -> None:
    assert rendering.static_url("css/app.css").startswith("/static/css/app.css?v=")


@pytest.mark.parametrize(
    ("headers", "answer"),
    [({}, False), ({"HX-Request": "true"}, True), ({"HX-Request": "true", "HX-Request-Type": "full"}, False)],
)
def test_htmx_gets_a_region_unless_it_wants_the_page(page: Flask, headers: dict[str, str], answer: bool) -> None:
    with page.test_request_context("/", headers=headers):
        assert rendering.partial() is answer


def test_a_toast_follows_a_region(page: Flask) -> None:
    with page.test_request_context("/", headers={"HX-Request": "true"}):
        rendering.toast("Saved.", link=rendering.Link("Undo", "/undo", post=True))
        body = rendering.render("base.html", "_empty.html", empty={"title": "Nothing"}).get_data(as_text=True)
    assert 'hx-swap-oob="beforeend:#toasts"' in body and "Saved." in body and 'action="/undo"' in body


def test_htmx_leaves_by_a_header(page: Flask) -> None:
    with page.test_request_context("/", headers={"HX-Request": "true"}):
        assert rendering.go("/runs/7").headers["HX-Redirect"] == "/runs/7"
    with page.test_request_context("/"):
        assert (rendering.go("/runs/7").status_code, rendering.go("/runs/7").location) == (303, "/runs/7")
