"""The gate every request passes: each endpoint's policy, who asks, from where; how credentials look is the faces' business."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from typing import Any, TypeVar

from flask import Flask, current_app, g, request
from flask.typing import ResponseReturnValue
from flask_login import AnonymousUserMixin
from werkzeug.exceptions import HTTPException
from werkzeug.routing import IntegerConverter, Map

from scheduler.accounts import audit, sessions, standing
from scheduler.accounts.permissions import ACTIONS, NOBODY, Actor, actor_of, require
from scheduler.accounts.standing import KnownKey, Person, SignedIn
from scheduler.config import settings
from scheduler.database import db, transaction
from scheduler.errors import N_, Forbidden, SchedulerError, StorageGone, Unauthenticated, Unavailable
from scheduler.statuses import TROUBLES, trouble_of
from scheduler.statuses import status_of as status_of

View = TypeVar("View", bound=Callable[..., Any])
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LARGEST = 2**31 - 1
CREDENTIALS = ("Authorization", "X-API-Key")

_log = logging.getLogger("Gate")


class Number(IntegerConverter):
    """A number in a path, no larger than a database can hold: beyond that there is nothing to be found."""

    def __init__(self, map: Map, fixed_digits: int = 0, min: int | None = None, max: int = LARGEST, signed: bool = False) -> None:
        super().__init__(map, fixed_digits, min, max, signed)


@dataclass(frozen=True)
class Policy:
    """Who may ask an endpoint: everybody, whoever is signed in, or whoever may do `action` somewhere."""

    public: bool = False
    action: str = ""
    networks: str = ""  # the setting below `security` that names networks anybody may ask from
    before_change: bool = False  # open also while a one-time password has not been changed
    room: int = 0  # bytes a body may have, where that is more than everywhere else


@dataclass(frozen=True)
class Visitor:
    """Whoever is signed in for this request; also what Flask-Login calls the current user."""

    user: Person
    sign_in_id: str
    actor: Actor
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        """What the session cookie carries: the sign-in, so that ending that signs out at once."""
        return self.sign_in_id

    def __getattr__(self, name: str) -> Any:
        return getattr(self.user, name)


class PasswordDue(Forbidden):
    """The visitor has a one-time password and asks for something else than changing it."""


Reader = Callable[[], Visitor | None]
Answer = Callable[[Exception], ResponseReturnValue]


@dataclass
class Gate:
    """How this application reads credentials and answers errors."""

    read_cookie: Reader
    read_headers: dict[str, Reader] = field(default_factory=dict)  # by blueprint
    answers: dict[str, Answer] = field(default_factory=dict)  # by prefix of the path


def public(view: View) -> View:
    """Open this endpoint to everybody."""
    return _with_policy(view, Policy(public=True))


def signed_in(view: View) -> View:
    """Open this endpoint to whoever is signed in."""
    return _with_policy(view, Policy())


def allowed(action: str) -> Callable[[View], View]:
    """Open this endpoint to those who may do `action` to something; to which thing is for the verb to judge."""
    if action not in ACTIONS:
        raise ValueError(f"there is no action {action!r}")
    return lambda view: _with_policy(view, Policy(action=action))


def allowed_from(action: str, networks: str) -> Callable[[View], View]:
    """`allowed`, and open to everybody who asks from a network that the setting `security.<networks>` names."""
    return lambda view: _with_policy(allowed(action)(view), Policy(action=action, networks=networks))


def before_change(view: View) -> View:
    """Keep this endpoint open while the one-time password has not been changed; stands above the policy's decorator."""
    return _with_policy(view, replace(policy_of(view) or Policy(), before_change=True))


def takes(room: int) -> Callable[[View], View]:
    """Let bodies of `room` bytes through to this endpoint; stands above the policy's decorator."""
    return lambda view: _with_policy(view, replace(policy_of(view) or Policy(), room=room))


def policy_of(view: Callable[..., Any]) -> Policy | None:
    """The policy of a view function; one without is refused to everybody."""
    return getattr(view, "policy", None)


def install(app: Flask, read_cookie: Reader) -> None:
    """Put the gate before every request of `app`; `read_cookie` tells whom the session cookie signs in."""
    app.extensions["gate"] = Gate(read_cookie)
    app.url_map.merge_slashes = False  # one path for each endpoint, and no redirect made from the Host header
    app.url_map.converters["int"] = Number
    app.before_request(_check)
    app.register_error_handler(SchedulerError, answer)
    app.register_error_handler(HTTPException, answer)
    for kind in TROUBLES:
        app.register_error_handler(kind, lambda error: answer(trouble_of(error)))


def read_headers(app: Flask, blueprint: str, reader: Reader) -> None:
    """Let the endpoints of `blueprint` be asked with credentials in a header; with those a cookie means nothing.

    `reader` answers None when there are none and raises `Unauthenticated` when they are not good.
    """
    _gate(app).read_headers[blueprint] = reader


def answer_errors(app: Flask, prefix: str, teller: Answer) -> None:
    """Let `teller` say what went wrong on every path below `prefix`; the longest prefix is the one."""
    _gate(app).answers[prefix] = teller


def visitor() -> Visitor | None:
    """Who is signed in for this request, if anybody."""
    if "visitor" not in g:
        g.visitor = _identified()
    found: Visitor | None = g.visitor
    return found


