"""The clean-up by a real server: at the first start, by hand, killed in the middle and taken up again."""

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from scheduler import clock
from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db, table, transaction
from scheduler.runs import upkeep
from scheduler.runs.folders import attempt_folder, run_folder, workspace_folder
from scheduler.runs.models import Run, Upkeep
from scheduler.tasks.models import Task
from tests.flows.conftest import Site
from tests.waiting import until

pytestmark = pytest.mark.slow


def statuses() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Upkeep.status).order_by(Upkeep.id)))


def grow_old(*runs: Run) -> None:
    """Let these runs have been over for a year."""
    with transaction() as session:
        session.execute(
            update(Run).where(Run.id.in_([run.id for run in runs])).values(finished_at=clock.now() - timedelta(days=365))
        )


def old_rows(task: Task, count: int) -> None:
    """Many runs of `task` that were over long ago."""
    long_ago = clock.now() - timedelta(days=365)
    times = dict.fromkeys(("scheduled_at", "queued_at", "started_at", "finished_at"), long_ago)
    row = {"task_id": task.id, "task_version": 1, "cause": "schedule", "status": "success", "group_id": 1, "attempts": 1, **times}
    rows = [row | {"public_id": f"exec-{number}", "cause_key": str(number)} for number in range(count)]
    with transaction() as session:
        session.connection().execute(table(Run).insert(), rows)


def orphan(instance: Path, number: int, age: timedelta) -> Path:
    folder = attempt_folder(instance, number, 1)
    folder.mkdir(parents=True)
    for path in (folder, folder.parent):
        os.utime(path, ((clock.now() - age).timestamp(),) * 2)
    return folder.parent


def test_it_is_done_at_the_first_start_and_whenever_somebody_asks(site: Site) -> None:
    server = site.start()
    until(lambda: statuses() == ["success"])
    gone, kept = orphan(site.instance, 700, timedelta(days=3)), orphan(site.instance, 701, timedelta(hours=3))
    server.terminate()
    server.wait()
    site.start()
    task, long = site.task("touch kept", max_instances=5, overlap_policy="allow"), site.task("sleep 60")
    runs = [site.run(task) for _ in range(3)]
    assert site.until_over(*runs) == ["success"] * 3
    assert min(run.id for run in runs) > 701, "no number that a folder has already"
    running = site.run(long)
    until(lambda: site.status(running) == "running")
    ids = [run.id for run in runs]
    grow_old(*runs)
    upkeep.request(SYSTEM)
    until(lambda: statuses() == ["success"] * 2)
    assert not gone.exists() and kept.exists()
    (last,) = [run.id for run in site.runs(task)]
    assert [one for one in ids if run_folder(site.instance, one).exists()] == [last]
    assert not any(workspace_folder(site.instance, one).exists() for one in ids)
    assert site.status(running) == "running" and workspace_folder(site.instance, running.id).exists()
    site.stop(running)
    assert site.until_over(running) == ["cancelled"]


def test_killed_in_the_middle_it_is_taken_up_again(site: Site) -> None:
    server = site.start()
    until(lambda: statuses() == ["success"])
    old_rows(site.task(":"), 30_000)
    upkeep.request(SYSTEM)
    until(lambda: count() < 29_000)
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    assert 0 < count() < 30_000 and statuses() == ["success", "running"]
    site.start()
    until(lambda: statuses() == ["success", "lost", "success"], 60)
    assert count() == 0


def test_told_to_stop_in_the_middle_it_leaves_within_seconds(site: Site) -> None:
    server = site.start()
    until(lambda: statuses() == ["success"])
    old_rows(site.task(":"), 60_000)
    upkeep.request(SYSTEM)
    until(lambda: count() < 59_000)
    server.send_signal(signal.SIGTERM)
    server.wait(30)
    assert statuses() == ["success", "cancelled"] and count() > 0


def count() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Run)) or 0
