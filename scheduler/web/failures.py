"""What pages answer when something went wrong: each error of the product and of HTTP as a page, a toast or a way on."""

from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from scheduler import gate
from scheduler.errors import SchedulerError, StorageGone, Throttled, Unauthenticated, Unavailable
from scheduler.web import access, rendering
from scheduler.web.problems import PROBLEMS


def sentences(error: SchedulerError) -> dict[str, str]:
    """What is wrong with which field, in the viewer's language: what forms show."""
    found: dict[str, str] = {}
    for problem in error.problems:
        found.setdefault(problem.field, gettext(problem.text, **problem.params))
    return found


def answer(error: Exception) -> ResponseReturnValue:
    """The page for an error nobody has dealt with."""
    if isinstance(error, Unauthenticated):
        return access.sign_in_first()
    if isinstance(error, gate.PasswordDue):
        return access.password_first()
    if isinstance(error, CSRFError):
        return rendering.problem(400, gettext(PROBLEMS[419].title), gettext(PROBLEMS[419].text))
    text = " ".join(sentences(error).values()) if isinstance(error, SchedulerError) else ""
    response = rendering.problem(gate.status_of(error), text=text, bare=isinstance(error, StorageGone))
    if isinstance(error, Throttled | Unavailable):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, HTTPException):
        for name, value in error.get_headers():
            if name in ("Allow", "Retry-After"):
                response.headers[name] = value
    return response
