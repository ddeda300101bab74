"""The pages to sign in and out; passwords, tries and sign-ins themselves are the business of accounts."""

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler.accounts import sessions
from scheduler.errors import Throttled, Unauthenticated
from scheduler.web import access, failures
from scheduler.web.rendering import render, toast

pages = Blueprint("signing_in", __name__)


@pages.get("/login")
@access.public
def form() -> ResponseReturnValue:
    """The sign-in form; whoever is signed in already goes on."""
    target = access.safe_next(request.args.get("next"))
    return redirect(target) if access.visitor() else render("accounts/sign_in.html", next=target, errors={})


@pages.post("/login")
@access.public
def sign_in() -> ResponseReturnValue:
    """Sign in, or say that it did not work and when to try again; the page says nothing about which of the two was wrong."""
    target = access.safe_next(request.form.get("next"))
    name, password = request.form.get("username", "").strip(), request.form.get("password", "")
    try:
        begun = sessions.sign_in(name, password, access.address(), request.headers.get("User-Agent", ""))
    except (Unauthenticated, Throttled) as error:
        response = render("accounts/sign_in.html", next=target, username=name, errors=failures.sentences(error))
        response.status_code = 429 if isinstance(error, Throttled) else 401
        if isinstance(error, Throttled):
            response.headers["Retry-After"] = str(error.retry_after)
        return response
    before = access.visitor()
    if before:
        sessions.sign_out(before.actor, before.sign_in_id)
    access.begin(begun)
    return redirect(url_for("account.password") if begun.user.one_time_password else target)


@pages.get("/logout")
@access.before_change
@access.signed_in
def sign_out_form() -> ResponseReturnValue:
    """Ask: a link alone signs nobody out."""
    return render("accounts/sign_out.html")


@pages.post("/logout")
@access.before_change
@access.signed_in
def sign_out() -> ResponseReturnValue:
    """End this sign-in, on the server and in the browser."""
    here = access.visitor()
    if here:
        sessions.sign_out(here.actor, here.sign_in_id)
    access.end()
    toast(_("You are signed out."))
    return redirect(url_for("signing_in.form"), 303)
