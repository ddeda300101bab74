"""Folders without a run go when they are old enough and nobody works in them; runs without their folder are reported."""

import os
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from scheduler.database import db, transaction
from scheduler.runs import orphans, retention
from scheduler.runs.folders import run_folder, workspace_folder
from scheduler.runs.models import Attempt, Run
from scheduler.runs.orphans import YOUNG
from tests.factories import make_run, make_task, perform

NOBODY = 4711  # the number of no run


def leave(folder: Path, clock, age: timedelta) -> Path:
    """A run's folder with a log in it, last touched `age` ago."""
    (folder / "1").mkdir(parents=True)
    (folder / "1" / "output.log").write_text("hello")
    then = (clock.now() - age).timestamp()
    for path in (folder / "1" / "output.log", folder / "1", folder):
        os.utime(path, (then, then))
    return folder


def reconcile(clock, busy=lambda _run: False) -> Counter[str]:
    freed: Counter[str] = Counter()
    orphans.reconcile(clock.now(), freed, lambda _seconds: None, busy)
    return freed


@pytest.mark.parametrize("folder", [run_folder, workspace_folder])
def test_it_removes_an_old_folder_that_belongs_to_no_run(clock, instance, folder):
    orphan = leave(folder(instance, NOBODY), clock, 2 * YOUNG)
    assert reconcile(clock)["orphans"] == 1 and not orphan.exists()


@pytest.mark.parametrize("folder", [run_folder, workspace_folder])
def test_it_leaves_a_folder_younger_than_a_day(clock, instance, folder):
    orphan = leave(folder(instance, NOBODY), clock, YOUNG - timedelta(minutes=1))
    assert reconcile(clock)["orphans"] == 0 and orphan.exists()


def test_it_leaves_a_folder_whose_log_still_grows(clock, instance):
    orphan = leave(run_folder(instance, NOBODY), clock, 5 * YOUNG)
    log = orphan / "1" / "output.log"
    os.utime(log, (clock.now().timestamp(),) * 2)
    reconcile(clock)
    assert log.exists()


def test_it_leaves_what_somebody_works_in(clock, instance):
    orphan = leave(run_folder(instance, NOBODY), clock, 5 * YOUNG)
    workspace = leave(workspace_folder(instance, NOBODY), clock, 5 * YOUNG)
    reconcile(clock, busy=lambda run: run == orphan)
    assert orphan.exists() and workspace.exists()


def test_it_leaves_the_folders_of_runs_and_whatever_is_not_ours(clock, instance):
    mine = leave(run_folder(instance, make_run().id), clock, 5 * YOUNG)
    others = leave(instance / "runs" / "notes", clock, 5 * YOUNG)
    zeroed = leave(instance / "runs" / "007", clock, 5 * YOUNG)
    assert reconcile(clock)["orphans"] == 0
    assert mine.exists() and others.exists() and zeroed.exists()


def test_it_waits_longer_when_most_folders_are_unknown(clock, instance, monkeypatch):
    """A database brought back from long ago, or simply the wrong one."""
    monkeypatch.setattr(orphans, "MANY", 3)
    folders = [leave(run_folder(instance, NOBODY + number), clock, 5 * YOUNG) for number in range(5)]
    assert reconcile(clock)["orphans"] == 0 and all(folder.exists() for folder in folders)
    clock.move(days=30)
    assert reconcile(clock)["orphans"] == 5


def test_it_reports_logs_of_this_machine_that_are_gone(clock, instance):
    here, elsewhere, kept = (perform(make_run(), host=host, details={"log_bytes": 9}) for host in ("me", "other", "me"))
    with transaction() as session:
        session.execute(update(Attempt).where(Attempt.host == "me").values(host=os.uname().nodename[:64]))
    leave(run_folder(instance, kept.id), clock, YOUNG)
    assert reconcile(clock)["vanished"] == 1
    assert db.session.get(Run, here.id) and db.session.get(Run, elsewhere.id), "what happened, happened"


def test_it_gives_no_number_that_a_folder_has_already(clock, instance):
    """After the restore of an older backup: another run's result must never be taken for the new one's."""
    task = make_task()
    before = perform(make_run(task)).id
    leave(run_folder(instance, before + 50), clock, timedelta(0))
    assert orphans.outrun_folders() == 50
    assert make_run(task).id == before + 51
    assert orphans.outrun_folders() == 0


def test_it_gives_no_number_that_a_folder_has_when_there_was_no_run_yet(clock, instance):
    leave(workspace_folder(instance, 7), clock, timedelta(0))
    orphans.outrun_folders()
    assert make_run().id == 8


def test_it_stops_between_two_looks(clock, instance):
    leave(run_folder(instance, NOBODY), clock, 5 * YOUNG)

    def no_time(_seconds: float) -> None:
        raise retention.Stopped

    with pytest.raises(retention.Stopped):
        orphans.reconcile(clock.now(), Counter(), no_time, lambda _run: False)
