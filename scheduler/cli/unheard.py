"""What the HTTP server refuses before the application hears of it: below `/api` in the words and shape of the face asked."""

from typing import Any

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask
from werkzeug.exceptions import BadRequest, InternalServerError, RequestEntityTooLarge, RequestHeaderFieldsTooLarge

from scheduler import gate

BELOW = "/api"
KNOWN = {kind.code: kind for kind in (RequestEntityTooLarge, RequestHeaderFieldsTooLarge, InternalServerError)}


def answer_for(app: Flask) -> None:
    """Let what is malformed, or larger than anything could be, be answered as `app` answers errors."""

    class Refusal(ErrorTask):  # type: ignore[misc]
        """In place of the server's own line of text."""

        def execute(self) -> None:
            path = address(self.request)
            if not path.startswith(BELOW):
                super().execute()
                return
            kind = KNOWN.get(self.request.error.code, BadRequest)
            with app.test_request_context(path):
                answer = app.make_response(gate.answer(kind()))
            body = answer.get_data()
            self.status = answer.status
            self.response_headers.extend(answer.headers)
            self.set_close_on_finish()
            self.content_length = len(body)
            self.write(body)

    HTTPChannel.error_task_class = Refusal


def address(request: Any) -> str:
    """The path as it was sent; empty where the first line has none."""
    sent = bytes(request.header_plus or getattr(request, "first_line", b""))  # of what is too long only the beginning is kept
    words = sent.partition(b"\r\n")[0].split(b" ")
    path = words[1].partition(b"?")[0].decode("latin-1") if len(words) > 1 else ""
    return path if path.startswith("/") else ""
