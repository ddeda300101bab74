"""Where a run keeps its files, made from its number alone, and the note of its progress among them; the log is read by `logs`."""

import json
import os
from pathlib import Path
from typing import TypedDict

PROGRESS = "progress"
LARGEST_PROGRESS = 8192


class Progress(TypedDict):
    """How far a running attempt says it is."""

    percent: float
    text: str


def run_folder(instance: Path, run_id: int) -> Path:
    """The folder of a run, which holds its attempts'."""
    return instance / f"runs/{run_id}"


def attempt_folder(instance: Path, run_id: int, number: int) -> Path:
    """The folder of one attempt: its start, its log, its result."""
    return Path(attempt_path(instance, run_id, number))


def attempt_path(instance: Path, run_id: int, number: int) -> str:
    """`attempt_folder` for the run path, where making a path of each costs more than reading what lies there."""
    return f"{instance}/runs/{run_id}/{number}"


def workspace_folder(instance: Path, run_id: int) -> Path:
    """The folder a run works in when its task names none."""
    return Path(workspace_path(instance, run_id))


def workspace_path(instance: Path, run_id: int) -> str:
    """`workspace_folder` for the run path."""
    return f"{instance}/workspaces/{run_id}"


def progress(folder: Path) -> Progress | None:
    """What the attempt in `folder` last said of its progress; None when it has said nothing."""
    try:
        descriptor = os.open(folder / PROGRESS, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        try:
            said = json.loads(file.read(LARGEST_PROGRESS))
            return {"percent": min(max(float(said["percent"]), 0.0), 100.0), "text": str(said["text"])}
        except (ValueError, TypeError, KeyError):
            return None
