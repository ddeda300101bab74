"""How a request to the API says who asks: a bearer token or an API key; what is behind either is the accounts' business."""

from flask import request

from scheduler import gate
from scheduler.accounts import keys, tokens
from scheduler.errors import N_, Unauthenticated


def read() -> gate.Visitor | None:
    """Whoever the token or key names; a header that names nobody is refused, never passed over for a cookie."""
    if "X-API-Key" in request.headers:
        return gate.visitor_with(keys.recognized(request.headers["X-API-Key"].strip()))
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated.because(N_("Send “Authorization: Bearer” with an access token or an API key."))
    if keys.is_key(token):
        return gate.visitor_with(keys.recognized(token))
    return gate.visitor_in(tokens.bearer(token))
