"""The program an HTTP task runs: takes the request from the environment variable it is given, prints the answer, exits 0, 1 or 2.

It is run by its path. Importing `scheduler` itself would load flask (a quarter of a second and much memory), so bare
packages of the same names stand in for it; and this folder must leave the search path, where its `http.py` would hide
the standard library's.
"""

import base64
import json
import os
import sys
import threading
import types
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

HERE = os.path.dirname(os.path.abspath(__file__))

if __name__ == "__main__":
    sys.path.pop(0)
    for package, folder in (("scheduler", os.path.dirname(HERE)), ("scheduler.kinds", HERE)):
        sys.modules[package] = types.ModuleType(package)
        sys.modules[package].__path__ = [folder]

import requests  # noqa: E402
import urllib3  # noqa: E402

from scheduler.clock import monotonic  # noqa: E402
from scheduler.kinds.exchange import Answer, Request, exchange  # noqa: E402
from scheduler.kinds.outgoing import Guard, Refused  # noqa: E402

SHOWN = ("Content-Type", "Content-Length", "Date", "Server", "Location", "Last-Modified", "ETag", "Retry-After", "X-Request-Id")
EXPECTED, UNEXPECTED, BROKEN = 0, 1, 2


def main(variable: str) -> int:
    """The exit code: 0 the status was expected, 1 it was not, 2 there was no answer."""
    given: dict[str, Any] = json.loads(os.environ.pop(variable))
    watchdog = watch(given["deadline_seconds"])
    print(given["method"], public(given["url"]), flush=True)
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    started = monotonic()
    try:
        answer = exchange(request(given), Guard(tuple(given["outgoing_allow"]), tuple(given["outgoing_deny"])))
    except (requests.RequestException, urllib3.exceptions.HTTPError, Refused, ValueError) as error:
        print(f"{given['method']} {public(given['url'], query=False)}: {cause(error)}", file=sys.stderr)
        return BROKEN
    watchdog.cancel()
    show(answer, monotonic() - started)
    if any(first <= answer.status <= last for first, last in given["expected_status"]):
        return EXPECTED
    print(f"The status {answer.status} was not expected.", file=sys.stderr)
    return UNEXPECTED


def watch(seconds: float) -> threading.Timer:
    """Ends this process after `seconds`, wherever it then is: looking up a name cannot be interrupted otherwise."""

    def end() -> None:
        os.write(2, f"There was no complete answer within {seconds:g} s.\n".encode())
        os._exit(BROKEN)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    return timer


def request(given: Mapping[str, Any]) -> Request:
    """The exchange's request, its headers completed."""
    headers = dict(given["headers"])
    names = {name.lower() for name in headers}
    if given["body"] and "content-type" not in names:
        headers["Content-Type"] = guess(given["body"])
    if "user-agent" not in names:
        headers["User-Agent"] = "Scheduler"
    return Request(
        method=given["method"],
        url=given["url"],
        headers=headers,
        body=given["body"],
        auth=authorization(given["auth"]),
        max_redirects=given["max_redirects"],
        # trust_env is off, so that no proxy is picked up; an own authority's certificate is still welcome.
        verify=given["verify_tls"] and (os.environ.get("REQUESTS_CA_BUNDLE") or True),
        silence=given["deadline_seconds"],
    )


def guess(body: str) -> str:
    """The type of a body whose sender did not name one."""
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return "text/plain; charset=utf-8"
    return "application/json"


def authorization(auth: Mapping[str, str]) -> str:
    """The value of the Authorization header."""
    if auth["type"] == "basic":
        return "Basic " + base64.b64encode(f"{auth['username']}:{auth['password']}".encode()).decode()
    return f"Bearer {auth['token']}" if auth["type"] == "bearer" else ""


def public(url: str, query: bool = True) -> str:
    """The address as it may be printed."""
    parts = urlsplit(url)
    shown = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="")
    return shown.geturl() if query else shown._replace(query="").geturl()


def show(answer: Answer, seconds: float) -> None:
    """Prints where the request went, what came back, and one line of summary."""
    for status, url in answer.hops:
        print(f"{status} redirected to {public(url, query=False)}")
    print(f"{answer.status} {answer.reason}".rstrip(), f"in {seconds:.2f} s")
    for name in SHOWN:
        if name in answer.headers:
            value = answer.headers[name]
            print(f"{name}: {public(value, query=False) if name == 'Location' else value}")
    print()
    print(text(answer))
    print(f"::summary {answer.status} {answer.reason}".rstrip(), flush=True)


def text(answer: Answer) -> str:
    """The body as text, in the encoding it names."""
    if b"\0" in answer.body:
        return f"(binary, {len(answer.body)} bytes{' or more' if answer.cut else ''})"
    _, _, charset = answer.headers.get("Content-Type", "").lower().partition("charset=")
    try:
        body = answer.body.decode(charset.split(";")[0].strip("\"' ") or "utf-8", "replace")
    except (LookupError, UnicodeError):
        body = answer.body.decode("utf-8", "replace")
    return body + "\n(cut: only the first megabyte is shown)" if answer.cut else body


def cause(error: Exception) -> str:
    """What went wrong, in one line: the reason at the bottom of a pile of wrapped errors."""
    if isinstance(error, requests.TooManyRedirects | Refused):
        return f"{error}."
    if isinstance(error, requests.ConnectTimeout | requests.ReadTimeout):
        return "no answer in time."
    below: Any = error.args[0] if error.args else error
    below = getattr(below, "reason", below)
    if isinstance(below, urllib3.exceptions.NameResolutionError):
        return "the name of the host could not be resolved."
    if isinstance(below, urllib3.exceptions.SSLError):
        return f"TLS failed: {below.args[0] if below.args else below}"
    if isinstance(below, urllib3.exceptions.NewConnectionError):
        below = below.__cause__ or below
    return " ".join(str(below).split())[:300] or type(error).__name__


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    sys.exit(main(sys.argv[1]))
