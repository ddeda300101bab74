"""What is made of attempts nobody reported, from what their engine says of them."""

import pytest

from scheduler.daemon import recovery
from scheduler.database import db
from scheduler.execution.protocol import State
from scheduler.runs.lifecycle import Report
from scheduler.runs.models import Run
from tests.conftest import FrozenClock
from tests.factories import attempts, claim, make_run, outcome, perform
from tests.fakes import FakeEngine

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def running() -> Run:
    run = make_run()
    claim(run)
    return run


def status(run: Run) -> str:
    db.session.rollback()
    return db.session.get_one(Run, run.id).status


def test_what_finished_meanwhile_is_written_down(engine: FakeEngine, running: Run, clock: FrozenClock) -> None:
    engine.outcomes[running.id, 1] = outcome(7)
    recovery.recover(engine, clock.at)
    assert (status(running), running.exit_code) == ("technical_failure", 7)


def test_what_lives_is_left_alone_and_noted(engine: FakeEngine, running: Run, clock: FrozenClock) -> None:
    engine.specs[running.id, 1] = None  # type: ignore[assignment]
    for _ in range(2):
        recovery.recover(engine, clock.move(hours=1))
    assert status(running) == "running"
    assert (attempts(running)[0].pid, attempts(running)[0].host) == (4711, "here")


def test_what_left_nothing_is_lost(engine: FakeEngine, running: Run, clock: FrozenClock) -> None:
    engine.states[running.id, 1] = State.LOST
    recovery.recover(engine, clock.at)
    assert (status(running), engine.swept) == ("lost", [(running.id, 1)])


def test_what_never_began_waits_again_behind_a_fence(engine: FakeEngine, running: Run, clock: FrozenClock) -> None:
    recovery.recover(engine, clock.move(seconds=4))
    assert status(running) == "running"
    recovery.recover(engine, clock.move(seconds=1))
    assert (status(running), engine.fenced) == ("pending", [(running.id, 1)])
    assert attempts(running)[0].status == "unstarted"


def test_at_a_start_nothing_is_waited_for(engine: FakeEngine, running: Run, clock: FrozenClock) -> None:
    recovery.recover(engine, clock.at, patience=0)
    assert status(running) == "pending"


def test_a_clock_set_back_holds_up_nothing(engine: FakeEngine, running: Run, clock: FrozenClock) -> None:
    recovery.recover(engine, clock.move(hours=-2))
    assert status(running) == "pending"


def test_one_that_begins_at_the_last_moment_is_not_put_back(engine: FakeEngine, running: Run, clock: FrozenClock) -> None:
    engine.specs[running.id, 1] = None  # type: ignore[assignment]
    engine.states[running.id, 1] = State.UNSTARTED
    recovery.recover(engine, clock.move(minutes=1))
    assert status(running) == "running"


def test_one_that_cannot_be_read_holds_up_no_other(clock: FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, first, second = FakeEngine(), make_run(), make_run()
    for run in (first, second):
        claim(run)
    engine.outcomes[second.id, 1] = outcome(0)
    probe = engine.probe

    def fail(run_id: int, number: int) -> State:
        if run_id == first.id:
            raise PermissionError("closed")
        return probe(run_id, number)

    monkeypatch.setattr(engine, "probe", fail)
    recovery.recover(engine, clock.at)
    assert (status(first), status(second)) == ("running", "success")


def test_a_report_no_database_can_hold_holds_up_no_other() -> None:
    first, second = make_run(), make_run()
    for run in (first, second):
        claim(run)
    strange = outcome(0, details={"cpu_seconds": {"not": "a number"}})
    recovery.write([Report(first.id, 1, strange), Report(second.id, 1, outcome(0))])
    assert (status(first), status(second)) == ("running", "success")


def test_it_says_nothing_of_what_is_over(engine: FakeEngine, clock: FrozenClock) -> None:
    run = perform(make_run())
    engine.states[run.id, 1] = State.LOST
    recovery.recover(engine, clock.at)
    assert status(run) == "success"
