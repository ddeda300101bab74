"""What the API answers when something is wrong: each face's error object for every error of the product and of HTTP."""

from collections.abc import Mapping

from flask import Response
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from scheduler import gate
from scheduler.api import answers
from scheduler.api.answers import failed
from scheduler.api.language import say
from scheduler.errors import N_, Invalid, Problem, SchedulerError, Throttled, Unavailable

CHALLENGE = 'Bearer realm="scheduler"'
SCHEDULE = "schedule_config"
MOST_SAID = 3  # fields in the one text of the other faces
TEXTS: Mapping[int, str] = {
    400: N_("The request is not understood."),
    404: N_("There is nothing at this address."),
    405: N_("This address does not take this method."),
    413: N_("The request is too large: 2 MB at most, an import 20 MB."),
    415: N_("Send JSON: “Content-Type: application/json”."),
    431: N_("The headers of the request are too large."),
    500: N_("Something went wrong here. The server's log says what."),
}


def answer(error: Exception) -> Response:
    """v1's error object for `error`, with the headers that go with it."""
    status = gate.status_of(error)
    return headed(failed(status, _message(error, status), _errors(error)), error, status)


def plain(error: Exception) -> Response:
    """The other faces' error object: what is wrong in one text, and each field with its own."""
    status, errors = gate.status_of(error), _errors(error)
    said = " ".join(f"{one['field']}: {one['message']}" for one in errors[:MOST_SAID])
    return headed(answers.answer({"error": said or _message(error, status), "errors": errors}, status), error, status)


def headed(response: Response, error: Exception, status: int) -> Response:
    """`response` with the headers that go with an error: how to sign in, what is allowed, when to ask again."""
    if status == 401:
        response.headers["WWW-Authenticate"] = CHALLENGE
    if isinstance(error, Throttled | Unavailable):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, HTTPException):
        for name, value in error.get_headers():
            if name in ("Allow", "Retry-After", "Location"):
                response.headers[name] = value
    return response


def sentences(problems: tuple[Problem, ...]) -> list[dict[str, str]]:
    """Each field and what is wrong with it; of a schedule the whole is the field, as in the document."""
    return [
        {"field": SCHEDULE if problem.field.startswith(f"{SCHEDULE}.") else problem.field, "message": said(problem)}
        for problem in problems
    ]


def said(problem: Problem) -> str:
    """What is wrong, in the language of this request."""
    return say(problem.text, **problem.params)


def _errors(error: Exception) -> list[dict[str, str]]:
    if not isinstance(error, SchedulerError):
        return []
    return [said for said in sentences(error.problems) if said["field"]]


def _message(error: Exception, status: int) -> str:
    if isinstance(error, CSRFError):
        return say(N_("Send the page's CSRF token in “X-CSRFToken”, or sign in with a bearer token."))
    if not isinstance(error, SchedulerError) or not error.problems:
        return say(TEXTS.get(status, TEXTS[500 if status >= 500 else 400]))
    if not isinstance(error, Invalid) or not any(problem.field for problem in error.problems):
        return " ".join(map(said, error.problems))
    if all(problem.field.partition(".")[0] == SCHEDULE for problem in error.problems):
        return say(N_("The configuration of the schedule is not valid."))
    return say(N_("The request is not valid."))
