"""What waits: the order, the one reason, whom it is shown to, and a retry that goes at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event

from scheduler import clock, config, heartbeat, nodes
from scheduler.accounts.models import AuditEntry
from scheduler.database import db, transaction
from scheduler.errors import Conflict, Forbidden, NotFound
from scheduler.runs import ledger, lifecycle, queue, waiting
from scheduler.runs.models import Run
from scheduler.runs.queue import Place
from scheduler.runs.status import Cause, Status
from scheduler.tasks import definitions, pausing
from scheduler.tasks.models import Task
from tests.conftest import FrozenClock
from tests.factories import SYSTEM, as_actor, claim, finish, make_group, make_run, make_task, perform, rows

MINUTELY = "* * * * *"


@pytest.fixture(autouse=True)
def beating(app: Flask) -> None:
    heartbeat.beat(config.settings().instance)


def shown(**more: Any) -> list[tuple[int, int, str]]:
    return [(place.position, place.run.id, place.hold) for place in queue.entries(SYSTEM, **more)[0]]


@contextmanager
def listening(engine: Engine, asked: list[tuple[str, Any]]) -> Iterator[None]:
    """Keeps each statement and its values."""

    def hear(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append((statement, values))

    event.listen(engine, "before_cursor_execute", hear)
    yield
    event.remove(engine, "before_cursor_execute", hear)


def only() -> Place:
    ((place,), _) = queue.entries(SYSTEM)
    return place


def started() -> list[int]:
    return [run.run_id for run in waiting.startable(clock.now())]


def failed(task: Task, clock: FrozenClock) -> Run:
    """A run of the schedule that waits for its retry."""
    ledger.settle(clock.move(minutes=1))
    *_, run = rows(task)
    return perform(run, 7)


def many(task: Task, count: int) -> None:
    """Runs that wait, more than anybody may ask for."""
    known = rows(task)[0]
    values = {column.key: getattr(known, column.key) for column in Run.__table__.columns if column.key != "id"}
    values |= {"status": Status.PENDING, "attempts": 0}
    db.session.execute(db.insert(Run), [{**values, "public_id": f"more {n}", "cause_key": f"more {n}"} for n in range(count)])
    db.session.commit()


def test_nothing_waits_at_first() -> None:
    assert queue.entries(SYSTEM) == ([], 0)


def test_it_says_of_each_the_one_thing_it_waits_for(monkeypatch: pytest.MonkeyPatch, clock: FrozenClock) -> None:
    busy, narrow = make_task(), make_group("narrow", max_concurrent=1).key
    going = make_run(busy)
    claim(going)
    claim(make_run(group=narrow))
    behind, grouped, free = make_run(busy), make_run(group=narrow), make_run()
    retry = perform(make_run(retry_count=1, retry_delay_seconds=60), 7)
    assert shown() == [(1, behind.id, "task"), (2, grouped.id, "group"), (3, free.id, "ready"), (4, retry.id, "later")]
    limited = config.Engine(timezone="UTC", max_workers=2)
    before = config.use(config.settings().model_copy(update={"engine": limited}))
    assert shown()[2] == (3, free.id, "all")
    config.use(before)
    assert queue.entries(SYSTEM)[0][0].blocker == going.id


def test_the_second_of_a_task_waits_for_the_first() -> None:
    task = make_task()
    make_run(task), make_run(task)
    first, second = queue.entries(SYSTEM)[0]
    assert (first.hold, second.hold, second.ahead, second.limit) == ("ready", "task", None, 1)
    assert "others of it come before" in second.why.text


def test_it_waits_for_a_scheduler(clock: FrozenClock) -> None:
    make_run()
    clock.move(minutes=1)
    assert only().hold == "nobody"


def test_it_stands_in_starting_order(clock: FrozenClock) -> None:
    old = make_run()
    clock.move(seconds=299)
    high, low, higher = make_run(priority=1), make_run(priority=-1), make_run(priority=2)
    assert [run for _, run, _ in shown()] == [higher.id, high.id, old.id, low.id]
    clock.move(seconds=302)
    assert [run for _, run, _ in shown()] == [higher.id, high.id, old.id, low.id]
    late = make_run(priority=2)
    assert [run for _, run, _ in shown()] == [higher.id, high.id, old.id, late.id, low.id]


def test_the_dispatcher_takes_the_same_order(clock: FrozenClock) -> None:
    for priority in (0, 9, -3, 9, 2):
        make_run(priority=priority)
        clock.move(minutes=7)
    assert started() == [run for _, run, _ in shown()]


def test_a_low_priority_does_not_starve(clock: FrozenClock) -> None:
    low = make_run(priority=-10)
    for _ in range(12):
        clock.move(minutes=10)
        high = make_run(priority=2)
        first = started()[0]
        if first == low.id:
            break
        claim(high), finish(high)
    assert first == low.id


def test_it_is_in_sight_of_those_who_may_see_it(mallory: Any, victor: Any) -> None:
    grouped = make_run(group=make_group("hidden").key)
    make_run()
    assert queue.entries(as_actor(mallory)) == ([], 0)
    assert queue.entries(as_actor(victor))[1] == 2
    assert [place.position for place in queue.entries(SYSTEM, 1, 1)[0]] == [2]
    assert queue.place_of(grouped) is not None


def test_two_thousand_that_are_held_hide_nobody(clock: FrozenClock) -> None:
    busy, other = make_task(priority=9), make_task()
    claim(make_run(busy))
    make_run(busy)
    many(busy, 2000)
    hidden = make_run(other)
    assert [run for run in started() if run == hidden.id]
    assert len(started()) < 10


def test_two_thousand_of_a_full_group_hide_nobody(clock: FrozenClock) -> None:
    group = make_group("full", max_concurrent=2)
    claim(make_run(group="full"))
    busy = make_task(group="full", overlap_policy="allow", priority=9, max_instances=1000)
    make_run(busy)
    many(busy, 1200)
    hidden, second = make_run(), make_run(group=group.key)
    found = started()
    assert hidden.id in found and second.id not in found and len(found) == 2


def test_a_pause_hides_nobody_either(clock: FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LOOKAHEAD", 3)
    tasks = [make_task(cron=MINUTELY) for _ in range(5)]
    ledger.settle(clock.move(minutes=1))
    pausing.pause(SYSTEM)
    asked = make_run(tasks[0])
    assert started() == [asked.id]


def test_a_pause_holds_what_begins_by_itself(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY)
    ledger.settle(clock.move(minutes=1))
    pausing.pause(SYSTEM, until=clock.at.replace(hour=13))
    asked = ledger.request(SYSTEM, make_task(), Cause.API)
    assert [hold for _, _, hold in shown()] == ["paused", "nobody"]
    assert [run.paused for run in waiting.startable(clock.at)] == [True, False] and asked.id
    clock.move(hours=2)
    assert not any(run.paused for run in waiting.startable(clock.at)) and rows(task)


def test_a_retry_goes_at_once_when_somebody_wants_it(oscar: Any, clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY, retry_count=2, retry_delay_seconds=3600)
    run = failed(task, clock)
    assert run.not_before and only().is_retry and started() == []
    pausing.pause(SYSTEM)
    queue.hasten(as_actor(oscar), run)
    assert started() == [run.id] and not any(one.paused for one in waiting.startable(clock.at))
    assert db.session.scalars(db.select(AuditEntry).order_by(AuditEntry.id.desc())).first().action == "run.hasten"
    perform(run, 7)
    assert db.session.get_one(Run, run.id).hastened_by == "" and shown() == [(1, run.id, "paused")]


def test_a_retry_to_come_is_promised_for_its_time_only_where_no_pause_covers_that(clock: FrozenClock) -> None:
    failed(make_task(cron=MINUTELY, retry_count=1, retry_delay_seconds=600), clock)
    run = only().run
    pausing.pause(SYSTEM, until=clock.at + timedelta(minutes=9))
    assert shown() == [(1, run.id, "later")]
    pausing.pause(SYSTEM, until=clock.at + timedelta(minutes=11))
    assert shown() == [(1, run.id, "paused")]


def test_only_a_waiting_retry_goes_at_once(victor: Any, mallory: Any) -> None:
    run = make_run(group=make_group("hidden").key)
    for actor, refusal in ((SYSTEM, Conflict), (as_actor(victor), Forbidden), (as_actor(mallory), NotFound)):
        with pytest.raises(refusal):
            queue.hasten(actor, run)


def test_a_waiting_retry_can_be_cancelled() -> None:
    run = perform(make_run(retry_count=1), 7)
    lifecycle.cancel(SYSTEM, run)
    assert db.session.get_one(Run, run.id).status == Status.CANCELLED and shown() == []


@pytest.mark.parametrize("by_hand", [True, False])
def test_no_retry_comes_after_its_task_was_disabled(clock: FrozenClock, by_hand: bool) -> None:
    task = make_task(cron=MINUTELY, retry_count=3, retry_delay_seconds=1)
    run = perform(make_run(task), 7) if by_hand else failed(task, clock)
    definitions.disable(SYSTEM, task.id)
    clock.move(minutes=1)
    assert started() == []
    lifecycle.cancel_orphans()
    ended = db.session.get_one(Run, run.id)
    assert (ended.status, ended.reason) == ("cancelled", {"code": "disabled", "by": ""})


def test_what_waits_of_a_disabled_task_begins_only_when_somebody_asked_for_it(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY, overlap_policy="queue", max_instances=2)
    ledger.settle(clock.move(minutes=1))
    by_hand = make_run(task)
    definitions.disable(SYSTEM, task.id)
    assert started() == [by_hand.id]
    lifecycle.cancel_orphans()
    ended = rows(task)[0]
    assert (ended.status, ended.reason) == ("cancelled", {"code": "disabled", "by": ""})


@pytest.mark.parametrize("by_hand", [True, False])
def test_what_fails_after_its_task_was_disabled_is_not_retried(clock: FrozenClock, by_hand: bool) -> None:
    task = make_task(cron=MINUTELY, retry_count=3)
    if by_hand:
        make_run(task)
    else:
        ledger.settle(clock.move(minutes=1))
    (run,) = rows(task)
    claim(run)
    definitions.disable(SYSTEM, task.id)
    finish(run, 7)
    assert db.session.get_one(Run, run.id).status == "technical_failure"


@pytest.mark.parametrize(("code", "status"), [(0, "pending"), (3, "success"), (4, "business_failure"), (1, "pending")])
def test_a_task_has_its_own_sets_of_exit_codes(code: int, status: str) -> None:
    run = make_run(success_exit_codes=[3], business_exit_codes=[4, 5], retry_count=1)
    perform(run, code)
    assert db.session.get_one(Run, run.id).status == status


def test_the_first_few_are_read_in_order_however_many_wait(app: Flask) -> None:
    if db.engine.dialect.name != "sqlite":
        pytest.skip("SQLite's plan")
    asked: list[tuple[str, Any]] = []
    with listening(db.engine, asked):
        waiting.admitted(clock.now())
    plan = db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[-1][0]}", asked[-1][1]).all()
    assert any("ix_run_queue" in row[-1] for row in plan)
    assert sum("TEMP B-TREE" in row[-1] for row in plan) == 1  # of the few


@pytest.mark.usefixtures("handed_over")
def test_it_waits_for_a_worker_or_the_broker(clock: FrozenClock) -> None:
    make_run()
    assert only().hold == "workers" and "the broker does not answer" in only().why.text
    nodes.seen("", works=True)
    assert only().hold == "ready"
    with transaction() as session:
        session.get_one(nodes.Node, nodes.own()).works_at = nodes.moment() - 2 * nodes.SILENT
    assert only().hold == "workers"


def test_it_waits_for_no_worker_where_the_daemon_performs(clock: FrozenClock) -> None:
    make_run()
    assert only().hold == "ready"
