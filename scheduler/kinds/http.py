"""An HTTP request: what may be asked for, and the process that asks; the asking itself is `http_main`."""

import base64
import ipaddress
import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, model_validator
from pydantic import Field as Limits

from scheduler.errors import N_, Problem
from scheduler.kinds import references
from scheduler.kinds.base import Command, Content, Context, Field, Kind, Name, Text, Word, headline
from scheduler.kinds.outgoing import Guard
from scheduler.validation import Refusal

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
VARIABLE = "SCHEDULER_HTTP_REQUEST"
# One environment variable holds at most 128 KB on Linux, its name included.
LONGEST_REQUEST = 120 * 1024
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_OURS = frozenset({"content-length", "transfer-encoding"})
_CREDENTIAL = re.compile("authorization|cookie|key|token|secret|password", re.IGNORECASE)


def _address(url: str) -> str:
    if url.startswith(references.MARK):
        return url  # a secret address: it is looked at when it is known, at the start of each attempt
    try:
        parts = urlsplit(references.stood_in(url))
        port = parts.port
    except ValueError:
        raise Refusal(N_("This is not a valid address.")) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or not url.isprintable() or " " in url:
        raise Refusal(N_("Give a whole address that begins with http:// or https://."))
    if "@" in parts.netloc:
        raise Refusal(N_("Put the user name and the password into the fields for authentication, not into the address."))
    return url


