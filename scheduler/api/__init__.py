"""The JSON API: one core, documented faces; here they are put below `/api/`, with one way in and one way to say what is wrong."""

from flask import Blueprint, Flask

from scheduler import gate
from scheduler.api import credentials, engine, failures, openapi, prometheus, service, v1
from scheduler.api.openapi_calls import PLAIN


def mount(app: Flask) -> None:
    """Give `app` the API: its end points, who may ask them, and its errors."""
    api = Blueprint("api", __name__, url_prefix="/api")
    for face in (*v1.PARTS, *service.PARTS, *engine.PARTS, openapi.calls):
        api.register_blueprint(face)
    app.register_blueprint(api)
    app.register_blueprint(prometheus.calls)
    for name in ("api", prometheus.calls.name):
        gate.read_headers(app, name, credentials.read)
    gate.answer_errors(app, "/api/", failures.answer)
    gate.answer_errors(app, "/metrics", prometheus.refused)
    for path in PLAIN:
        gate.answer_errors(app, path, failures.plain)
