"""Every status a run or an attempt can have, the sets people ask for, and which may follow which; depends on nothing."""

from enum import StrEnum


class Status(StrEnum):
    """How a run stands. `pending` covers a waiting retry too: such a run has had an attempt already."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    BUSINESS_FAILURE = "business_failure"
    TECHNICAL_FAILURE = "technical_failure"
    TIMEOUT = "timeout"
    LOST = "lost"
    CANCELLED = "cancelled"
    MISSED = "missed"
    SKIPPED = "skipped"


class AttemptStatus(StrEnum):
    """How one try stands; `unstarted` ended before its program began and counts against nothing."""

    RUNNING = "running"
    SUCCESS = "success"
    BUSINESS_FAILURE = "business_failure"
    TECHNICAL_FAILURE = "technical_failure"
    TIMEOUT = "timeout"
    LOST = "lost"
    CANCELLED = "cancelled"
    UNSTARTED = "unstarted"


LIVE = frozenset({Status.PENDING, Status.RUNNING})
ENDED = frozenset(Status) - LIVE
FAILED = frozenset({Status.BUSINESS_FAILURE, Status.TECHNICAL_FAILURE, Status.TIMEOUT, Status.LOST})
RAN = FAILED | {Status.SUCCESS}
RETRIED = frozenset({Status.TECHNICAL_FAILURE, Status.TIMEOUT})

NEXT: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.RUNNING, Status.CANCELLED, Status.SKIPPED}),
    Status.RUNNING: frozenset({Status.PENDING}) | FAILED | {Status.SUCCESS, Status.CANCELLED},
    **{ended: frozenset() for ended in ENDED},
}


class Cause(StrEnum):
    """Why a run exists. A due instant run late, after a gap, keeps the cause `schedule` and is marked late:
    its row must collide with the one the schedule would have made."""

    SCHEDULE = "schedule"
    MANUAL = "manual"
    API = "api"
    DEPENDENCY = "dependency"


ASKED_FOR = frozenset({Cause.MANUAL, Cause.API})  # by somebody, now; the other causes begin by themselves
