"""Running a task because somebody asked: once for each key, not for everybody, not without end."""

from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from scheduler.accounts.models import AuditEntry
from scheduler.database import db
from scheduler.errors import Conflict, Forbidden, NotFound
from scheduler.runs import ledger
from scheduler.runs.status import Cause, Status
from scheduler.tasks import trash
from scheduler.tasks.models import Task
from tests.conftest import FrozenClock
from tests.factories import SYSTEM, as_actor, at, make_task, rows
from tests.threads import in_threads, while_another_writes

pytestmark = pytest.mark.usefixtures("app")

MINUTELY = "* * * * *"


def test_it_runs_a_task_because_somebody_asked(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY)
    run = ledger.request(SYSTEM, task)
    assert (run.status, run.cause, run.triggered_by) == (Status.PENDING, "manual", "system")
    assert task.next_run_at == at("2026-03-02T12:01")
    entry = db.session.scalars(db.select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None and (entry.action, entry.after) == ("task.run", {"execution_id": run.public_id})


@pytest.mark.parametrize("key", ["once-only", "k" * 80, "k" * 500])
def test_the_same_key_is_the_same_run(key: str) -> None:
    task, other = make_task(), make_task()
    run = ledger.request(SYSTEM, task, Cause.API, key)
    assert ledger.request(SYSTEM, task, Cause.API, key).id == run.id
    assert ledger.request(SYSTEM, other, Cause.API, key).id != run.id
    assert ledger.request(SYSTEM, task, Cause.API, key + "2").id != run.id


def test_two_that_ask_at_once_with_one_key_get_one_run(app: Flask) -> None:
    task = make_task()
    task_id = task.id

    def ask() -> None:
        ledger.request(SYSTEM, db.session.get_one(Task, task_id), Cause.API, "once")

    assert in_threads(app, 6, ask) == []
    assert len(rows(task)) == 1


def test_it_refuses_a_hundred_and_first_that_waits() -> None:
    task = make_task()
    for _ in range(100):
        ledger.request(SYSTEM, task)
    with pytest.raises(Conflict, match="100 runs"):
        ledger.request(SYSTEM, task)


def test_it_asks_for_permission(oscar: Any, victor: Any, mallory: Any) -> None:
    task = make_task()
    assert ledger.request(as_actor(oscar), task).triggered_by == "oscar"
    with pytest.raises(Forbidden):
        ledger.request(as_actor(victor), task)
    with pytest.raises(NotFound):
        ledger.request(as_actor(mallory), task)


def test_it_runs_nothing_that_was_deleted() -> None:
    task = make_task()
    trash.remove(SYSTEM, task.id)
    with pytest.raises(NotFound):
        ledger.request(SYSTEM, task)


def test_calls_that_come_at_once_share_a_commit(app: Flask) -> None:
    make_task(key="idle")
    seen: list[object] = []
    note = seen.append
    event.listen(db.engine, "commit", note)
    asked = while_another_writes(app, *(partial(ledger.call, SYSTEM, "idle") for _ in range(3)))
    event.remove(db.engine, "commit", note)
    assert len({one.public_id for one in asked}) == 3
    assert len(seen) == 2  # theirs, and the one they waited for
