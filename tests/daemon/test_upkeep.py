"""Which folders are in use, and what a daemon cleans that follows another node's."""

import fcntl
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from scheduler.accounts.permissions import SYSTEM
from scheduler.daemon.upkeep import Housekeeper, Sweeper, busy
from scheduler.database import db
from scheduler.runs import upkeep
from scheduler.runs.folders import attempt_folder, run_folder, workspace_folder
from scheduler.runs.models import Upkeep
from tests.conftest import FrozenClock
from tests.factories import make_run, make_task, perform, rows


def test_a_run_is_in_use_while_a_supervisor_holds_one_of_its_folders(instance: Path) -> None:
    for number in (1, 2):
        attempt_folder(instance, 5, number).mkdir(parents=True)
    assert not busy(run_folder(instance, 5)) and not busy(run_folder(instance, 6))
    held = os.open(attempt_folder(instance, 5, 2), os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    assert busy(run_folder(instance, 5))
    os.close(held)
    assert not busy(run_folder(instance, 5))


def test_a_follower_cleans_its_own_folders_once_a_day_and_no_row(app: Flask, clock: FrozenClock, instance: Path) -> None:
    sweeper, task = Sweeper(app), make_task()
    old, last = (perform(make_run(task)) for _ in range(2))
    orphan = attempt_folder(instance, 99, 1)
    for folder in (workspace_folder(instance, old.id), orphan):
        folder.mkdir(parents=True)
    for folder in (orphan, orphan.parent):
        os.utime(folder, (clock.now().timestamp(),) * 2)
    sweeper._look()
    assert orphan.exists()
    clock.move(days=40)
    sweeper._look()
    assert not orphan.parent.exists() and not workspace_folder(instance, old.id).exists()
    assert rows(task) == [old, last] and db.session.scalar(select(func.count(Upkeep.id))) == 0
    orphan.mkdir(parents=True)
    os.utime(orphan.parent, (0, 0)), os.utime(orphan, (0, 0))
    sweeper._look()
    assert orphan.exists(), "not again before its time"


@pytest.fixture
def keeper(app: Flask, clock: FrozenClock) -> Iterator[Housekeeper]:
    keeper = Housekeeper(app)
    yield keeper
    keeper.stop()


def test_a_clock_set_a_year_ahead_deletes_no_history_for_a_day(keeper: Housekeeper, clock: FrozenClock) -> None:
    task = make_task()
    keeper._look()
    both = [perform(make_run(task)) for _ in range(2)]
    clock.at += timedelta(days=365)
    keeper._look()
    assert rows(task) == both
    clock.move(hours=25)
    keeper._look()
    assert rows(task) == both[1:]


def test_what_somebody_asks_for_is_done_however_odd_the_clock(keeper: Housekeeper, clock: FrozenClock) -> None:
    task = make_task()
    keeper._look()
    _, last = (perform(make_run(task)) for _ in range(2))
    clock.at += timedelta(days=365)
    upkeep.request(SYSTEM)
    keeper._look()
    assert rows(task) == [last]