def current_actor() -> Actor:
    """Whoever asks, as permissions see them; anonymous ones may do nothing."""
    found = visitor()
    return found.actor if found else replace(NOBODY, address=address())


def address() -> str:
    """The client's address; behind trusted proxies the one they were asked from."""
    return request.remote_addr or ""


def visitor_of(sign_in_id: str, origin: str) -> Visitor | None:
    """The visitor a living sign-in of that origin makes."""
    found = standing.of_sign_in(sign_in_id)
    return visitor_in(found) if found is not None and found.origin == origin else None


def visitor_in(found: SignedIn) -> Visitor:
    """The visitor a living sign-in makes."""
    return Visitor(found.user, found.id, actor_of(found.user, address()))


def visitor_with(key: KnownKey) -> Visitor:
    """The visitor a good API key makes: its owner, held to what the key was made for. There is no sign-in behind it."""
    actor = replace(actor_of(key.user, address()), scopes=frozenset(key.scopes), via=key.prefix)
    return Visitor(key.user, "", actor)


def _check() -> None:
    """Refuse by raising; whatever has no policy is refused, so that a forgotten one opens nothing."""
    if request.endpoint is None:
        return
    policy = policy_of(current_app.view_functions[request.endpoint])
    if policy is None:
        _log.error("event=no_policy endpoint=%s", request.endpoint)
        raise Forbidden.because(N_("Nobody may do this."))
    if policy.room:
        request.max_content_length = request.max_form_memory_size = policy.room
    is_open = policy.public or _is_near(policy)
    found = None if is_open else visitor()
    if found is None and not is_open:
        raise Unauthenticated.because(N_("Sign in first."))
    if request.method not in SAFE and not _is_safe_from_others(policy):
        _refuse_foreign()
        current_app.extensions["csrf"].protect()
    if found is None:
        return
    if found.user.one_time_password and not policy.before_change:
        raise PasswordDue(sessions.must_change().problems)
    if policy.action:
        require(found.actor, policy.action)


def _is_near(policy: Policy) -> bool:
    """Whether the request comes from a network that needs no credentials here."""
    try:
        asked_from = ip_address(address())
    except ValueError:
        return False  # a socket in the file system has no address
    asked_from = getattr(asked_from, "ipv4_mapped", None) or asked_from
    near = getattr(settings().security, policy.networks, ())
    return any(asked_from in ip_network(network, strict=False) for network in near)


def _is_safe_from_others(policy: Policy) -> bool:
    """Whether another site could gain nothing by having a browser send this: no cookie is looked at."""
    return _header_reader() is not None and (policy.public or _has_credentials())


def _refuse_foreign() -> None:
    """What a browser says about where a request comes from; what says nothing is left to the token."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    ours = {request.host, settings().server.url.partition("://")[2].partition("/")[0]} - {""}
    near = origin is None or origin.partition("://")[2] in ours
    if not (near if site is None else site in ("same-origin", "none")):
        raise Forbidden.because(N_("This request was sent by another site."))


def _identified() -> Visitor | None:
    reader = _header_reader()
    if reader is None:
        return _gate().read_cookie()
    if policy_of(current_app.view_functions[request.endpoint or ""]) == Policy(public=True):
        return None
    if _has_credentials():
        found = reader()
        if found is None:
            raise Unauthenticated.because(N_("Sign in first."))
        g._login_user = found  # or Flask-Login would look at the cookie when asked for the current user
        return found
    return _gate().read_cookie()


def _header_reader() -> Reader | None:
    readers = _gate().read_headers
    return next((readers[name] for name in request.blueprints if name in readers), None)


def _has_credentials() -> bool:
    return any(name in request.headers for name in CREDENTIALS)


def answer(error: Exception) -> ResponseReturnValue:
    """What the face that is asked says of this error."""
    if isinstance(error, Unavailable):
        _log.error("event=unavailable path=%s reason=%s", request.path, type(error).__name__)
        db.session.rollback()
    if isinstance(error, StorageGone):  # who asks cannot be found out, and need not be to say so
        g.visitor, g._login_user = None, AnonymousUserMixin()
    if isinstance(error, Forbidden) and request.method not in SAFE:
        _note(error)
    answers = _gate().answers
    path = re.sub("/+", "/", request.path.lower())  # who writes it wrong is answered as if they had written it right
    prefix = max((prefix for prefix in answers if path.startswith(prefix)), key=len)
    return answers[prefix](error)


def _note(error: Forbidden) -> None:
    """Acts that were refused to somebody we know are in the audit log too."""
    who: Visitor | None = g.get("visitor")
    if who is None:
        return
    what = f"{request.method} {request.path[:200]}"
    try:
        with transaction():
            audit.record(who.actor, "denied", ("request", request.endpoint, what), after={"reason": str(error)})
    except Unavailable:
        _log.error("event=denied_unrecorded by=%s request=%r", who.actor.name, what)


def _with_policy(view: View, policy: Policy) -> View:
    view.policy = policy  # type: ignore[attr-defined]
    return view


def _gate(app: Flask | None = None) -> Gate:
    found: Gate = (app or current_app).extensions["gate"]
    return found
