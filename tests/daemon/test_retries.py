"""Retries as the worker meets them: so many and no more, never beyond the limits, their run's in all that looks at it."""

from collections.abc import Iterator

import pytest
from flask import Flask

from scheduler import config
from scheduler.daemon.dispatcher import Dispatcher
from scheduler.database import db
from scheduler.runs import ledger
from scheduler.runs.models import Attempt, Run
from scheduler.runs.status import Status
from tests.conftest import FrozenClock
from tests.factories import make_run, make_task, outcome, perform, rows, statuses
from tests.fakes import FakeEngine

SLOTS = 2


@pytest.fixture
def dispatcher(app: Flask) -> Iterator[Dispatcher]:
    """Of an engine with which everything fails at once, where two may run at a time; its steps are called one by one."""
    before = config.use(config.settings().model_copy(update={"engine": config.Engine(timezone="UTC", max_workers=SLOTS)}))
    made = Dispatcher(app, FakeEngine(inline=outcome(7)))
    made._stopping.set()  # nothing it does waits
    yield made
    made.stop()
    config.use(before)


def going() -> list[tuple[int, int]]:
    db.session.rollback()
    running = db.select(Run.id, Run.attempts).where(Run.status == Status.RUNNING)
    return [(row.id, row.attempts) for row in db.session.execute(running)]


def test_what_fails_at_once_is_tried_so_often_and_never_beyond_the_slots(dispatcher: Dispatcher) -> None:
    runs = [make_run(retry_count=3, retry_delay_seconds=0) for _ in range(10)]
    dispatcher._work([])
    turns = 0
    while attempts := going():
        assert len(attempts) <= SLOTS
        dispatcher._work(attempts)
        turns += 1
    assert turns == 10 * 4 / SLOTS and db.session.query(Attempt).count() == 10 * 4
    assert {db.session.get_one(Run, run.id).status for run in runs} == {"technical_failure"}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("skip", ["pending", "skipped"]),
        ("queue", ["pending", "pending"]),
        ("replace", ["cancelled", "pending"]),
        ("allow", ["pending", "skipped"]),
    ],
)
def test_a_run_that_waits_for_its_retry_is_still_going_on(
    app: Flask, clock: FrozenClock, policy: str, expected: list[str]
) -> None:
    task = make_task(cron="* * * * *", overlap_policy=policy, retry_count=3, retry_delay_seconds=600)
    ledger.settle(clock.move(minutes=1))
    perform(rows(task)[0], 7)
    ledger.settle(clock.move(minutes=1))
    assert statuses(task) == expected


def test_a_retry_and_the_next_run_of_its_task_never_go_on_together(dispatcher: Dispatcher, clock: FrozenClock) -> None:
    make_task(cron="* * * * *", overlap_policy="queue", retry_count=1, retry_delay_seconds=90)
    ledger.settle(clock.move(minutes=1))
    dispatcher._work([])
    dispatcher._take_in(going())
    ledger.settle(clock.move(minutes=1))
    clock.move(seconds=30)
    dispatcher._work([])
    assert len(going()) == 1
