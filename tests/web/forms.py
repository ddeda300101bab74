"""What tests of the task pages share: posting as a browser does, a form filled in, tasks in one line."""

from collections.abc import Mapping
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from scheduler.accounts.permissions import SYSTEM
from scheduler.tasks import definitions
from scheduler.tasks.models import Task
from scheduler.web import task_forms
from tests.conftest import token_in

HTMX = {"HX-Request": "true"}
SHELL = {"type": "shell", "command": "true"}
DAILY = {"schedule_type": "daily", "schedule_config": {"times": ["02:00"]}}


def task(name: str = "backup", **values: Any) -> Task:
    """A saved task; a shell command at two each night unless told otherwise."""
    return definitions.create(SYSTEM, {"name": name, **SHELL, **DAILY, **values})


def send(client: FlaskClient, path: str, form: Mapping[str, Any] | None = None, **headers: str) -> TestResponse:
    """POST with the page's token; `htmx="1"` as htmx does."""
    token = client.token or token_in(client.get("/account").get_data(as_text=True))
    sent = HTMX if headers.pop("htmx", "") else {}
    return client.post(path, data={"csrf_token": token, **(form or {})}, headers={**sent, **headers})


def filled(**fields: Any) -> dict[str, Any]:
    """The form for a new task as a browser sends it, with some fields filled in."""
    form = {name: values for name, values in task_forms.fresh().lists() if values}
    return {**form, "name": "backup", "command": "true", **{name.replace("__", "."): value for name, value in fields.items()}}


def text_of(response: TestResponse) -> str:
    return response.get_data(as_text=True)
