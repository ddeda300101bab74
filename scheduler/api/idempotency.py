"""The `Idempotency-Key` of a request: what a client sends again when it does not know whether it was heard."""

from flask import request

from scheduler.errors import N_, Invalid

NAME = "Idempotency-Key"
LONGEST = 80


def key() -> str:
    """The key, if there is one; empty when there is none."""
    given = request.headers.get(NAME, "").strip()
    if len(given) > LONGEST or not (given.isascii() and given.isprintable()):
        text = N_("A key has at most %(longest)s printable ASCII characters.")
        raise Invalid.because(text, field=NAME, longest=LONGEST)
    return given
