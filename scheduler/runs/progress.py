"""How far a running attempt says it is: the file its supervisor keeps up to date; after the end the attempt's row has it."""

import json
from collections.abc import Mapping
from typing import Any

from scheduler.config import settings
from scheduler.runs.folders import attempt_folder
from scheduler.runs.models import Run

FILE = "progress"


def current(run: Run) -> Mapping[str, Any] | None:
    """The latest `percent` and `text` a run has printed; None when it prints none, or has not begun."""
    try:
        text = (attempt_folder(settings().instance, run.id, run.attempts) / FILE).read_text("utf-8")
        found = json.loads(text)
    except (OSError, ValueError):  # not written yet, or cut off by a full disk
        return None
    return found if isinstance(found, dict) else None
