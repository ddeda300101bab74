"""How v1's document calls the statuses of runs and tasks, and what each of its words asks for."""

from collections.abc import Mapping

from scheduler.runs.status import FAILED, AttemptStatus, Status

WORDS: Mapping[str, str] = {
    Status.PENDING: "PENDING",
    Status.RUNNING: "RUNNING",
    Status.SUCCESS: "SUCCESS",
    Status.BUSINESS_FAILURE: "FAILED",
    Status.TECHNICAL_FAILURE: "FAILED",
    Status.LOST: "FAILED",
    Status.TIMEOUT: "TIMEOUT",
    Status.CANCELLED: "CANCELLED",
    Status.MISSED: "MISSED",
    Status.SKIPPED: "SKIPPED",
    AttemptStatus.UNSTARTED: "UNSTARTED",
}
ASKED: Mapping[str, frozenset[str]] = {
    word: frozenset(status for status in Status if WORDS[status] == word)
    for word in dict.fromkeys(WORDS[status] for status in Status)
}


def failure_kind(status: str) -> str | None:
    """In which way a run failed; None when it did not."""
    return str(Status(status)) if status in FAILED else None
