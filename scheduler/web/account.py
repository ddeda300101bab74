"""The pages on oneself: language, time zone, theme, password, own sign-ins; what may be said there is judged by accounts."""

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler.accounts import sessions, users
from scheduler.accounts.models import User
from scheduler.config import settings
from scheduler.errors import Invalid, Throttled
from scheduler.gate import Visitor
from scheduler.schedules import zone_names
from scheduler.web import access, failures
from scheduler.web.rendering import render, toast

# What stands in the name of the one, and of no other listed after it.
BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Mac OS", "macOS"),
    ("Windows", "Windows"),
    ("Linux", "Linux"),
)

pages = Blueprint("account", __name__, url_prefix="/account")


@pages.get("")
@access.allowed("self.edit")
def show() -> ResponseReturnValue:
    """The user's own settings and sign-ins."""
    return _page(_user(), {})


@pages.post("")
@access.allowed("self.edit")
def save() -> ResponseReturnValue:
    """Save language, time zone and theme."""
    given = {name: request.form.get(name, "").strip() for name in ("language", "timezone", "theme")}
    try:
        users.edit_profile(access.current_actor(), given)
    except Invalid as error:
        return _page(given, failures.sentences(error)), 422
    toast(_("Your settings are saved."))
    response = redirect(url_for("account.show"), 303)
    for name in ("language", "theme"):
        response.delete_cookie(name)  # the one of this browser stood for the user's own
    return response


@pages.get("/password")
@access.before_change
@access.signed_in
def password() -> ResponseReturnValue:
    """The form for another password; the only page while a one-time password is due."""
    return render("accounts/password.html", errors={}, due=_user().one_time_password)


@pages.post("/password")
@access.before_change
@access.signed_in
def change_password() -> ResponseReturnValue:
    """Change the password: every other sign-in ends, this one stays."""
    user, here = _user(), _visitor()
    old, new, again = (request.form.get(name, "") for name in ("old_password", "new_password", "again"))
    due = user.one_time_password
    if new != again:
        errors = {"again": _("These are not the same twice.")}
        return render("accounts/password.html", errors=errors, due=due), 422
    try:
        users.change_own_password(here.actor, user, old, new, keep=here.sign_in_id)
    except (Invalid, Throttled) as error:
        status = 429 if isinstance(error, Throttled) else 422
        return render("accounts/password.html", errors=failures.sentences(error), due=due), status
    toast(_("Your password is changed. Every other sign-in has ended."))
    return redirect(url_for("home" if due else "account.show"), 303)


@pages.post("/sign-ins/end")
@access.allowed("self.edit")
def end_sign_in() -> ResponseReturnValue:
    """End one of the user's own sign-ins, or with `others` all but this one."""
    here = _visitor()
    if "others" in request.form:
        sessions.end_others(here.actor, here.sign_in_id)
    else:
        sessions.sign_out(here.actor, request.form.get("id", ""))
    toast(_("The sign-in has ended."))
    return redirect(url_for("account.show"), 303)


def _page(values: object, errors: dict[str, str]) -> Response:
    here = _visitor()
    return render(
        "accounts/account.html",
        values=values,
        errors=errors,
        sign_ins=sessions.listed(here.actor),
        device=device,
        present=here.sign_in_id,
        zones=zone_names(),
        zone=settings().engine.timezone,
    )


def device(agent: str) -> str:
    """What a browser calls itself, in two words; of anything else its beginning."""
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    system = next((name for mark, name in SYSTEMS if mark in agent), "Linux" if "Linux" in agent else "")
    return f"{browser}, {system}".strip(", ") if browser else agent[:60]


def _visitor() -> Visitor:
    here = access.visitor()
    assert here is not None  # the gate has let nobody else in
    return here


def _user() -> User:
    actor = _visitor().actor
    return users.found(actor, actor.name)
