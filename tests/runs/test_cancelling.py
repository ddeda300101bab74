"""Stopping runs: what waits ends at once, what runs is asked, and what it then says."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from blinker import Signal

from scheduler import signals
from scheduler.accounts.models import AuditEntry
from scheduler.database import db
from scheduler.errors import Forbidden, NotFound
from scheduler.runs import lifecycle
from scheduler.runs.models import Run
from scheduler.tasks import trash
from tests.conftest import FrozenClock
from tests.factories import SYSTEM, as_actor, claim, finish, make_run, make_task, perform

pytestmark = pytest.mark.usefixtures("app")


@contextmanager
def heard(signal: Signal) -> Iterator[list[int]]:
    found: list[int] = []

    def listen(run_ids: list[int]) -> None:
        db.session.rollback()
        found.extend(run_ids)

    with signal.connected_to(listen):
        yield found


def now(run: Run) -> Run:
    db.session.rollback()
    return db.session.get_one(Run, run.id)


def test_it_cancels_what_waits_at_once(clock: FrozenClock) -> None:
    run = make_run()
    with heard(signals.run_finished) as finished, heard(signals.cancel_requested) as asked:
        lifecycle.cancel(SYSTEM, run)
    assert (now(run).status, run.finished_at, run.reason) == ("cancelled", clock.at, {"code": "stopped", "by": "system"})
    assert (finished, asked) == ([run.id], [])


def test_it_cancels_a_retry_that_waits() -> None:
    run = perform(make_run(retry_count=3), 5)
    lifecycle.cancel(SYSTEM, run)
    assert (now(run).status, run.not_before, run.attempts) == ("cancelled", None, 1)


def test_it_asks_what_runs_to_stop() -> None:
    run = make_run()
    claim(run)
    with heard(signals.cancel_requested) as asked:
        lifecycle.cancel(SYSTEM, run)
    assert (now(run).status, run.cancel_by, run.cancel_count, asked) == ("running", "system", 1, [run.id])
    lifecycle.cancel(SYSTEM, run)
    assert now(run).cancel_count == 2


@pytest.mark.parametrize(
    "values", [{"code": 7}, {"code": 1}, {"reason": "cancelled", "code": None}, {"reason": "lost", "code": None}]
)
def test_what_fails_after_it_was_asked_to_stop_was_stopped(values: dict[str, Any]) -> None:
    run = make_run(retry_count=3)
    claim(run)
    lifecycle.cancel(SYSTEM, run)
    finish(run, **values)
    assert (now(run).status, (run.reason or {})["code"]) == ("cancelled", "stopped")


@pytest.mark.parametrize(("values", "status"), [({"code": 0}, "success"), ({"reason": "timeout", "code": None}, "timeout")])
def test_what_ends_otherwise_than_by_the_stop_says_so(values: dict[str, Any], status: str) -> None:
    run = make_run()
    claim(run)
    lifecycle.cancel(SYSTEM, run)
    finish(run, **values)
    assert (now(run).status, run.reason) == (status, None)


def test_it_lets_only_those_stop_a_run_who_may(oscar: Any, victor: Any, mallory: Any) -> None:
    run = make_run()
    with pytest.raises(Forbidden):
        lifecycle.cancel(as_actor(victor), run)
    with pytest.raises(NotFound):
        lifecycle.cancel(as_actor(mallory), run)
    lifecycle.cancel(as_actor(oscar), run)
    actions = db.session.execute(db.select(AuditEntry.action, AuditEntry.actor_name)).all()
    assert ("run.stop", "oscar") in [tuple(row) for row in actions]


def test_it_ends_all_of_a_deleted_task() -> None:
    task = make_task(overlap_policy="queue")
    running, waiting, other = make_run(task), make_run(task), make_run()
    claim(running)
    lifecycle.cancel_all(task.id, "", "deleted")
    assert (now(running).status, running.cancel_count, now(waiting).status) == ("running", 1, "cancelled")
    assert now(other).status == "pending"


def test_it_finds_by_itself_what_lives_of_deleted_tasks() -> None:
    task = make_task()
    running, waiting = make_run(task), make_run(task)
    claim(running)
    trash.remove(SYSTEM, task.id)
    for _ in range(3):
        lifecycle.cancel_orphans()
    assert (now(running).cancel_count, now(waiting).status) == (1, "cancelled")
    assert (waiting.reason or {})["code"] == "deleted"
