"""The trash: what goes in is stopped and hidden, what comes back rests and takes nobody's name."""

from typing import Any

import pytest

from scheduler import signals
from scheduler.accounts.models import AuditEntry
from scheduler.database import db
from scheduler.errors import Forbidden, NotFound
from scheduler.tasks import definitions, queries, trash
from tests.conftest import FrozenClock
from tests.factories import SYSTEM, as_actor, make_run, make_task, perform, rows

pytestmark = pytest.mark.usefixtures("app")


def test_it_hides_a_task_and_keeps_its_history(clock: FrozenClock) -> None:
    task = make_task(cron="* * * * *")
    perform(make_run(task))
    trash.remove(SYSTEM, task.id)
    assert (task.deleted_at, task.enabled, task.next_run_at) == (clock.at, False, None)
    with pytest.raises(NotFound):
        queries.find(SYSTEM, task.id)
    assert [run.status for run in rows(task)] == ["success"]


def test_it_tells_those_who_stop_its_runs() -> None:
    heard: list[int] = []

    def listen(task_id: int) -> None:
        heard.append(task_id)

    task = make_task()
    with signals.task_removed.connected_to(listen):
        trash.remove(SYSTEM, task.id)
    assert heard == [task.id]


def test_nothing_can_be_done_to_it_there() -> None:
    task = make_task()
    trash.remove(SYSTEM, task.id)
    for verb in (trash.remove, definitions.enable, definitions.disable, lambda actor, id: definitions.edit(actor, id, {})):
        with pytest.raises(NotFound):
            verb(SYSTEM, task.id)


def test_it_comes_back_resting(clock: FrozenClock) -> None:
    task = make_task(cron="* * * * *", tags=["a"])
    trash.remove(SYSTEM, task.id)
    trash.restore(SYSTEM, task.id)
    assert (task.deleted_at, task.enabled, task.next_run_at, task.version) == (None, False, None, 2)
    assert [tag.name for tag in queries.find(SYSTEM, task.id).tags] == ["a"]
    with pytest.raises(NotFound):
        trash.restore(SYSTEM, task.id)


def test_it_comes_back_under_another_name_where_its_own_was_taken() -> None:
    found = []
    for _ in range(3):
        task = make_task(name="one", key="one")
        trash.remove(SYSTEM, task.id)
        found.append(task)
    for task in found:
        trash.restore(SYSTEM, task.id)
    assert [(task.name, task.key) for task in found] == [("one", "one"), ("one (2)", "one-2"), ("one (3)", "one-3")]


def test_the_longest_name_comes_back_and_can_still_be_edited() -> None:
    long = {"name": "n" * 100, "key": "k" * 100}
    task = make_task(**long)
    trash.remove(SYSTEM, task.id)
    make_task(**long)
    trash.restore(SYSTEM, task.id)
    assert definitions.edit(SYSTEM, task.id, {"description": "x"}).key == "k" * 98 + "-2"


def test_it_writes_down_who_did_it(edith: Any) -> None:
    task = make_task()
    trash.remove(as_actor(edith), task.id)
    trash.restore(as_actor(edith), task.id)
    found = db.session.scalars(db.select(AuditEntry).where(AuditEntry.actor_name == "edith").order_by(AuditEntry.id)).all()
    assert [entry.action for entry in found] == ["task.delete", "task.restore"]


def test_it_asks_for_permission(oscar: Any, mallory: Any) -> None:
    task = make_task()
    with pytest.raises(Forbidden):
        trash.remove(as_actor(oscar), task.id)
    with pytest.raises(NotFound):
        trash.remove(as_actor(mallory), task.id)
    db.session.rollback()
    trash.remove(SYSTEM, task.id)
    with pytest.raises(Forbidden):
        trash.restore(as_actor(oscar), task.id)
    with pytest.raises(NotFound):
        trash.restore(as_actor(mallory), task.id)


def test_it_lists_what_somebody_could_bring_back(edith: Any, oscar: Any, clock: FrozenClock) -> None:
    first, second = make_task(), make_task(as_actor(edith), private=True)
    for task in (first, second):
        clock.move(minutes=1)
        trash.remove(SYSTEM, task.id)
    assert list(trash.deleted(as_actor(edith))) == [second, first]
    assert list(trash.deleted(as_actor(oscar))) == []
