"""Requests to an address that others listen at, signed where there is a secret; through the same guard as HTTP tasks."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import urlsplit

import requests
import urllib3
from pydantic import AfterValidator, BeforeValidator
from pydantic import Field as Limits

from scheduler import clock
from scheduler.accounts.audit import is_secret
from scheduler.config import settings
from scheduler.errors import N_
from scheduler.kinds.base import Field
from scheduler.kinds.exchange import Request, exchange
from scheduler.kinds.http import HeaderName, Line, whole_address
from scheduler.kinds.http_main import cause
from scheduler.kinds.outgoing import Guard, Refused
from scheduler.notify.channels.base import SECONDS, Answer, Config, Letter, Values, Way
from scheduler.notify.templates import VARIABLES, checked, filled, in_json
from scheduler.validation import Refusal

METHODS = ("POST", "PUT", "PATCH", "GET", "DELETE")
AGAIN = frozenset({408, 425, 429})
SHOWN = 500  # characters of an answer


def _url(url: str) -> str:
    if url and not url.startswith(("http://", "https://")):
        raise Refusal(N_("Give a whole address that begins with http:// or https://."))
    return whole_address(url) if url else url


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


class WebhookConfig(Config):
    """Where to, and what to say there; `secret` signs it."""

    url: Annotated[str, Limits(max_length=2000), AfterValidator(_url)] = ""
    method: Annotated[Literal["POST", "PUT", "PATCH", "GET", "DELETE"], BeforeValidator(_upper)] = "POST"
    headers: Annotated[dict[HeaderName, Line], Limits(max_length=30)] = {}
    body_template: Annotated[str, Limits(max_length=20_000), AfterValidator(checked)] = ""
    secret: Annotated[str, Limits(max_length=500)] = ""


class Webhook(Way[WebhookConfig]):
    """An HTTP request; only an answer of 200 to 299 counts, and no redirect is followed."""

    name = "webhook"
    label = N_("Webhook")
    icon = "link"
    model = WebhookConfig

    def addresses(self, config: WebhookConfig) -> tuple[str, ...]:
        """The host alone, and a mark of the whole: of many services the rest of the address is the credential."""
        parts = urlsplit(target(config))
        digest = hashlib.sha256(target(config).encode()).hexdigest()[:8]
        return (f"{parts.scheme}://{parts.netloc} #{digest}"[:300],) if parts.netloc else ("default_url",)

    def owners_address(self, username: str, email: str) -> str:
        """Owners have none."""
        return ""

    def secrets(self, values: Values) -> Iterator[tuple[str, ...]]:
        """The one to sign with, and what headers with such names hold."""
        yield ("secret",)
        headers = values.get("headers")
        yield from (("headers", name) for name in (headers if isinstance(headers, dict) else ()) if is_secret(str(name)))

    def send(self, config: WebhookConfig, letter: Letter) -> Answer:
        """Ask; the answer is the other side's status and the beginning of what it says."""
        url = target(config)
        if not url:
            return Answer(False, "the channel names no url, and notification.webhook names no default_url", again=False)
        security = settings().security
        body = written(config, letter) if config.method != "GET" else ""
        asked = Request(config.method, url, headers(config, letter, body), body, max_redirects=0, silence=SECONDS)
        try:
            answer = exchange(asked, Guard(security.outgoing_allow, security.outgoing_deny))
        except Refused as error:
            return Answer(False, f"{error}", again=False)
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError, OSError) as error:
            return Answer(False, cause(error))
        ok = 200 <= answer.status < 300
        said = " ".join(answer.body[: 4 * SHOWN].decode("utf-8", "replace").split())[:SHOWN]
        return Answer(ok, said or answer.reason, answer.status, again=answer.status >= 500 or answer.status in AGAIN)

    def fields(self) -> list[Field]:
        """Address, words, signature."""
        where = N_("Empty: the one of the setting notification.webhook.default_url.")
        signed = N_("Signs each request in X-Scheduler-Signature.")
        return [
            Field("url", N_("Address"), hint=where, default=""),
            Field("method", N_("Method"), "select", choices=tuple((name, name) for name in METHODS), default="POST"),
            Field("headers", N_("Headers"), "pairs", default={}),
            Field("body_template", N_("Body"), "code", hint=N_("Empty: all variables as JSON."), default=""),
            Field("secret", N_("Signing key"), "secret", hint=signed, default="", secret=True),
        ]


def target(config: WebhookConfig) -> str:
    """Where it goes."""
    default = settings().notification.webhook
    return config.url or (default.default_url if default.enabled else "")


def written(config: WebhookConfig, letter: Letter) -> str:
    """The body: one's own template, in which values stand as JSON wants them where it looks like JSON; else everything."""
    values = {**letter.values, **({"folded": list(letter.folded)} if letter.folded else {})}
    if not config.body_template:
        named = {name: values[name] for name in (*VARIABLES, "folded") if name in values}
        return json.dumps({"subject": letter.subject(), "text": letter.body(), **named}, ensure_ascii=False)
    is_json = config.body_template.lstrip()[:1] in ("{", "[")
    return filled(config.body_template, values, in_json if is_json else str)


def headers(config: WebhookConfig, letter: Letter, body: str) -> dict[str, str]:
    """Those of the channel, what the body is, the delivery's own key, and with a secret the signature of time and body."""
    own = {name.lower() for name in config.headers}
    kind = "application/json" if body[:1] in ("{", "[") else "text/plain; charset=utf-8"
    found = {"User-Agent": "Scheduler", "X-Scheduler-Delivery": letter.key}
    if body:
        found["Content-Type"] = kind
    if config.secret:
        moment = str(int(clock.now().timestamp()))  # of this try: who refuses old ones takes a late one
        digest = hmac.new(config.secret.encode(), f"{moment}.{body}".encode(), hashlib.sha256).hexdigest()
        found |= {"X-Scheduler-Timestamp": moment, "X-Scheduler-Signature": f"sha256={digest}"}
    return {name: value for name, value in found.items() if name.lower() not in own} | dict(config.headers)
