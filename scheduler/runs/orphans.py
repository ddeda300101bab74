"""Folders without a run and runs without their folder: the first go once they are old enough, the second are reported."""

import logging
import os
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select, text

from scheduler.config import settings
from scheduler.database import LARGEST, db, transaction
from scheduler.runs import disk
from scheduler.runs.models import Attempt, Run
from scheduler.runs.retention import BREATH, Rest
from scheduler.runs.status import LIVE

YOUNG = timedelta(days=1)  # a folder touched within it stays: the database may be an older one, brought back from a backup
MANY = 100
CHUNK = 1000

Busy = Callable[[Path], bool]
"""Whether somebody works in the folder of a run."""

_log = logging.getLogger("Upkeep")


def reconcile(now: datetime, freed: Counter[str], rest: Rest, busy: Busy) -> None:
    """Remove the folders that belong to no run; adds `orphans`, `bytes`, `vanished` and `failed` to `freed`.

    Where most folders belong to none, this is likely the wrong database: then they stay for as long as the trash does.
    """
    for parent in (settings().instance / "runs", settings().instance / "workspaces"):
        there = disk.numbered(parent)
        orphans = _unknown(there, rest)
        crowd = len(orphans) > max(MANY, len(there) // 2)
        patience = timedelta(days=settings().history.trash_days) if crowd else YOUNG
        if crowd:
            _log.warning("event=most_folders_unknown parent=%s folders=%s unknown=%s", parent.name, len(there), len(orphans))
        for number in orphans:
            _remove(parent / str(number), now - patience, freed, busy)
    _report_vanished(freed, rest)


def outrun_folders() -> int:
    """Let the next run's number lie beyond every folder there is; answers by how much it had to move.

    After a restore of an older backup the numbers would be given a second time, and a new run would find the files of
    another: its start, its result, its log.
    """
    folders = [disk.numbered(settings().instance / parent) for parent in ("runs", "workspaces")]
    highest = max((numbers[-1] for numbers in folders if numbers), default=0)
    if not 0 < highest < LARGEST - CHUNK:
        return 0
    sqlite = db.engine.dialect.name == "sqlite"
    known = text("SELECT seq FROM sqlite_sequence WHERE name = 'run'" if sqlite else "SELECT last_value FROM run_id_seq")
    move = text("UPDATE sqlite_sequence SET seq = :to WHERE name = 'run'" if sqlite else "SELECT setval('run_id_seq', :to)")
    with transaction() as session:
        last = session.scalar(known)
        if last is None:
            session.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES ('run', 0)"))
        if (last or 0) >= highest:
            return 0
        session.execute(move, {"to": highest})
    _log.warning("event=run_numbers_moved from=%s to=%s", last, highest)
    return highest - (last or 0)


def _unknown(there: list[int], rest: Rest) -> list[int]:
    found: list[int] = []
    for start in range(0, len(there), CHUNK):
        part = there[start : start + CHUNK]
        known = set(db.session.scalars(select(Run.id).where(Run.id.in_([number for number in part if number <= LARGEST]))))
        db.session.rollback()
        found += [number for number in part if number not in known]
        rest(BREATH)
    return found


def _remove(folder: Path, before: datetime, freed: Counter[str], busy: Busy) -> None:
    run = settings().instance / "runs" / folder.name
    if max(disk.touched(folder), disk.touched(run)) > before.timestamp() or busy(run):
        return
    try:
        freed["bytes"] += disk.remove(folder)
        freed["orphans"] += 1
    except OSError as error:
        _log.error("event=orphan_not_removed folder=%s reason=%s", folder, error)
        freed["failed"] += 1


def _report_vanished(freed: Counter[str], rest: Rest) -> None:
    """Count the runs of this machine whose log should be here and is not; their rows stay, they are what happened.

    What ran on another machine has its folder there.
    """
    there = set(disk.numbered(settings().instance / "runs"))
    here = (Attempt.run_id == Run.id) & (Attempt.number == Run.attempts) & (Attempt.host == os.uname().nodename[:64])
    last = 0
    while True:
        query = select(Run.id).join(Attempt, here).where(Run.id > last, Run.status.not_in(LIVE), Run.log_bytes > 0)
        found = db.session.scalars(query.order_by(Run.id).limit(CHUNK)).all()
        db.session.rollback()
        if not found:
            break
        last = found[-1]
        freed["vanished"] += sum(1 for run_id in found if run_id not in there)
        rest(BREATH)
    if freed["vanished"]:
        _log.warning("event=logs_vanished runs=%s", freed["vanished"])
