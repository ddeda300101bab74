"""The workspaces of runs that are over go after some hours; those of live runs, and everything else, stay."""

import pytest
from sqlalchemy import select

from scheduler.accounts.models import AuditEntry
from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db
from scheduler.errors import Forbidden
from scheduler.runs import workspaces
from scheduler.runs.folders import workspace_folder
from tests.factories import as_actor, claim, finish, make_run, make_task, perform


def work(instance, run):
    """A workspace with a file of 100 KB in it."""
    folder = workspace_folder(instance, run.id) / "deep" / "er"
    folder.mkdir(parents=True)
    (folder / "data").write_bytes(b"x" * 102_400)
    return workspace_folder(instance, run.id)


def test_it_removes_what_was_over_so_many_hours_ago(clock, instance):
    old = perform(make_run())
    gone, ended = work(instance, old), old.finished_at
    clock.move(hours=30)
    young = work(instance, perform(make_run()))
    removed = workspaces.remove(SYSTEM, 24)
    assert (removed.count, removed.failed, removed.oldest) == (1, 0, ended) and removed.bytes >= 102_400
    assert not gone.exists() and young.exists()


def test_it_leaves_what_waits_or_runs_however_long(clock, instance):
    running, retrying = make_run(), make_run(make_task(retry_count=2))
    claim(running)
    claim(retrying)
    finish(retrying, code=9)
    folders = [work(instance, run) for run in (running, retrying)]
    clock.move(days=30)
    assert workspaces.remove(SYSTEM, 1).count == 0 and all(folder.exists() for folder in folders)


def test_it_removes_nothing_twice(clock, instance):
    work(instance, perform(make_run()))
    clock.move(hours=2)
    assert [workspaces.remove(SYSTEM, 1).count for _ in range(2)] == [1, 0]


def test_it_is_for_administrators_and_in_the_audit_log(app, ada, edith):
    with pytest.raises(Forbidden):
        workspaces.remove(as_actor(edith), 24)
    workspaces.remove(as_actor(ada), 24)
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (entry.action, entry.actor_name, entry.after["hours"]) == ("workspaces.clean", "ada", 24)
