"""The dispatcher that hands attempts over, step by step, with a broker that delivers nothing by itself."""

from collections.abc import Iterator

import pytest
from flask import Flask

from scheduler import config
from scheduler.daemon.dispatcher import Dispatcher
from scheduler.daemon.handing import AGAIN, LONGEST_PAUSE, Handing
from scheduler.daemon.presence import GIVEN_UP
from scheduler.database import db, transaction
from scheduler.execution.protocol import State
from scheduler.runs import handing, lifecycle
from scheduler.runs.models import Attempt, Run
from tests.conftest import FrozenClock
from tests.factories import SYSTEM, attempts, make_run, outcome
from tests.fakes import FakeCarrier, FakeEngine


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def carrier() -> FakeCarrier:
    return FakeCarrier()


@pytest.fixture
def dispatcher(app: Flask, engine: FakeEngine, carrier: FakeCarrier) -> Iterator[Handing]:
    """A dispatcher whose thread does not run: its steps are called one by one."""
    made = Handing(app, engine, carrier)
    made._stopping.set()
    yield made
    made.stop()


def status(run: Run) -> str:
    db.session.rollback()
    return db.session.get_one(Run, run.id).status


def turn(dispatcher: Dispatcher) -> None:
    for step in (dispatcher._look_around, lambda: dispatcher._work([]), dispatcher._pass_on_stops):
        assert dispatcher._managed(step)


def test_it_tells_workers_and_makes_nothing_ready(dispatcher: Handing, carrier: FakeCarrier, engine: FakeEngine) -> None:
    run = make_run(command="echo hello")
    dispatcher._start_waiting()
    assert (carrier.told, engine.specs, status(run), attempts(run)[0].node) == ([(run.id, 1)], {}, "running", "")


def test_what_is_handed_over_counts_against_the_limits(dispatcher: Handing, carrier: FakeCarrier) -> None:
    concurrency = config.Execution(concurrency=config.Concurrency(max_concurrent=2))
    before = config.use(config.settings().model_copy(update={"execution": concurrency}))
    for _ in range(4):
        make_run()
    dispatcher._start_waiting()
    dispatcher._start_waiting()
    config.use(before)
    assert len(carrier.told) == 2


def test_without_a_broker_all_waits_again_and_opens_no_more_attempts(
    dispatcher: Handing, carrier: FakeCarrier, clock: FrozenClock
) -> None:
    run, carrier.unreachable = make_run(), True
    for _ in range(60):
        turn(dispatcher)
        clock.move(seconds=1)
    assert (status(run), [attempt.status for attempt in attempts(run)]) == ("pending", ["unstarted"])
    assert 4 <= carrier.asked <= 8
    carrier.unreachable = False
    clock.move(seconds=LONGEST_PAUSE)
    turn(dispatcher)
    assert (status(run), carrier.told) == ("running", [(run.id, 2)])


def test_what_was_taken_before_the_broker_failed_goes_on(dispatcher: Handing, carrier: FakeCarrier) -> None:
    run = make_run()

    def half(told: list[tuple[int, int]]) -> None:
        handing.take(run.id, 1)
        raise ConnectionError("in the middle")

    carrier.publish = half  # type: ignore[assignment, method-assign]
    dispatcher._start_waiting()
    assert (status(run), attempts(run)[0].status) == ("running", "running")


def test_it_tells_again_of_what_nobody_took_when_its_message_is_gone(
    dispatcher: Handing, carrier: FakeCarrier, engine: FakeEngine, clock: FrozenClock
) -> None:
    lost, taken = make_run(), make_run()
    turn(dispatcher)
    handing.take(taken.id, 1)
    engine.states[taken.id, 1] = State.ALIVE
    carrier.asleep.clear()
    clock.move(seconds=AGAIN / 2)
    turn(dispatcher)
    assert len(carrier.told) == 2
    clock.move(seconds=AGAIN)
    turn(dispatcher)
    assert carrier.told[2:] == [(lost.id, 1)]


def test_while_workers_are_busy_messages_do_not_pile_up(dispatcher: Handing, carrier: FakeCarrier, clock: FrozenClock) -> None:
    make_run()
    for _ in range(20):
        turn(dispatcher)
        clock.move(seconds=AGAIN)
    assert len(carrier.told) == 1


def test_a_new_leader_asks_at_once_whether_anybody_knows(dispatcher: Handing, carrier: FakeCarrier) -> None:
    run = make_run()
    lifecycle.claim([run.id], node=handing.NOBODY)
    turn(dispatcher)
    assert carrier.told == [(run.id, 1)]


def test_nobody_is_given_up_because_nobody_took_it(dispatcher: Handing, carrier: FakeCarrier, clock: FrozenClock) -> None:
    run = make_run()
    for _ in range(20):
        turn(dispatcher)
        clock.move(minutes=1)
    assert status(run) == "running"


def test_what_a_worker_took_that_is_silent_for_too_long_is_lost(dispatcher: Handing, clock: FrozenClock) -> None:
    run = make_run()
    turn(dispatcher)
    handing.take(run.id, 1)
    with transaction() as session:
        session.get_one(Attempt, (run.id, 1)).node = "elsewhere"
    clock.move(seconds=2)
    turn(dispatcher)
    assert status(run) == "running"
    clock.move(seconds=GIVEN_UP)
    turn(dispatcher)
    assert (status(run), handing.take(run.id, 1)) == ("lost", None)


def test_a_stop_ends_what_nobody_took(dispatcher: Handing) -> None:
    run = make_run()
    turn(dispatcher)
    lifecycle.cancel(SYSTEM, run)
    dispatcher.wake(stops=True)
    dispatcher._pass_on_stops()
    assert status(run) == "cancelled" and handing.take(run.id, 1) is None


def test_it_sees_to_what_a_worker_performs_in_its_own_folder(dispatcher: Handing, engine: FakeEngine) -> None:
    finished, stopped = make_run(), make_run()
    dispatcher._start_waiting()
    for run in (finished, stopped):
        handing.take(run.id, 1)
    engine.outcomes[finished.id, 1] = outcome(0)
    engine.specs[stopped.id, 1] = None  # type: ignore[assignment]
    lifecycle.cancel(SYSTEM, stopped)
    turn(dispatcher)
    assert status(finished) == "success" and engine.stopped == [(stopped.id, 1, False)]


def test_who_performs_by_himself_fetches_back_what_was_handed_over(app: Flask, engine: FakeEngine) -> None:
    run, dispatcher = make_run(), Dispatcher(app, engine)
    lifecycle.claim([run.id], node=handing.NOBODY)
    turn(dispatcher)
    dispatcher.stop()
    assert list(engine.specs) == [(run.id, 2)]
