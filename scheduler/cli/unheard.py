"""What the HTTP server refuses before the application hears of it: answered in the words and shape of the face, or as a page."""

from typing import Any

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask
from werkzeug.exceptions import BadRequest, InternalServerError, RequestEntityTooLarge, RequestHeaderFieldsTooLarge

from scheduler import gate

KNOWN = {kind.code: kind for kind in (RequestEntityTooLarge, RequestHeaderFieldsTooLarge, InternalServerError)}


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """The server's own, but for addresses whose host is none: it would hang up over them without a word."""

    def parse_header(self, header_plus: bytes) -> None:
        """The first line and the headers; `ParsingError` for what is malformed."""
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            raise ParsingError("Bad URI") from error


def answer_for(app: Flask) -> None:
    """Let what is malformed, or larger than anything could be, be answered as `app` answers errors."""

    class Refusal(ErrorTask):  # type: ignore[misc]
        """In place of the server's own line of text."""

        def execute(self) -> None:
            kind = KNOWN.get(self.request.error.code, BadRequest)
            with app.test_request_context(address(self.request)):
                answer = app.process_response(app.make_response(gate.answer(kind())))
            answer.headers.remove("Set-Cookie")  # whoever asks was not looked at: what they are signed in by stays theirs
            body = answer.get_data()
            self.status = answer.status
            self.response_headers.extend(answer.headers)
            self.set_close_on_finish()
            self.content_length = len(body)
            self.write(body)

    HTTPChannel.error_task_class = Refusal
    HTTPChannel.parser_class = Parser


def address(request: Any) -> str:
    """The path as it was sent; the start page's where the first line has none."""
    sent = bytes(request.header_plus or getattr(request, "first_line", b""))  # of what is too long only the beginning is kept
    words = sent.partition(b"\r\n")[0].split(b" ")
    path = gate.ABSOLUTE.sub("", words[1].partition(b"?")[0].decode("latin-1")) if len(words) > 1 else ""
    return path if path.startswith("/") else "/"
