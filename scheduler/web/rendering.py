"""From templates to answers: a page or only its region, toasts, ways out, and what every template may use."""

import hashlib
import os
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, flash, g, make_response, redirect, render_template, request, session, url_for
from markupsafe import Markup, escape

from scheduler import clock
from scheduler.errors import N_
from scheduler.web import charts, formats, navigation, viewer
from scheduler.web.ansi import ansi
from scheduler.web.looks import STATUS
from scheduler.web.problems import PROBLEMS


@dataclass(frozen=True)
class Link:
    """A way on from a toast: a link, or with `post` a button that undoes what was done."""

    label: str
    url: str
    post: bool = False


def partial() -> bool:
    """Whether htmx asks for a region; it asks for whole pages too, when it restores one or replaces the body."""
    headers = request.headers
    return (
        headers.get("HX-Request") == "true"
        and headers.get("HX-Request-Type") != "full"
        and headers.get("HX-History-Restore-Request") != "true"
    )


def render(page_template: str, region_template: str | None = None, **context: Any) -> Response:
    """The page, or for htmx the region alone followed by the toasts that wait; for another status return `render(...), 422`."""
    if region_template and partial():
        return _answer(render_template(region_template, **context) + waiting_toasts())
    return _answer(render_template(page_template, **context))


def toast(text: str, kind: str = "success", link: Link | None = None) -> None:
    """Say what happened in the corner of the next answer; kind `success`, `info`, `warning` or `danger`."""
    flash({"text": text, "link": asdict(link) if link else None}, kind)  # type: ignore[arg-type]


def waiting_toasts() -> str:
    """The toasts not shown yet, as a fragment htmx puts into the corner by itself."""
    return render_template("_flash.html", out_of_band=True) if session.get("_flashes") else ""


def go(url: str) -> Response:
    """Leave for another page, for browsers and htmx alike."""
    if not partial():
        return _answer(redirect(url, 303))
    response = _answer("")
    response.headers["HX-Redirect"] = url
    return response


def problem(status: int, title: str = "", text: str = "", bare: bool = False) -> Response:
    """An error as a page with a way out; for htmx as a toast that leaves the page as it is.

    A `bare` page has nothing around it for which the database would be asked.
    """
    known = PROBLEMS.get(status, PROBLEMS[500])
    title, text = title or viewer.sentence(known.title), text or viewer.sentence(known.text)
    if not partial():
        return _answer(render_template("errors/error.html", status=status, title=title, text=text, bare=bare), status)
    toast(f"{title} {text}", "danger")
    response = _answer(waiting_toasts(), status)
    response.headers["HX-Reswap"] = "none"
    return response


def static_url(filename: str) -> str:
    """The address of a static file, which changes when the file does; looked up once for each answer, a list has hundreds."""
    known: dict[str, str] = g.setdefault("static_urls", {})
    if filename not in known:
        known[filename] = _static_url(filename)
    return known[filename]


def _static_url(filename: str) -> str:
    path = f"{current_app.static_folder}/{filename}"
    return url_for("static", filename=filename, v=_digest(path, os.stat(path).st_mtime_ns))


def icon(name: str, css: str = "") -> Markup:
    """A drawing of the sprite; one that stands alone needs its meaning in words beside it or on its button.

    A function and not a macro: a list draws hundreds, and a macro's call costs more than what it makes.
    """
    drawn: dict[tuple[str, str], Markup] = g.setdefault("icons", {})
    if (name, css) not in drawn:
        looks, address = escape(f"icon {css}".strip()), escape(f"{static_url('icons.svg')}#{name}")
        drawn[name, css] = Markup(f'<svg class="{looks}" aria-hidden="true"><use href="{address}"></use></svg>')
    return drawn[name, css]


def browser_words() -> dict[str, str]:
    """The few sentences the browser says by itself."""
    said = {"copied": N_("Copied"), "offline": N_("The server cannot be reached.")}
    return formats.words() | {name: viewer.sentence(text) for name, text in said.items()}


def install(app: Flask) -> None:
    """Give every template of `app` the filters and globals of this folder."""
    app.jinja_env.filters.update(
        duration=formats.duration,
        compact_duration=formats.compact_duration,
        ago=formats.ago,
        until=formats.until,
        absolute=formats.absolute,
        size=formats.size,
        number=formats.number,
        ansi=ansi,
    )
    app.jinja_env.globals.update(
        STATUS=STATUS,
        static_url=static_url,
        icon=icon,
        now=clock.now,
        browser_words=browser_words,
        viewer=viewer,
        navigation=navigation.entries,
        spark=charts.sparkline,
    )
    app.jinja_env.globals["_"] = viewer.sentence
    app.before_request(_forget)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _forget() -> None:
    """What was found once for a request is found anew for the next, also where both share a context."""
    for name in ("viewer_zone", "viewer_language", "looks"):
        g.pop(name, None)


def _answer(body: Any, status: int | None = None) -> Response:
    response: Response = make_response(body)
    if status is not None:
        response.status_code = status
    response.vary.add("HX-Request")
    return response


@lru_cache(maxsize=64)
def _digest(path: str, _modified: int) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]
