"""How a request to the API says who asks: a bearer token; what is behind the token is the accounts' business."""

from flask import request

from scheduler import gate
from scheduler.accounts import tokens
from scheduler.errors import N_, Unauthenticated


def read() -> gate.Visitor | None:
    """Whoever the token names; a header that names nobody is refused, never passed over for a cookie."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated.because(N_("Send “Authorization: Bearer” with an access token."))
    return gate.visitor_of(tokens.bearer(token.strip()).id, "api")
