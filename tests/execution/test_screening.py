"""Masking a stream: whatever the secrets and wherever a chunk ends, no byte of one comes through and no other is lost."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.execution.screening import STARS, Mask
from scheduler.vault import disguises

FEW = st.text("ab", min_size=1, max_size=5)


def masked(secrets: list[str], *chunks: bytes) -> bytes:
    mask = Mask(secrets)
    return b"".join(map(mask, chunks)) + mask.rest()


def uncovered(secrets: list[str], data: bytes) -> bytes:
    """What no secret covers, found the slow way."""
    starts = [(at, secret) for secret in secrets for at in range(len(data)) if data.startswith(secret.encode(), at)]
    hidden = {place for at, secret in starts for place in range(at, at + len(secret))}
    return bytes(byte for place, byte in enumerate(data) if place not in hidden)


@given(st.lists(FEW, min_size=1, max_size=3), st.lists(st.text("ab", max_size=6).map(str.encode), max_size=8))
def test_it_hides_every_byte_of_a_secret_and_no_other_however_it_is_cut(secrets: list[str], chunks: list[bytes]) -> None:
    found = masked(secrets, *chunks)
    assert found.replace(b"*", b"") == uncovered(secrets, b"".join(chunks))
    assert found == masked(secrets, b"".join(chunks))


def test_it_hides_secrets_that_overlap_or_lie_in_each_other() -> None:
    assert masked(["abcd", "cdef"], b"xabcdefx") == b"x" + STARS + b"x"
    assert masked(["abcd", "cdef"], b"xabc", b"de", b"fx") == b"x" + STARS + b"x"
    assert masked(["secret", "my secret word"], b"my secret word, secret") == STARS + b", " + STARS


def test_it_lets_through_at_once_what_cannot_be_the_beginning_of_a_secret() -> None:
    assert Mask(["hunter2"])(b"Continue? [y/N] ") == b"Continue? [y/N] "


def test_a_long_secret_is_found_in_pieces() -> None:
    key = "".join(f"line {number} of a key\n" for number in range(1500))
    octets = f"before {key} after".encode()
    pieces = [octets[at : at + 997] for at in range(0, len(octets), 997)]
    assert masked([key], *pieces) == b"before " + STARS + b" after"


@pytest.mark.parametrize(
    "value", ["p&ss word/%", "line one\nline two", 'say "cheese"', "höchst-geheim", "-----BEGIN\nabcdefgh\n-----END\n"]
)
def test_it_hides_a_value_in_its_disguises(value: str) -> None:
    forms = [
        value,
        value.strip(),
        *value.strip().splitlines(),
        quote(value.strip(), safe=""),
        quote(value.strip()),
        json.dumps(value.strip())[1:-1],
    ]
    for form in forms:
        assert masked([*disguises(value)], b"< ", form.encode(), b" >") == b"< " + STARS + b" >", form


@pytest.mark.parametrize("before", range(3))
def test_it_hides_a_value_in_base64_wherever_it_begins(before: int) -> None:
    octets = b"u" * before + b"correct-h0rse-battery"
    shown = masked([*disguises("correct-h0rse-battery")], base64.b64encode(octets))
    assert STARS in shown and len(shown.replace(STARS, b"")) <= 6


def test_of_an_address_it_hides_the_password_and_the_path() -> None:
    forms = [*disguises("https://me:p%40ssw0rd@example.org/hook/T01/B02?key=1")]
    shown = masked(forms, b"POST /hook/T01/B02 p@ssw0rd p%40ssw0rd example.org")
    assert shown.split() == [b"POST", STARS, STARS, STARS, b"example.org"]
    assert masked([*disguises("https://example.org/api")], b"GET /api") == b"GET /api"


def test_a_value_of_a_few_letters_hides_no_common_text() -> None:
    assert disguises("a\nbc\ndefg") >= {"defg"} and not {"a", "bc"} & disguises("a\nbc\ndefg")