def _header_name(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise Refusal(N_("This is not a name for a header."))
    if name.lower() in _OURS:
        raise Refusal(N_("This header is set by the scheduler itself."))
    return name


def _one_line(text: str) -> str:
    if any(character != "\t" and not character.isprintable() for character in text):
        raise Refusal(N_("This must be a single line without control characters."))
    return text


def _upper(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


def _statuses(value: Any) -> Any:
    """Accepts `200`, `"200-299"` and `"200, 204"` alone as well as in a list."""
    given = value if isinstance(value, list | tuple) else [value]
    return [part for item in given for part in (item.split(",") if isinstance(item, str) else [item])]


def _status(value: Any) -> str | int:
    first, dash, last = str(value).replace(" ", "").partition("-")
    ends = [first, last] if dash else [first]
    if isinstance(value, bool) or not all(re.fullmatch("[1-5][0-9][0-9]", end) for end in ends) or ends != sorted(ends):
        raise Refusal(N_("Give a status such as 200, or a range such as 200-299."))
    return f"{first}-{last}" if dash else int(first)


Line = Annotated[Word, AfterValidator(_one_line)]
HeaderName = Annotated[Word, AfterValidator(_header_name)]
Status = Annotated[int | str, BeforeValidator(_status)]


class Auth(Content):
    """How to sign in; `password` and `token` are secrets."""

    type: Literal["none", "basic", "bearer"] = "none"
    username: Annotated[Text, AfterValidator(_one_line)] = ""
    password: Annotated[Text, AfterValidator(_one_line)] = ""
    token: Line = ""

    @model_validator(mode="after")
    def _complete(self) -> "Auth":
        if self.type == "basic" and not self.username:
            raise Refusal(N_("Basic authentication needs a user name."), at="username")
        if self.type == "basic" and ":" in references.stood_in(self.username):
            raise Refusal(N_("A user name must not contain a colon."), at="username")
        if self.type == "bearer" and not self.token:
            raise Refusal(N_("Bearer authentication needs a token."), at="token")
        if not self.token.isascii():
            raise Refusal(N_("A token has only ASCII characters."), at="token")
        return self


class HttpContent(Content):
    """The request, and which answers count as success."""

    url: Annotated[Name, AfterValidator(_address)]
    method: Annotated[Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"], BeforeValidator(_upper)] = "GET"
    headers: dict[HeaderName, Line] = Limits(default_factory=dict, max_length=100)
    body: Text = ""
    auth: Auth = Auth()
    expected_status: Annotated[tuple[Status, ...], BeforeValidator(_statuses), Limits(min_length=1, max_length=50)] = ("200-299",)
    verify_tls: bool = True
    max_redirects: Annotated[int, Limits(ge=0, le=10)] = 3
    deadline_seconds: Annotated[float, Limits(ge=1, le=86400)] = 30

    @model_validator(mode="after")
    def _small_enough(self) -> "HttpContent":
        size = len(_packed(self.model_dump()))
        if size > LONGEST_REQUEST:
            raise Refusal(
                N_("Headers and body together are too long: %(size)s KB, at most %(limit)s."),
                at="body",
                size=-(-size // 1024),
                limit=LONGEST_REQUEST // 1024,
            )
        return self


def _packed(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode()


class Http(Kind[HttpContent]):
    """Runs as a process of its own, with the request in its environment: secrets in arguments would show in `ps`."""

    name = "http"
    label = N_("HTTP request")
    icon = "world"
    model = HttpContent
    secret_paths = ("auth.password", "auth.token")
    referring = ("url", "headers", "body", "auth")

    def prepare(self, content: HttpContent, context: Context) -> Command:
        """The program beside this file, always run by the server's own Python."""
        request = {
            **content.model_dump(),
            "expected_status": [_range(status) for status in content.expected_status],
            "deadline_seconds": min(content.deadline_seconds, context.timeout),
            "outgoing_allow": context.outgoing_allow,
            "outgoing_deny": context.outgoing_deny,
        }
        argv = (sys.executable, str(Path(__file__).with_name("http_main.py")), VARIABLE)
        return Command(argv, env={VARIABLE: _packed(request).decode()}, masks=_masks(content))

    def check(self, content: HttpContent, context: Context) -> list[Problem]:
        """An address given in numbers is judged at once; a name, each time it is looked up."""
        host = urlsplit(content.url).hostname or ""
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return []
        if Guard(context.outgoing_allow, context.outgoing_deny).permits(host):
            return []
        return [Problem("url", N_("Requests to %(host)s are refused: security.outgoing_allow does not open it."), {"host": host})]

    def summary(self, content: HttpContent) -> str:
        """Method and address, without the query."""
        return headline(f"{content.method} {urlsplit(content.url)._replace(query='', fragment='').geturl()}")

    def fields(self) -> list[Field]:
        """The request, authentication, then what counts as success."""
        return [*_request_fields(), *_auth_fields(), *_answer_fields()]


def _range(status: int | str) -> tuple[int, int]:
    first, _, last = str(status).partition("-")
    return int(first), int(last or first)


def _masks(content: HttpContent) -> tuple[str, ...]:
    auth = content.auth
    held = [value for name, value in content.headers.items() if _CREDENTIAL.search(name)]
    pair = base64.b64encode(f"{auth.username}:{auth.password}".encode()).decode() if auth.password else ""
    return tuple(filter(None, (auth.password, auth.token, pair, *held)))


def _request_fields() -> list[Field]:
    methods = tuple((method, method) for method in METHODS)
    naming = N_("Address, headers, body and authentication may name secrets: ${secret:NAME}.")
    return [
        Field("method", N_("Method"), "select", choices=methods, default="GET"),
        Field("url", N_("Address"), hint=N_("Begins with http:// or https://."), required=True),
        Field("headers", N_("Headers"), "pairs", hint=naming, default={}),
        Field("body", N_("Body"), "code", default=""),
    ]


def _auth_fields() -> list[Field]:
    group = N_("Authentication")
    types = (("none", N_("None")), ("basic", N_("User name and password")), ("bearer", N_("Bearer token")))
    return [
        Field("auth.type", N_("Authentication"), "select", choices=types, default="none", group=group),
        Field("auth.username", N_("User name"), default="", group=group),
        Field("auth.password", N_("Password"), "secret", default="", secret=True, group=group),
        Field("auth.token", N_("Token"), "secret", default="", secret=True, group=group),
    ]


def _answer_fields() -> list[Field]:
    group = N_("Answer")
    statuses = N_("One status or range per line, such as 204 or 200-299; any other is a business failure.")
    waiting = N_("Seconds for the whole exchange; never more than the task's timeout.")
    return [
        Field("expected_status", N_("Expected status"), "lines", hint=statuses, default=["200-299"], group=group),
        Field("verify_tls", N_("Verify the certificate"), "checkbox", default=True, group=group),
        Field("max_redirects", N_("Redirects followed"), "number", default=3, group=group),
        Field("deadline_seconds", N_("Deadline"), "number", hint=waiting, default=30, group=group),
    ]
