"""Tokens of the API: made, read back, rotated, and every forgery we could think of."""

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask

from scheduler.accounts import sessions, tokens, users
from scheduler.accounts.models import SignIn, User
from scheduler.accounts.permissions import actor_of
from scheduler.accounts.tokens import Tokens
from scheduler.database import db
from scheduler.errors import Unauthenticated
from tests.conftest import PASSWORD, FrozenClock


@pytest.fixture
def pair(edith: User) -> Tokens:
    return tokens.issue(sessions.sign_in("edith", PASSWORD, "192.0.2.1", origin="api"))


def refused(token: str) -> bool:
    try:
        tokens.bearer(token)
    except Unauthenticated:
        return True
    return False


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def key() -> bytes:
    assert tokens._key
    return tokens._key


def test_it_reads_back_whose_token_it_is(pair: Tokens, edith: User) -> None:
    assert tokens.bearer(pair.access).user.id == edith.id and pair.expires_in == 900
    said = claims(pair.access)
    assert {"aud", "iss", "jti", "sub", "sid", "exp", "iat"} == set(said) and said["exp"] - said["iat"] == 900


def test_it_ends_access_after_fifteen_minutes(pair: Tokens, clock: FrozenClock) -> None:
    clock.move(minutes=14, seconds=59)
    assert not refused(pair.access)
    clock.move(seconds=1)
    assert refused(pair.access)


def test_it_ends_every_token_with_the_sign_in(pair: Tokens, edith: User) -> None:
    sessions.sign_out(actor_of(edith), claims(pair.access)["sid"])
    assert refused(pair.access)
    with pytest.raises(Unauthenticated):
        tokens.refresh(pair.refresh)


@pytest.mark.parametrize("change", [{"active": False}, {"role": "viewer"}])
def test_it_ends_every_token_when_the_user_changes(pair: Tokens, ada: User, edith: User, change: dict[str, Any]) -> None:
    users.edit(actor_of(ada), edith.id, change)
    assert refused(pair.access)


def test_it_gives_a_new_pair_for_a_refresh_token_and_lengthens_the_sign_in(pair: Tokens, clock: FrozenClock) -> None:
    clock.move(hours=11)
    fresh = tokens.refresh(pair.refresh)
    clock.move(minutes=10)
    assert not refused(fresh.access)
    clock.move(hours=11)
    assert not refused(tokens.refresh(fresh.refresh).access)


def test_it_ends_the_sign_in_when_a_refresh_token_comes_back(pair: Tokens) -> None:
    fresh = tokens.refresh(pair.refresh)
    with pytest.raises(Unauthenticated):
        tokens.refresh(pair.refresh)
    assert refused(fresh.access) and db.session.query(SignIn).count() == 0
    with pytest.raises(Unauthenticated):
        tokens.refresh(fresh.refresh)


def test_it_keeps_access_and_refresh_apart(pair: Tokens) -> None:
    assert refused(pair.refresh)
    with pytest.raises(Unauthenticated):
        tokens.refresh(pair.access)


def test_it_refuses_the_sign_in_of_a_browser(ada: User) -> None:
    assert refused(tokens.issue(sessions.sign_in("ada", PASSWORD, "192.0.2.1")).access)


def forged(said: dict[str, Any], secret: Any = None, algorithm: str = "HS256", headers: dict[str, Any] | None = None) -> str:
    return jwt.encode(said, key() if secret is None else secret, algorithm=algorithm, headers=headers)


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
def test_it_refuses_other_algorithms_and_keys(pair: Tokens, app: Flask) -> None:
    said = claims(pair.access)
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    attacks = [
        forged(said, "", "none"),
        forged(said, private, "RS256"),
        forged(said, b"another key of thirty-two octets"),
        forged(said, app.config["SECRET_KEY"]),
        forged(said, b"\0" * 32),
        forged(said, key() + key(), "HS512"),
        forged(said, key() + key(), "HS384"),
    ]
    assert all(map(refused, attacks)) and not refused(forged(said))


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "another"}, {"aud": ["scheduler-api"]}, {"aud": None}, {"iss": "another"}, {"iss": None}, {"exp": None},
        {"exp": "9999999999"}, {"exp": 0}, {"exp": -1}, {"exp": 1e12}, {"sub": "1"}, {"sub": None}, {"sid": "x" * 43},
        {"sid": None}, {"jti": None}, {"iat": None},
    ],
    ids=str,
)  # fmt: skip
def test_it_refuses_claims_it_does_not_make(pair: Tokens, change: dict[str, Any]) -> None:
    said = {**claims(pair.access), **change}
    assert refused(forged({name: value for name, value in said.items() if value is not None}))


def coded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


HEADERS = [{"crit": ["b64"], "b64": False}, {"kid": "../../dev/null"}, {"jku": "https://x.test"}, {"typ": None}]


@pytest.mark.parametrize("extra", HEADERS, ids=str)
def test_it_refuses_headers_it_does_not_write(pair: Tokens, extra: dict[str, Any]) -> None:
    names = {"alg": "HS256", "typ": "JWT", **extra}
    head = coded(json.dumps({name: value for name, value in names.items() if value is not None}).encode())
    signed = f"{head}.{pair.access.split('.')[1]}"
    assert refused(f"{signed}.{coded(jwt.get_algorithm_by_name('HS256').sign(signed.encode(), key()))}")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_it_refuses_a_token_with_one_letter_changed(pair: Tokens, place: int) -> None:
    parts = pair.access.split(".")
    middle = len(parts[place]) // 2
    parts[place] = parts[place][:middle] + ("A" if parts[place][middle] != "A" else "B") + parts[place][middle + 1 :]
    assert refused(".".join(parts))


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "é.é.é", "x" * 100_000, "e30.e30.", "null", "Bearer x"])
def test_it_refuses_what_is_no_token(app: Flask, token: str) -> None:
    assert refused(token)


def test_it_wants_a_key_of_256_bits() -> None:
    with pytest.raises(ValueError):
        tokens.use(b"too short")
