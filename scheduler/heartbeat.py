"""The sign of life of the daemon that leads: a file touched with every pass, whose age any process can tell."""

import os
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from scheduler import clock

FRESH = 15.0  # seconds after which a daemon counts as gone


def beat(instance: Path, at: datetime | None = None) -> None:
    """Say that the daemon has just made a pass: `at` that moment, or now."""
    path, now = _path(instance), (at or clock.now()).timestamp()
    try:
        os.utime(path, (now, now))
    except FileNotFoundError:
        made = Path(path)
        made.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made.touch(mode=0o600)
        os.utime(path, (now, now))


def last(instance: Path) -> datetime | None:
    """When the last pass was made; None when there never was one."""
    try:
        return datetime.fromtimestamp(os.stat(_path(instance)).st_mtime, UTC)
    except FileNotFoundError:
        return None


def age(instance: Path) -> float | None:
    """Seconds since the last pass; None when there never was one."""
    made = last(instance)
    return None if made is None else (clock.now() - made).total_seconds()


def fresh(instance: Path) -> bool:
    """Whether a daemon is at work; a clock set back a little does not make it look gone."""
    seconds = age(instance)
    return seconds is not None and abs(seconds) <= FRESH


@lru_cache(maxsize=4)
def _path(instance: Path) -> str:
    return str(instance / "run" / "heartbeat")
