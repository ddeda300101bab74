"""The page of one's own API keys: make one, which is shown once, and revoke one; what a key may do is judged by accounts."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler.accounts import keys
from scheduler.errors import N_, Conflict, Invalid
from scheduler.gate import status_of
from scheduler.web import access, failures, viewer
from scheduler.web.rendering import render, toast

SCOPES: Mapping[str, str] = {
    "read": N_("Read"),
    "run": N_("Run and stop"),
    "write": N_("Create and change"),
    "admin": N_("Administer"),
}

pages = Blueprint("account_keys", __name__, url_prefix="/account/keys")


@pages.get("")
@access.allowed("self.edit")
def show() -> ResponseReturnValue:
    """The user's own keys, and the form for another one."""
    return _page({"scopes": ["read"]}, {})


@pages.post("")
@access.allowed("self.edit")
def create() -> ResponseReturnValue:
    """Make a key and show it: once, here, and never again."""
    given: dict[str, Any] = {name: request.form.get(name, "").strip() for name in ("name", "expires_at")}
    given["scopes"] = request.form.getlist("scopes")
    try:
        key, text = keys.create(access.current_actor(), given | {"expires_at": _end_of(given["expires_at"])})
    except (Invalid, Conflict) as error:
        return _page(given, failures.sentences(error)), 422 if isinstance(error, Invalid) else status_of(error)
    response = render("accounts/key.html", key=key, text=text)
    response.headers["Cache-Control"] = "no-store"
    return response


@pages.post("/revoke")
@access.allowed("self.edit")
def revoke() -> ResponseReturnValue:
    """End one of the user's own keys."""
    wanted = request.form.get("id", "")
    keys.revoke(access.current_actor(), int(wanted) if wanted.isdecimal() and len(wanted) < 11 else 0)
    toast(_("The key is revoked."))
    return redirect(url_for("account_keys.show"), 303)


def _page(values: Mapping[str, Any], errors: Mapping[str, str]) -> Response:
    actor = access.current_actor()
    words = {scope: _(word) for scope, word in SCOPES.items()}
    return render(
        "accounts/keys.html",
        values=values,
        errors={field.partition(".")[0]: text for field, text in errors.items()},
        keys=keys.listed(actor),
        expired=keys.expired,
        words=words,
        offered=[(scope, words[scope]) for scope in keys.offered(actor)],
    )


def _end_of(day: str) -> datetime | None:
    """The end of that day on the viewer's clock; a key may do without."""
    if not day:
        return None
    try:
        after = date.fromisoformat(day) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise Invalid.because(N_("“%(value)s” is not a date, as in 2024-01-31."), field="expires_at", value=day[:60]) from None
    return datetime.combine(after, time(), viewer.timezone())
