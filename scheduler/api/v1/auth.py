"""Signing in and out by the API, and changing one's password; who may what is said elsewhere."""

from flask import Blueprint, Response, request

from scheduler import gate
from scheduler.accounts import sessions, tokens, users
from scheduler.accounts.tokens import Tokens
from scheduler.api import bodies, described
from scheduler.api.answers import done
from scheduler.api.bodies import Body
from scheduler.api.described import Shape
from scheduler.api.v1 import shapes
from scheduler.api.v1.answer_models import User as UserShape
from scheduler.errors import N_, Conflict, Unauthenticated

calls = Blueprint("v1_auth", __name__, url_prefix="/v1/auth")


class Credentials(Body):
    """Name and password."""

    username: str
    password: str


class NewPassword(Credentials):
    """… and the password that is to be the user's from now on."""

    new_password: str


class Renewal(Body):
    """The token that renews both."""

    refresh_token: str


class Pair(Shape):
    """What signs a program in."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int


@calls.post("/login")
@described.call(takes=Credentials, answers=Pair)
@gate.public
def login() -> Response:
    """A pair of tokens for a name and a password."""
    given = bodies.read(Credentials)
    agent = request.headers.get("User-Agent", "")
    begun = sessions.sign_in(given.username, given.password, gate.address(), agent, origin="api")
    return _given(tokens.issue(begun), N_("Signed in."))


@calls.post("/refresh")
@described.call(takes=Renewal, answers=Pair)
@gate.public
def refresh() -> Response:
    """A new pair for a refresh token, which is used up."""
    return _given(tokens.refresh(bodies.read(Renewal).refresh_token), N_("Renewed."))


@calls.post("/logout")
@described.call(refuses=(409,))
@gate.signed_in
def logout() -> Response:
    """End this sign-in and every token that names it."""
    bodies.nothing()
    found = gate.visitor()
    if found is None:
        raise Unauthenticated.because(N_("Sign in first."))
    if not found.sign_in_id:
        raise Conflict.because(N_("An API key is not signed in: revoke it instead."))
    sessions.sign_out(found.actor, found.sign_in_id)
    return done(None, N_("Signed out."))


@calls.post("/password")
@described.call(takes=NewPassword)
@gate.public
def password() -> Response:
    """Another password, also in place of one for one use; every sign-in of the user ends."""
    given = bodies.read(NewPassword)
    users.replace_password(given.username, given.password, given.new_password, gate.address())
    return done(None, N_("The password is changed. Sign in with the new one."))


@calls.get("/me")
@described.call(answers=UserShape)
@gate.signed_in
def me() -> Response:
    """Whoever asks."""
    actor = gate.current_actor()
    return done(shapes.user(users.found(actor, actor.name)))


def _given(pair: Tokens, text: str) -> Response:
    data = {"access_token": pair.access, "refresh_token": pair.refresh, "token_type": "Bearer", "expires_in": pair.expires_in}
    return done(data, text)
