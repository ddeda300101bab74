"""Numbers for whoever watches the installation: the machine's from the kernel, and from the database how much there is to do."""

import shutil
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select

from scheduler.config import settings
from scheduler.database import db
from scheduler.runs.models import Run
from scheduler.runs.status import RAN, Status
from scheduler.tasks.models import Task

GLANCE = 0.1  # seconds over which the processors are watched: the kernel only tells how long they have been busy since it began


@dataclass(frozen=True)
class Machine:
    """How much of this machine is in use, in percent."""

    cpu: float
    memory: float
    disk: float


@dataclass(frozen=True)
class Work:
    """How much waits and runs, and how far the schedule is behind, in seconds."""

    pending: int
    running: int
    running_tasks: int
    completed_today: int
    enabled_tasks: int
    disabled_tasks: int
    lag: float


def machine() -> Machine:
    """This machine now; takes `GLANCE` seconds."""
    busy, passed = _processors()
    time.sleep(GLANCE)
    busy_then, passed_then = _processors()
    lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    memory = {words[0].rstrip(":"): int(words[1]) for words in lines}
    disk = shutil.disk_usage(settings().instance)
    return Machine(
        cpu=_percent(busy_then - busy, passed_then - passed),
        memory=_percent(memory["MemTotal"] - memory.get("MemAvailable", memory["MemFree"]), memory["MemTotal"]),
        disk=_percent(disk.used, disk.used + disk.free),
    )


def work(now: datetime) -> Work:
    """What there is to do at `now`, of all tasks; today is the day of the installation's zone."""
    midnight = now.astimezone(ZoneInfo(settings().engine.timezone)).replace(hour=0, minute=0, second=0, microsecond=0)
    done = select(func.count()).where(Run.finished_at >= midnight, Run.status.in_(RAN))
    alive = Task.deleted_at.is_(None)
    enabled = {
        row[0]: row[1] for row in db.session.execute(select(Task.enabled, func.count()).where(alive).group_by(Task.enabled))
    }
    oldest = db.session.scalar(select(func.min(Task.next_run_at)).where(Task.enabled.is_(True), alive))
    running = (Run.status == Status.RUNNING,)
    return Work(
        pending=_count(select(func.count()).where(Run.status == Status.PENDING)),
        running=_count(select(func.count()).where(*running)),
        running_tasks=_count(select(func.count(Run.task_id.distinct())).where(*running)),
        completed_today=_count(done),
        enabled_tasks=enabled.get(True, 0),
        disabled_tasks=enabled.get(False, 0),
        lag=max((now - oldest).total_seconds(), 0.0) if oldest else 0.0,
    )


def _count(query: Select[int]) -> int:
    return db.session.scalar(query) or 0


def _processors() -> tuple[int, int]:
    """How long the processors have been busy, and how long it has been, in ticks of all of them."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)  # idle, and waiting for a disk


def _percent(part: float, whole: float) -> float:
    return round(100 * part / whole, 1) if whole > 0 else 0.0
