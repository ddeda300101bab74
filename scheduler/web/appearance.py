"""Switching language and theme, from any page and back to it; which ones are in force is the viewer's business."""

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from scheduler.accounts import users
from scheduler.config import settings
from scheduler.web import access, viewer

YEAR = 365 * 86_400

pages = Blueprint("appearance", __name__)


@pages.post("/language")
@access.public
def language() -> ResponseReturnValue:
    """Speak another language in this browser, and to this user wherever they sign in."""
    wish = request.form.get("language", "")
    response = _back()
    if wish in viewer.LANGUAGES:
        _keep(response, "language", wish)
        if access.visitor():
            users.edit_profile(access.current_actor(), {"language": wish})
    return response


@pages.post("/theme")
@access.public
def theme() -> ResponseReturnValue:
    """Wear another theme in this browser."""
    wish = request.form.get("theme", "")
    response = _back()
    if wish in viewer.THEMES:
        _keep(response, "theme", wish, hidden=False)  # the script switches it too
    return response


def _back() -> Response:
    response = redirect(access.safe_next(request.form.get("next")), 303)
    assert isinstance(response, Response)
    return response


def _keep(response: Response, name: str, value: str, hidden: bool = True) -> None:
    secure = settings().server.url.startswith("https:")
    response.set_cookie(name, value, max_age=YEAR, secure=secure, httponly=hidden, samesite="Lax")
