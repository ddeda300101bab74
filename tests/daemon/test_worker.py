"""A worker, message by message, with an engine that performs nothing: it takes an attempt once, and says what it cannot begin."""

from collections.abc import Iterator

import pytest
from flask import Flask

from scheduler import config, nodes, trouble
from scheduler.daemon.dispatcher import Dispatcher
from scheduler.daemon.recovery import HAND_OVER
from scheduler.daemon.worker import Worker
from scheduler.database import db, transaction
from scheduler.execution.protocol import State
from scheduler.nodes import Node
from scheduler.runs import handing, lifecycle
from scheduler.runs.models import Run
from scheduler.tasks.models import Task
from tests.conftest import FrozenClock
from tests.factories import SYSTEM, attempts, claim, make_run, outcome
from tests.fakes import FakeCarrier, FakeEngine


@pytest.fixture
def engine(app: Flask) -> FakeEngine:
    return FakeEngine(inline=outcome(0))


@pytest.fixture
def carrier() -> FakeCarrier:
    return FakeCarrier()


@pytest.fixture
def worker(app: Flask, engine: FakeEngine, carrier: FakeCarrier) -> Iterator[Worker]:
    """A worker whose messages the test brings, and whose own thread does not run."""
    made = Worker(app, carrier, engine)
    yield made
    made.stop()
    if made._tending is not None:
        made._tending.stop()


def handed(**values: object) -> Run:
    """A run that is handed over."""
    run = make_run(**values)  # type: ignore[arg-type]
    lifecycle.claim([run.id], node=handing.NOBODY)
    return run


def status(run: Run) -> str:
    db.session.rollback()
    return db.session.get_one(Run, run.id).status


def test_it_takes_an_attempt_and_makes_it_ready(worker: Worker, engine: FakeEngine) -> None:
    run = handed(command="echo hello", env={"A": "1"})
    worker.perform(run.id, 1)
    spec = engine.specs[run.id, 1]
    assert (spec.argv[-1], spec.env["A"], attempts(run)[0].node) == ("echo hello", "1", nodes.own())


def test_a_message_that_comes_twice_late_or_for_nothing_changes_nothing(worker: Worker, engine: FakeEngine) -> None:
    run, other = handed(), make_run()
    for run_id, number in ((run.id, 1), (run.id, 1), (run.id, 2), (other.id, 1), (4711, 1)):
        worker.perform(run_id, number)
    lifecycle.finish([lifecycle.Report(run.id, 1, outcome(0))])
    worker.perform(run.id, 1)
    assert list(engine.specs) == [(run.id, 1)] and status(other) == "pending"


def test_it_stays_until_the_attempt_is_over(worker: Worker, engine: FakeEngine) -> None:
    engine.inline, run = None, handed()
    looks = iter([State.UNSTARTED, State.ALIVE, State.ALIVE, State.FINISHED])
    engine.probe = lambda run_id, number: next(looks)  # type: ignore[method-assign]
    worker.perform(run.id, 1)
    assert list(looks) == []


def test_told_to_leave_it_leaves_what_runs_and_takes_no_more(worker: Worker, engine: FakeEngine) -> None:
    engine.inline, run, other = None, handed(), handed()
    engine.start = lambda specs: worker.stop()  # type: ignore[method-assign]
    worker.perform(run.id, 1)
    worker.perform(other.id, 1)
    assert (status(run), attempts(other)[0].node) == ("running", "")


def test_what_cannot_be_made_ready_has_failed(worker: Worker, engine: FakeEngine) -> None:
    run = handed()
    with transaction() as session:
        session.get_one(Task, run.task_id).kind = "gone"
    worker.perform(run.id, 1)
    assert (status(run), engine.specs) == ("technical_failure", {})


def test_without_a_runner_it_waits_again(worker: Worker, engine: FakeEngine) -> None:
    run, engine.unreachable = handed(), True
    worker.perform(run.id, 1)
    assert (status(run), engine.fenced) == ("pending", [(run.id, 1)])


