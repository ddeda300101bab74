"""What history no longer keeps goes, folder first; what is alive or still needed stays, however old."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from scheduler import config
from scheduler.accounts.models import AuditEntry
from scheduler.accounts.permissions import SYSTEM
from scheduler.config import History
from scheduler.database import db, transaction
from scheduler.runs import disk, ledger, lifecycle, retention
from scheduler.runs.folders import attempt_folder, run_folder, workspace_folder
from scheduler.runs.models import Attempt, Run
from scheduler.runs.retention import Stopped
from scheduler.runs.status import Cause
from scheduler.tasks import trash
from scheduler.tasks.models import Dependency, Task
from tests.conftest import FrozenClock
from tests.factories import claim, finish, make_run, make_task, perform, rows


@pytest.fixture
def keep(app):
    """`keep(retention_days=1)`: how long this installation keeps history."""
    before = config.settings()

    def kept(**values: int) -> None:
        config.use(before.model_copy(update={"history": History(**values)}))

    yield kept
    config.use(before)


def ran(task: Task, count: int = 1) -> list[int]:
    """Runs of `task` that are over, with their numbers."""
    return [perform(make_run(task)).id for _ in range(count)]


def clean(clock: FrozenClock) -> Counter[str]:
    freed: Counter[str] = Counter()
    retention.clean(clock.now(), freed, lambda _seconds: None)
    return freed


def empty_trash(clock: FrozenClock) -> Counter[str]:
    freed: Counter[str] = Counter()
    retention.empty_trash(clock.now(), freed, lambda _seconds: None)
    return freed


def numbers(task: Task) -> list[int]:
    return sorted(run.id for run in rows(task))


def leave_log(instance: Path, run_id: int) -> Path:
    folder = attempt_folder(instance, run_id, 1)
    folder.mkdir(parents=True)
    (folder / "output.log").write_bytes(b"x" * 5000)
    return run_folder(instance, run_id)


def test_it_removes_what_is_older_than_the_installation_keeps(clock, keep):
    keep(retention_days=30)
    task = make_task()
    ran(task, 3)
    clock.move(days=20)
    younger = ran(task, 2)
    clock.move(days=11)
    assert clean(clock)["runs"] == 3
    assert numbers(task) == younger


def test_it_keeps_the_last_run_of_a_task_however_old(clock, keep):
    keep(retention_days=1)
    task = make_task()
    *_, last = ran(task, 3)
    clock.move(days=400)
    assert clean(clock)["runs"] == 2
    assert numbers(task) == [last] == [task.last_run_id]


def test_it_keeps_only_the_newest_records_of_each_task(clock, keep):
    keep(max_records=2)
    chatty, quiet = make_task(), make_task()
    *_, newest, last = ran(chatty, 5)
    few = ran(quiet, 2)
    assert clean(clock)["runs"] == 3
    assert (numbers(chatty), numbers(quiet)) == ([newest, last], few)


def test_a_task_may_keep_its_history_longer_or_shorter(clock, keep):
    keep(retention_days=30, max_records=3)
    archive, brief, usual = make_task(retention_days=365, max_records=10), make_task(retention_days=2, max_records=1), make_task()
    for task in (archive, brief, usual):
        ran(task, 2)
    clock.move(days=3)
    clean(clock)
    assert [len(numbers(task)) for task in (archive, brief, usual)] == [2, 1, 2]
    for task in (archive, usual):
        ran(task, 4)
    clean(clock)
    assert [len(numbers(task)) for task in (archive, usual)] == [6, 3]
    clock.move(days=31)
    clean(clock)
    assert [len(numbers(task)) for task in (archive, usual)] == [6, 1]


def test_it_never_touches_what_waits_or_runs(clock, keep, instance):
    keep(retention_days=1, max_records=1)
    task = make_task(max_instances=3, overlap_policy="allow")
    waiting, running = make_run(task), make_run(task)
    claim(running)
    folder = leave_log(instance, running.id)
    clock.move(days=900)
    ran(task, 2)
    assert clean(clock)["runs"] == 1
    assert {waiting.id, running.id} < set(numbers(task)) and folder.exists()


def test_it_keeps_an_end_that_another_task_still_waits_with(clock, keep):
    keep(retention_days=1)
    first, second = make_task(), make_task()
    follower = make_task(depends_on=[first.key, second.key])
    arrived = perform(make_run(first)).id
    ran(make_task())
    lifecycle.cancel(SYSTEM, make_run(first))  # now the last one of its task, and no end for anybody
    clock.move(days=5)
    clean(clock)
    assert arrived in numbers(first)
    perform(make_run(second))
    assert db.session.scalar(select(Run.upstream).where(Run.task_id == follower.id))
    assert db.session.scalar(select(func.count()).where(Dependency.arrival.is_not(None))) == 0
    clean(clock)
    assert arrived not in numbers(first)


def test_it_keeps_for_a_day_what_a_caller_may_send_again(clock, keep):
    keep(max_records=1)
    task = make_task()
    asked = perform(ledger.request(SYSTEM, task, Cause.API, "key-1")).id
    ran(task, 3)
    clean(clock)
    assert ledger.request(SYSTEM, task, Cause.API, "key-1").id == asked
    clock.move(days=1, minutes=1)
    clean(clock)
    assert asked not in numbers(task)


def test_it_removes_the_folders_and_the_attempts_with_the_run(clock, keep, instance):
    keep(max_records=1)
    task = make_task()
    old, last = ran(task, 2)
    gone, kept = leave_log(instance, old), leave_log(instance, last)
    workspace_folder(instance, old).mkdir(parents=True)
    freed = clean(clock)
    assert not gone.exists() and kept.exists() and not workspace_folder(instance, old).exists()
    assert freed["bytes"] >= 5000
    assert db.session.scalars(select(Attempt.run_id)).all() == [last]


def test_it_keeps_the_row_of_a_log_that_cannot_be_removed(clock, keep, instance, monkeypatch):
    keep(max_records=1)
    stuck, other, _ = ran(make_task(), 3)
    real = disk.remove

    def remove(path: str) -> int:
        if path == str(run_folder(instance, stuck)):
            raise PermissionError(path)
        return real(path)

    monkeypatch.setattr(disk, "remove", remove)
    freed = clean(clock)
    assert (freed["failed"], freed["runs"]) == (1, 1)
    assert db.session.get(Run, stuck) and not db.session.get(Run, other)


def test_it_follows_no_link_a_task_left(clock, keep, instance, tmp_path):
    keep(max_records=1)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "data").write_text("mine")
    old, older, _ = ran(make_task(), 3)
    leave_log(instance, old)
    (run_folder(instance, old) / "away").symlink_to(tmp_path / "precious")
    (instance / "workspaces").mkdir(exist_ok=True)
    workspace_folder(instance, older).symlink_to(tmp_path / "precious")
    assert clean(clock)["runs"] == 2
    assert (tmp_path / "precious" / "data").read_text() == "mine"
    assert not workspace_folder(instance, older).is_symlink()


def test_it_can_be_stopped_in_the_middle_and_goes_on_later(clock, keep, monkeypatch):
    keep(max_records=1)
    monkeypatch.setattr(retention, "BATCH", 2)
    task = make_task()
    ran(task, 8)
    freed: Counter[str] = Counter()

    def enough(_seconds: float) -> None:
        if freed["runs"] >= 4:
            raise Stopped

    with pytest.raises(Stopped):
        retention.clean(clock.now(), freed, enough)
    assert len(numbers(task)) == 4
    assert clean(clock)["runs"] == 3 and clean(clock)["runs"] == 0


def test_it_is_never_longer_in_one_transaction_than_a_batch(clock, keep, monkeypatch):
    keep(max_records=1)
    monkeypatch.setattr(retention, "BATCH", 3)
    ran(make_task(), 8)
    breaths: list[float] = []
    retention.clean(clock.now(), Counter(), breaths.append)
    assert len(breaths) >= 3 and min(breaths) >= retention.BREATH


def test_it_never_gives_a_number_twice(clock, keep):
    keep(trash_days=1)
    doomed, other = make_task(), make_task()
    used = ran(doomed, 2)
    trash.remove(SYSTEM, doomed.id)
    clock.move(days=2)
    assert empty_trash(clock)["tasks"] == 1
    assert make_run(other).id > max(used) and make_task().id > other.id


def test_it_empties_the_trash_with_everything_of_the_task(clock, keep, instance):
    keep(trash_days=7)
    doomed = make_task(tags=["night"])
    follower = make_task(depends_on=[doomed.key])
    log = leave_log(instance, ran(doomed, 2)[0])
    trash.remove(SYSTEM, doomed.id)
    clock.move(days=6)
    assert empty_trash(clock)["tasks"] == 0
    clock.move(days=1, seconds=1)
    assert empty_trash(clock)["tasks"] == 1
    db.session.expire_all()
    assert db.session.get(Task, doomed.id) is None and numbers(doomed) == [] and not log.exists()
    assert db.session.get(Task, follower.id) is not None
    assert db.session.scalar(select(AuditEntry.action).order_by(AuditEntry.id.desc()).limit(1)) == "task.purge"


def test_a_task_stays_in_the_trash_while_anything_of_it_runs(clock, keep):
    keep(trash_days=1)
    task = make_task()
    run = make_run(task)
    claim(run)
    trash.remove(SYSTEM, task.id)
    clock.move(days=5)
    assert empty_trash(clock)["tasks"] == 0 and numbers(task) == [run.id]
    finish(run)
    assert empty_trash(clock)["tasks"] == 1


def test_age_is_found_by_an_index(app, clock):
    if db.engine.dialect.name != "sqlite":
        pytest.skip("SQLite's plan")
    (sweep,) = retention._by_age(clock.now() - timedelta(days=1))
    query = select(Run.id).where(sweep.which, retention._over).order_by(sweep.along, Run.id).limit(500)
    with transaction() as session:
        plan = session.connection().exec_driver_sql(
            f"EXPLAIN QUERY PLAN {query.compile(db.engine, compile_kwargs={'literal_binds': True})}"
        )
        assert any("ix_run_finished" in row[-1] for row in plan)
