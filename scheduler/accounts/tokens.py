"""Signed tokens for the API: made for a sign-in, read back, rotated; each names its sign-in, so ending that ends them all."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt

from scheduler import clock
from scheduler.accounts import audit, sessions, standing
from scheduler.accounts.models import SignIn
from scheduler.accounts.permissions import actor_of
from scheduler.accounts.standing import SignedIn
from scheduler.database import transaction
from scheduler.errors import N_, Unauthenticated

ALGORITHM = "HS256"
ISSUER = "scheduler"
ACCESS, REFRESH = "scheduler-api", "scheduler-refresh"  # audiences
ACCESS_LIFE = timedelta(minutes=15)
LONGEST = 4096
SHORTEST_KEY = 32
CLAIMS = ("iss", "aud", "sub", "sid", "jti", "iat", "exp")

_key: bytes | None = None


@dataclass(frozen=True)
class Tokens:
    """What a client gets: a token to act with, one to renew both with, and for how many seconds the first is good."""

    access: str
    refresh: str
    expires_in: int = int(ACCESS_LIFE.total_seconds())


def use(key: bytes) -> None:
    """Sign from now on with a key derived from `key`, which has at least 256 bits."""
    global _key
    if len(key) < SHORTEST_KEY:
        raise ValueError("the key to derive the token key from is too short")
    _key = hmac.digest(key, b"scheduler: tokens of the API", "sha256")


def issue(sign_in: SignIn) -> Tokens:
    """A pair of tokens for this sign-in; the refresh token of an earlier pair no longer works."""
    with transaction() as session:
        row = session.get_one(SignIn, sign_in.id)
        row.refresh_id = secrets.token_urlsafe(32)
        access = _signed(row, ACCESS, secrets.token_urlsafe(16), ACCESS_LIFE)
        return Tokens(access, _signed(row, REFRESH, row.refresh_id, row.expires_at - clock.now()))


def bearer(access: str) -> SignedIn:
    """The living sign-in an access token names; `Unauthenticated` for any token we would not have made just so."""
    return _living(_claims(access, ACCESS))


def refresh(token: str) -> Tokens:
    """A new pair for a refresh token, which lengthens the sign-in. One used twice was stolen from somebody: the sign-in ends."""
    claims = _claims(token, REFRESH)
    with transaction() as session:
        row = session.get_one(SignIn, _living(claims).id)
        stolen = not hmac.compare_digest(row.refresh_id or "", str(claims["jti"]))
        if stolen:
            audit.record(actor_of(row.user, row.address), "sign_in.reused_token", ("user", row.user_id, row.user.username))
            session.delete(row)
        else:
            row.expires_at = clock.now() + sessions.lifetime()
            pair = issue(row)
    if stolen:
        raise _refused()
    return pair


def _signed(sign_in: SignIn, audience: str, identifier: str, life: timedelta) -> str:
    now = clock.now()
    claims = {
        "iss": ISSUER,
        "aud": audience,
        "sub": str(sign_in.user_id),
        "sid": sign_in.id,
        "jti": identifier,
        "iat": int(now.timestamp()),
        "exp": int((now + life).timestamp()),
    }
    return jwt.encode(claims, _signing_key(), algorithm=ALGORITHM)


def _claims(token: str, audience: str) -> dict[str, Any]:
    """What the token says, once everything about it is as we make them; time is judged by our own clock."""
    options: Any = {"require": list(CLAIMS), "verify_exp": False, "verify_iat": False, "verify_nbf": False, "strict_aud": True}
    try:
        if len(token) > LONGEST:
            raise _refused()
        found = jwt.decode_complete(
            token, _signing_key(), algorithms=[ALGORITHM], audience=audience, issuer=ISSUER, options=options
        )
    except (jwt.PyJWTError, UnicodeError) as error:
        raise _refused() from error
    claims: dict[str, Any] = found["payload"]
    if set(found["header"]) != {"alg", "typ"}:
        raise _refused()
    if not isinstance(claims["exp"], int) or claims["exp"] <= clock.now().timestamp():
        raise _refused()
    return claims


def _living(claims: dict[str, Any]) -> SignedIn:
    found = standing.of_sign_in(str(claims["sid"]))
    if found is None or found.origin != "api" or str(found.user.id) != claims["sub"]:
        raise _refused()
    return found


def _refused() -> Unauthenticated:
    return Unauthenticated.because(N_("The token is not valid, or no longer: sign in again."))


def _signing_key() -> bytes:
    if _key is None:
        raise RuntimeError("no key for tokens is in use")
    return _key
