"""Named places at which a test makes this very process die, freeze or fail; without the variable there is nothing of it."""

import os
import signal
import sys
from collections.abc import Callable
from itertools import count

VARIABLE = "SCHEDULER_FAILPOINT"  # "claim_after_commit:kill@3, finish_before_commit:error": at the third passing, at the first

NAMES = frozenset({
    "settle_before_insert", "settle_after_insert", "settle_before_commit", "settle_after_commit",
    "request_before_commit", "request_after_commit",
    "claim_before_commit", "spec_built", "claim_after_commit", "hand_over_sent",
    "runner_before_begin", "runner_after_begin",
    "supervisor_before_start", "supervisor_after_start", "supervisor_before_fork", "supervisor_after_fork",
    "supervisor_before_result", "supervisor_after_result", "supervisor_before_poke", "child_before_exec",
    "ingest_before_finish", "finish_before_commit", "finish_after_commit",
    "unstart_before", "unstart_after", "take_after_commit",
    "choose_before_commit", "choose_after_commit", "claim_delivery_before_commit",
})  # fmt: skip


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _error() -> None:
    raise OSError("a failpoint")


ACTIONS = {"kill": _kill, "stop": _stop, "error": _error}


def parse(text: str) -> Callable[[str], None]:
    """What `failpoint` is under this value of the variable; ValueError names what cannot be understood of it."""
    armed = dict(_one(part.strip()) for part in text.split(",") if part.strip())
    passings = {name: count(1) for name in armed}

    def failpoint(name: str) -> None:
        if name not in armed:
            return
        action, at = armed[name]
        if next(passings[name]) == at:
            os.write(2, f"event=failpoint name={name} action={action}\n".encode())
            ACTIONS[action]()

    return failpoint


def _one(part: str) -> tuple[str, tuple[str, int]]:
    name, _, what = part.partition(":")
    action, _, at = what.partition("@")
    if name not in NAMES:
        raise ValueError(f"there is no failpoint {name!r}")
    if action not in ACTIONS or not (at or "1").isdecimal() or at == "0":
        raise ValueError(f"{part!r} is not name:action or name:action@passing, with one of {', '.join(ACTIONS)}")
    return name, (action, int(at or 1))


def _unarmed(name: str) -> None:
    """Pass by the place called `name`."""


def _found() -> Callable[[str], None]:
    try:
        return parse(os.environ[VARIABLE]) if VARIABLE in os.environ else _unarmed
    except ValueError as error:
        sys.exit(f"{VARIABLE}: {error}")


failpoint: Callable[[str], None] = _found()
