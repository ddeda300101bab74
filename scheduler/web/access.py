"""How pages know who is asking and where to send them: the session cookie, the way to the sign-in page and safely back."""

from urllib.parse import quote, unquote

from flask import Flask, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user, login_user, logout_user

from scheduler import gate
from scheduler.accounts.models import SignIn
from scheduler.gate import Visitor, address, allowed, before_change, current_actor, public, signed_in, takes, visitor
from scheduler.web import rendering

__all__ = [
    "address",
    "allowed",
    "before_change",
    "begin",
    "current_actor",
    "end",
    "install",
    "password_first",
    "public",
    "safe_next",
    "sign_in_first",
    "signed_in",
    "takes",
    "visitor",
]


def install(app: Flask) -> None:
    """Let the session cookie name a sign-in, and nothing else, and put the gate before every request."""
    manager = LoginManager(app)
    manager.session_protection = None  # the sign-in's row decides, not the browser's name
    manager.user_loader(lambda sign_in_id: gate.visitor_of(sign_in_id, "browser"))
    gate.install(app, _by_cookie)
    public(app.view_functions["static"])


def begin(sign_in: SignIn) -> None:
    """Sign this browser in: whatever its session held before is gone, so nobody can have planted it."""
    session.clear()
    session.permanent = True
    login_user(gate.visitor_of(sign_in.id, "browser"))


def end() -> None:
    """Forget the sign-in in this browser."""
    logout_user()
    session.clear()


def safe_next(target: str | None) -> str:
    """`target` when it is a page of ours, however it is written; else the start page."""
    home = f"{request.script_root}/"
    if not target or not target.isascii() or any(letter <= " " or letter in "\\\x7f" for letter in target):
        return home
    path = target.partition("?")[0].partition("#")[0]
    if path.removeprefix(request.script_root) in ("/login", "/logout"):
        return home
    for _ in range(4):  # written in codes of codes, it would be another path to whoever decodes once more
        if not path.startswith("/") or "//" in path or any(letter < " " or letter in "\\\x7f" for letter in path):
            return home
        path = unquote(path)
    return target


def sign_in_first() -> ResponseReturnValue:
    """To the sign-in page, and after it back to what was asked for; htmx is told to take the whole page there."""
    if request.headers.get("HX-Request") == "true":
        shown = request.headers.get("HX-Current-URL", "").partition("://")[2].partition("/")
        where = url_for("signing_in.form", next=safe_next("".join(shown[1:])))
        return "", 401, {"HX-Redirect": where, "HX-Reswap": "none"}
    query = request.query_string.decode("ascii", "replace")
    wanted = request.script_root + quote(request.path) + (f"?{query}" if query else "")
    return redirect(url_for("signing_in.form", next=safe_next(wanted) if request.method == "GET" else None))


def password_first() -> ResponseReturnValue:
    """To the page that changes a one-time password: nothing else is open before."""
    if rendering.partial():
        return "", 403, {"HX-Redirect": url_for("account.password"), "HX-Reswap": "none"}
    return redirect(url_for("account.password"))


def _by_cookie() -> Visitor | None:
    found = current_user._get_current_object()
    return found if isinstance(found, Visitor) else None
