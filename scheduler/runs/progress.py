"""How far a running attempt says it is: the file its supervisor keeps up to date; after the end the attempt's row has it."""

from scheduler.config import settings
from scheduler.runs import folders
from scheduler.runs.folders import Progress
from scheduler.runs.models import Run


def current(run: Run) -> Progress | None:
    """The latest `percent` and `text` a run has printed; None when it prints none, or has not begun."""
    return folders.progress(folders.attempt_folder(settings().instance, run.id, run.attempts))
