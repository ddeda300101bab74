"""Passwords: how they are hashed and verified, made at random, and which are refused; whose they are is not known here."""

import secrets
import threading
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from scheduler.errors import N_, Invalid

SHORTEST, LONGEST = 10, 200
FEWEST_CHARACTERS = 4  # different ones
# The commonest ones that are long enough to pass the rule of length.
_LISTED = (
    "1234567890 0123456789 0987654321 9876543210 1234512345 1122334455 12345678910 123456789a a123456789 1q2w3e4r5t"
    " 1qaz2wsx3edc qwertyuiop qwerty12345 qwerty123456 q1w2e3r4t5 asdfghjkl; zxcvbnm123 password12 password123"
    " password1234 password12345 passw0rd123 p@ssword123 p@ssw0rd123 administrator admin12345 admin123456 admin@1234"
    " administrator1 letmein123 welcome123 welcome1234 iloveyou12 iloveyou123 changeme123 changeit123 correcthorse"
    " woaini1314 woaini1314520 woaini520 5201314520 a1b2c3d4e5 abc1234567 abcd123456 abcdefghij scheduler1 scheduler123"
    " superman123 football123 sunshine123 princess123 dragon1234 monkey1234 baseball123 test123456 root123456"
)
COMMON = frozenset(_LISTED.split())

# 19 MiB a hash: two at once keep a burst of sign-ins from eating the machine's memory.
PARAMETERS: dict[str, Any] = {"time_cost": 2, "memory_cost": 19 * 1024, "parallelism": 1}

_hasher = PasswordHasher(**PARAMETERS)
_at_once = threading.BoundedSemaphore(2)


def hashed(password: str) -> str:
    """The argon2id hash to store."""
    with _at_once:
        return _hasher.hash(_octets(password))


def verified(password_hash: str | None, password: str) -> bool:
    """Whether `password` is the one hashed; without a hash (nobody of that name) it takes as long to say no."""
    with _at_once:
        try:
            return _hasher.verify(password_hash or _nobodys, _octets(password)) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False


def outdated(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's, and should be made anew."""
    return _hasher.check_needs_rehash(password_hash)


def fresh() -> str:
    """A random password to be used once, easy to read aloud: 100 bits in five groups."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(5))


def check(password: str, username: str, field: str = "password") -> None:
    """`Invalid` when the password is too short, too long, the user's own name or among the commonest."""
    if not SHORTEST <= len(password) <= LONGEST:
        text = N_("A password has %(least)s to %(most)s characters.")
        raise Invalid.because(text, field=field, least=SHORTEST, most=LONGEST)
    if password.casefold() == username.casefold():
        raise Invalid.because(N_("The password must not be the user name."), field=field)
    if password.casefold() in COMMON or len(set(password)) < FEWEST_CHARACTERS:
        raise Invalid.because(N_("This password is too common: others would guess it."), field=field)


def _octets(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


_nobodys = hashed(secrets.token_urlsafe())