def test_what_the_runner_refuses_has_failed(worker: Worker, engine: FakeEngine, clock: FrozenClock) -> None:
    run, engine.refusal = handed(), "no"
    engine.probe = lambda run_id, number: [State.UNSTARTED, clock.move(seconds=HAND_OVER + 1)][0]  # type: ignore
    worker.perform(run.id, 1)
    assert (status(run), attempts(run)[0].error) == ("technical_failure", "no")


def test_frozen_after_it_took_an_attempt_it_does_not_begin_it(
    worker: Worker, engine: FakeEngine, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = handed()
    monkeypatch.setattr("scheduler.daemon.worker.failpoint", lambda name: clock.move(minutes=10))
    worker.perform(run.id, 1)
    assert engine.specs == {} and status(run) == "running"


def test_on_a_full_disk_it_takes_nothing(worker: Worker, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    run = handed()
    monkeypatch.setattr(trouble, "room", lambda folder: 0)
    worker.perform(run.id, 1)
    assert attempts(run)[0].node == "" and engine.specs == {}


def test_what_ran_before_it_came_has_its_place(app: Flask, worker: Worker, engine: FakeEngine) -> None:
    run = make_run()
    claim(run)
    engine.states[run.id, 1] = State.ALIVE
    worker._look()
    most = config.settings().engine.max_workers
    assert worker._room._value == most - 1


def test_where_a_daemon_works_it_leaves_the_node_to_it(app: Flask, worker: Worker, engine: FakeEngine) -> None:
    daemon = Dispatcher(app, engine)
    worker._look()
    assert worker._tending is None
    daemon.stop()
    worker._look()
    assert worker._tending is not None and not worker._tending.ousted
    daemon = Dispatcher(app, engine)
    worker._look()
    assert worker._tending is None
    daemon.stop()


def test_it_is_seen_to_work_while_it_has_its_broker(worker: Worker, carrier: FakeCarrier, clock: FrozenClock) -> None:
    worker._look()
    assert nodes.workers() == 1
    carrier.unreachable = True
    clock.move(seconds=nodes.BEAT)
    worker._look()
    assert (nodes.workers(), nodes.out_of_reach(nodes.own())) == (0, None)
    carrier.unreachable = False
    clock.move(seconds=nodes.BEAT)
    worker._look()
    assert nodes.workers() == 1


def test_one_that_was_not_heard_of_for_a_minute_does_not_work(worker: Worker) -> None:
    worker._look()
    with transaction() as session:
        session.get_one(Node, nodes.own()).works_at = nodes.moment() - 2 * nodes.SILENT
    assert nodes.workers() == 0


def test_one_that_leaves_says_so_and_a_daemon_in_its_folder_says_nothing_of_it(worker: Worker) -> None:
    worker._look()
    nodes.seen("the mark")
    assert nodes.workers() == 1
    db.session.rollback()
    worker.stop()
    worker.run()
    assert nodes.workers() == 0


def test_it_takes_nothing_under_the_name_of_another(worker: Worker, carrier: FakeCarrier) -> None:
    with transaction() as session:
        session.merge(Node(id=nodes.own(), host="far", mark="another folder", seen_at=nodes.moment()))
    worker._stopping.set()
    worker._look()
    assert carrier.perform is None


def test_when_nothing_is_taken_any_more_it_ends_for_another_to_be_started(worker: Worker, carrier: FakeCarrier) -> None:
    worker._look()
    carrier.over = True
    worker._look()
    assert worker.stuck and worker._stopping.is_set()


def test_it_can_be_asked_to_stop_by_somebody(worker: Worker) -> None:
    run = handed()
    lifecycle.cancel(SYSTEM, run)
    worker.perform(run.id, 1)
    assert attempts(run)[0].node == ""
