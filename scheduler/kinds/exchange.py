"""One HTTP exchange with the outside under the guard: redirects, credentials, size; who asks and what is printed are not here."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from scheduler.kinds.outgoing import Guard

LONGEST_BODY = 1024 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# What may follow a redirect to another origin: any other header could be a credential.
HARMLESS = frozenset({"accept", "accept-language", "content-type", "user-agent"})


@dataclass(frozen=True)
class Request:
    """What to ask of whom; `auth` is the value of the Authorization header."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    auth: str = ""
    max_redirects: int = 3
    verify: bool | str = True
    silence: float = 30


@dataclass(frozen=True)
class Answer:
    """What came back: at most `LONGEST_BODY` bytes of it, and the addresses it led over (`status`, `url`)."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes
    cut: bool
    hops: tuple[tuple[int, str], ...] = ()


class GuardedAdapter(HTTPAdapter):
    """Lets every connection of a session pass the guard."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        super().__init__()

    def init_poolmanager(self, *args: Any, **keywords: Any) -> None:
        """The pools of connections, made of guarded ones."""
        self.poolmanager = PoolManager()
        self.poolmanager.pool_classes_by_scheme = _pools(self._guard)


def _pools(guard: Guard) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _open(self, guard)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _open(self, guard)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _open(connection: HTTPConnection, guard: Guard) -> socket.socket:
    seconds = connection.timeout if isinstance(connection.timeout, int | float) else None
    try:
        return guard.connect(connection.host.strip("[]"), connection.port or 80, seconds)
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "no answer to the connection") from error
    except OSError as error:
        raise NewConnectionError(connection, str(error)) from error


@contextmanager
def _session(guard: Guard) -> Iterator[requests.Session]:
    """A session that sees no proxy and no netrc of the environment, and speaks only HTTP through the guard."""
    with requests.Session() as session:
        session.trust_env = False
        session.adapters.clear()
        for scheme in ("http://", "https://"):
            session.mount(scheme, GuardedAdapter(guard))
        yield session


def exchange(request: Request, guard: Guard) -> Answer:
    """The answer to `request` after at most `max_redirects` redirects, each checked anew.

    `requests.RequestException` or `outgoing.Refused` when there is none. The caller keeps the deadline.
    """
    hops: list[tuple[int, str]] = []
    with _session(guard) as session:
        while True:
            with _send(session, request) as response:
                target = response.headers.get("Location")
                if response.status_code not in REDIRECTS or not target or not request.max_redirects:
                    return _answer(response, hops)
                if len(hops) == request.max_redirects:
                    raise requests.TooManyRedirects(f"more than {request.max_redirects} redirects")
                request = _redirected(request, response.status_code, target)
                hops.append((response.status_code, request.url))


def _send(session: requests.Session, request: Request) -> requests.Response:
    headers: dict[str, str | bytes] = {name: value.encode() for name, value in request.headers.items()}
    if request.auth:
        headers["Authorization"] = request.auth
    prepared = session.prepare_request(
        requests.Request(request.method, request.url, headers=headers, data=request.body.encode() or None)
    )
    timeout = (request.silence, request.silence)
    return session.send(prepared, stream=True, allow_redirects=False, timeout=timeout, verify=request.verify)


def _redirected(request: Request, status: int, target: str) -> Request:
    """The request for where a redirect points: without credentials elsewhere, as GET where browsers do so."""
    # latin-1 is how the header was decoded; a server that means it sends UTF-8.
    try:
        parts = urlsplit(urljoin(request.url, target.encode("latin-1", "replace").decode("utf-8", "replace")))
        url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        same = _same_origin(request.url, url)
    except ValueError as error:
        raise requests.exceptions.InvalidURL("the server redirects to an address that is none") from error
    if not same:
        kept = {name: value for name, value in request.headers.items() if name.lower() in HARMLESS}
        request = replace(request, headers=kept, auth="")
    if (status == 303 and request.method != "HEAD") or (status in (301, 302) and request.method == "POST"):
        kept = {name: value for name, value in request.headers.items() if name.lower() != "content-type"}
        request = replace(request, method="GET", body="", headers=kept)
    return replace(request, url=url)


def _same_origin(old: str, new: str) -> bool:
    before, after = _origin(old), _origin(new)
    upgraded = before[0] == "http" and after[0] == "https" and (before[2], after[2]) == (80, 443)
    return before == after or (upgraded and before[1] == after[1])


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _answer(response: requests.Response, hops: list[tuple[int, str]]) -> Answer:
    body = b""
    for chunk in response.iter_content(64 * 1024):
        body += chunk
        if len(body) > LONGEST_BODY:
            break
    cut = len(body) > LONGEST_BODY
    return Answer(response.status_code, response.reason or "", response.headers, body[:LONGEST_BODY], cut, tuple(hops))
