"""A mail server and a web server that take down what they are told, for tests of what is sent; sockets only, no library."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Mail(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP as it takes; `refusals` are answers to the next attempts at a recipient."""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.letters: list[EmailMessage] = []
        self.refusals: list[str] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def subjects(self) -> list[str]:
        return [str(letter["Subject"]) for letter in self.letters]


class Conversation(socketserver.StreamRequestHandler):
    """One client's."""

    server: Mail

    def handle(self) -> None:
        self.say("220 test")
        for line in iter(self.rfile.readline, b""):
            word = line[:4].upper()
            if word == b"RCPT" and self.server.refusals:
                self.say(self.server.refusals.pop(0))
            elif word == b"DATA":
                self.say("354 go on")
                self.take()
            else:
                self.say("221 bye" if word == b"QUIT" else "250 fine")

    def take(self) -> None:
        lines = iter(lambda: self.rfile.readline(), b".\r\n")
        letter = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.server.letters.append(letter)
        self.say(f"250 taken as number {len(self.server.letters)}")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class Hooks(ThreadingHTTPServer):
    """Keeps each request; `answers` are the statuses of the next ones, 204 when there is none."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class Asked(BaseHTTPRequestHandler):
    """One request."""

    server: Hooks

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append((self.path, dict(self.headers), body))
        status = self.server.answers.pop(0) if self.server.answers else 204
        self.send_response(status)
        if status in (301, 302, 307):
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PUT = do_POST

    def log_message(self, *_words: Any) -> None:
        return


@contextmanager
def listening(server: Any) -> Iterator[Any]:
    """`server`, served by a thread of its own."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
