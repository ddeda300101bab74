"""Who is looking, as far as pages care: language, time zone and theme; who may do what lives in accounts."""

from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import current_app, g, has_request_context, request
from flask_babel import gettext
from flask_login import current_user
from markupsafe import Markup

from scheduler import config

LANGUAGES = ("zh", "en")
THEMES = ("auto", "light", "dark")


def language() -> str:
    """The language to speak: the user's own, else the cookie's, else the browser's, else the configured one."""
    if not has_request_context():
        return str(current_app.config["LANGUAGE_DEFAULT"])
    if "viewer_language" not in g:
        g.viewer_language = _language()
    return str(g.viewer_language)


def _language() -> str:
    for wish in (_chosen("language"), request.cookies.get("language")):
        if wish in LANGUAGES:
            return wish
    return request.accept_languages.best_match(LANGUAGES) or str(current_app.config["LANGUAGE_DEFAULT"])


def sentence(text: str, **places: Any) -> Markup:
    """`text` in the viewer's language, what fills its places escaped: the `_` of every template.

    Flask-Babel's own looks its catalogue up anew for each sentence; a page has hundreds.
    """
    found = _translated(language(), text, bool(places))
    return found % places if places else found


@lru_cache(maxsize=4096)
def _translated(_language: str, text: str, places: bool) -> Markup:
    found = Markup(gettext(text))
    return found if places else found % {}


def timezone() -> ZoneInfo:
    """The zone times are shown in: the user's own, else the installation's."""
    zone: ZoneInfo | None = g.get("viewer_zone")
    if zone is None:
        zone = g.viewer_zone = _timezone()
    return zone


def theme() -> str:
    """The theme: the cookie of this browser, else the user's own, else what the system prefers."""
    if has_request_context():
        for wish in (request.cookies.get("theme"), _chosen("theme")):
            if wish in THEMES:
                return wish
    return "auto"


def _timezone() -> ZoneInfo:
    try:
        return ZoneInfo(_chosen("timezone") or config.settings().engine.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(config.settings().engine.timezone)


def _chosen(attribute: str) -> str | None:
    if not has_request_context() or not current_user or not current_user.is_authenticated:
        return None
    wish = getattr(current_user, attribute, None)
    return str(wish) if wish else None
