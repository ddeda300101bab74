"""The folders runs worked in, removed some hours after their runs are over; what is not a run's own is left alone."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from scheduler import clock
from scheduler.accounts import audit
from scheduler.accounts.permissions import Actor, require
from scheduler.config import settings
from scheduler.database import db, transaction
from scheduler.runs import disk
from scheduler.runs.folders import workspace_folder
from scheduler.runs.models import Run
from scheduler.runs.retention import BREATH, Rest
from scheduler.runs.status import LIVE

CHUNK = 500

_log = logging.getLogger("Upkeep")


@dataclass
class Removed:
    """What went: how many folders, how many bytes of disk, the end of the oldest run of them, and how many would not go."""

    count: int = 0
    bytes: int = 0
    oldest: datetime | None = None
    failed: int = 0


def remove(actor: Actor, hours: int) -> Removed:
    """Remove the workspaces of the runs that were over `hours` ago, now; administrators only, and in the audit log."""
    require(actor, "settings.manage")
    removed = clean(clock.now() - timedelta(hours=hours))
    with transaction():
        said = {"hours": hours, "removed": removed.count, "bytes": removed.bytes, "failed": removed.failed}
        audit.record(actor, "workspaces.clean", ("upkeep", None, "workspaces"), after=said)
    return removed


def clean(until: datetime, rest: Rest | None = None) -> Removed:
    """Remove the workspaces of runs that were over by `until`, with a breath for others after every few hundred."""
    removed = Removed()
    for run_id, finished_at in _over(until, rest):
        try:
            removed.bytes += disk.remove(workspace_folder(settings().instance, run_id))
        except OSError as error:
            _log.error("event=workspace_not_removed run=%s reason=%s", run_id, error)
            removed.failed += 1
            continue
        removed.count += 1
        removed.oldest = min(removed.oldest or finished_at, finished_at)
    return removed


def _over(until: datetime, rest: Rest | None) -> Iterator[tuple[int, datetime]]:
    """The runs that have a workspace here and were over by `until`, each with its end."""
    folders = disk.numbered(settings().instance / "workspaces")
    for start in range(0, len(folders), CHUNK):
        part = Run.id.in_(folders[start : start + CHUNK])
        query = select(Run.id, Run.finished_at).where(part, Run.status.not_in(LIVE), Run.finished_at <= until)
        found = db.session.execute(query.order_by(Run.id)).all()
        db.session.rollback()
        yield from ((row.id, row.finished_at) for row in found)
        if rest:
            rest(BREATH)
