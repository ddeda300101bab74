"""The JSON API: one core, documented faces; here they are put below `/api/`, with one way in and one way to say what is wrong."""

import re

from flask import Blueprint, Flask, request
from werkzeug.exceptions import NotFound

from scheduler import gate
from scheduler.api import credentials, engine, failures, openapi, prometheus, service, v1
from scheduler.api.openapi_calls import PLAIN

ABSOLUTE = re.compile("^https?://[^/]*")  # as proxies write an address


def mount(app: Flask) -> None:
    """Give `app` the API: its end points, who may ask them, and its errors."""
    api = Blueprint("api", __name__, url_prefix="/api")
    for face in (*v1.PARTS, *service.PARTS, *engine.PARTS, openapi.calls):
        api.register_blueprint(face)
    api.before_request(_refuse_odd_paths)
    app.register_blueprint(api)
    app.register_blueprint(prometheus.calls)
    for name in ("api", prometheus.calls.name):
        gate.read_headers(app, name, credentials.read)
    gate.answer_errors(app, "/api/", failures.answer)
    gate.answer_errors(app, "/metrics", prometheus.refused)
    for path in PLAIN:
        gate.answer_errors(app, path, failures.plain)


def _refuse_odd_paths() -> None:
    """Nothing has a NUL in its name, and not every database can be asked for it; a slash written as a code divides nothing,
    and two of them are not one, whatever the HTTP server makes of them."""
    written = ABSOLUTE.sub("", str(request.environ.get("REQUEST_URI", "")).partition("?")[0].lower())
    if "\0" in request.path or "%2f" in written or "//" in written:
        raise NotFound
