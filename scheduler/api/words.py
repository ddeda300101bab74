"""How the service's and the engine's documents call the statuses of runs and tasks, and what each of their words asks for."""

from collections.abc import Mapping, Sequence

from scheduler.runs.models import Run
from scheduler.runs.status import FAILED, Status
from scheduler.tasks.models import Task

WORDS: Mapping[str, str] = {status: "failed" if status in FAILED else str(status) for status in Status}
ASKED: Mapping[str, frozenset[str]] = {
    word: frozenset(status for status in Status if WORDS[status] == word)
    for word in dict.fromkeys(WORDS[status] for status in Status)
}
IDLE = "idle"


def failure_kind(status: str) -> str | None:
    """In which way a run failed; None when it did not."""
    return str(Status(status)) if status in FAILED else None


def standing(task: Task, alive: Sequence[Run]) -> str:
    """What a task does now, else how its last run went: `running`, `pending`, `success`, `failed` …; `idle` before the first."""
    for status in (Status.RUNNING, Status.PENDING):
        if any(run.status == status for run in alive):
            return WORDS[status]
    return WORDS[task.last_status] if task.last_status else IDLE


def current(task: Task, alive: Sequence[Run]) -> str:
    """003's `current_status`: idle, queued, running, success, failed, skipped."""
    return CURRENT.get(word := standing(task, alive), word)


CURRENT: Mapping[str, str] = {"pending": "queued", "missed": "skipped", "cancelled": IDLE}
