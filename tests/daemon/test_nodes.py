"""Several nodes: each sees to its own attempts, the silent ones' are given up after five minutes, nothing starts twice."""

import os
from pathlib import Path

import pytest
from flask import Flask

from scheduler import config, nodes
from scheduler.daemon import recovery
from scheduler.daemon.dispatcher import Dispatcher
from scheduler.daemon.leader import Deposed, Term
from scheduler.daemon.presence import Presence
from scheduler.daemon.tender import Tender
from scheduler.database import db, transaction
from scheduler.execution.protocol import State
from scheduler.nodes import Node
from scheduler.runs import lifecycle
from scheduler.runs.models import Attempt, Run
from tests.conftest import FrozenClock
from tests.factories import SYSTEM, attempts, claim, make_run, outcome
from tests.fakes import FakeEngine


@pytest.fixture
def engine(app: Flask) -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def presence(engine: FakeEngine) -> Presence:
    return Presence(engine)


@pytest.fixture
def strange(app: Flask) -> Run:
    """A run whose attempt was handed over on another node."""
    run = make_run()
    claim(run)
    with transaction() as session:
        session.get_one(Attempt, (run.id, 1)).node = "elsewhere"
    return run


def status(run: Run) -> str:
    db.session.rollback()
    return db.session.get_one(Run, run.id).status


def beats(node: str = "elsewhere") -> None:
    """A sign of life of another node."""
    with transaction() as session:
        found = session.get(Node, node) or Node(id=node, host="far", mark="")
        found.seen_at = nodes.moment()
        session.add(found)


def test_an_attempt_belongs_to_the_node_it_was_claimed_on(app: Flask) -> None:
    run = make_run()
    claim(run)
    (attempt,) = attempts(run)
    assert (attempt.node, attempt.host) == (nodes.own(), os.uname().nodename)


def test_a_node_keeps_its_name(app: Flask, tmp_path: Path) -> None:
    name = nodes._identity(tmp_path)
    nodes._identity.cache_clear()
    assert nodes._identity(tmp_path) == name
    assert nodes._identity(config.settings().instance) != name
    assert (tmp_path / "node").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("state", [State.UNSTARTED, State.LOST])
def test_files_that_are_elsewhere_say_nothing_here(engine: FakeEngine, strange: Run, clock: FrozenClock, state: State) -> None:
    engine.states[strange.id, 1] = state
    assert [one.run_id for one in recovery.recover(engine, clock.move(hours=1), patience=0)] == [strange.id]
    assert (status(strange), engine.fenced) == ("running", [])


def test_what_a_node_that_is_silent_did_is_lost_after_five_minutes(
    presence: Presence, engine: FakeEngine, strange: Run, clock: FrozenClock
) -> None:
    for minutes in (0, 4.9):
        clock.move(minutes=minutes)
        presence.give_up(recovery.recover(engine, clock.at))
    assert status(strange) == "running"
    clock.move(minutes=0.2)
    presence.give_up(recovery.recover(engine, clock.at))
    assert (status(strange), attempts(strange)[0].error) == ("lost", "Its machine was not heard of for five minutes.")


def test_what_a_node_that_gives_signs_of_life_does_goes_on(
    presence: Presence, engine: FakeEngine, strange: Run, clock: FrozenClock
) -> None:
    for _ in range(5):
        beats()
        presence.give_up(recovery.recover(engine, clock.move(minutes=4)))
    assert status(strange) == "running"


def test_a_clock_that_jumps_loses_nothing(presence: Presence, engine: FakeEngine, strange: Run, clock: FrozenClock) -> None:
    beats()
    presence.give_up(recovery.recover(engine, clock.at))
    clock.at = clock.at.replace(year=2027)
    presence.give_up(recovery.recover(engine, clock.at))
    assert status(strange) == "running"


def test_a_result_that_comes_late_is_kept_and_changes_nothing(presence: Presence, engine: FakeEngine, clock: FrozenClock) -> None:
    run = make_run()
    claim(run)
    lifecycle.finish([lifecycle.Report(run.id, 1, outcome(None, reason="lost"))])
    engine.outcomes[run.id, 1] = outcome(0)
    presence.show()
    engine.outcomes[run.id, 1] = outcome(7)
    clock.move(minutes=1)
    presence.show()
    (attempt,) = attempts(run)
    assert (status(run), attempt.status) == ("lost", "lost")
    assert attempt.result and attempt.result["late"]["exit_code"] == 0


def test_a_stop_is_passed_on_where_the_attempt_is(app: Flask, engine: FakeEngine, strange: Run) -> None:
    here = make_run()
    claim(here)
    dispatcher = Dispatcher(app, engine)
    for run in (here, strange):
        lifecycle.cancel(SYSTEM, run)
    dispatcher.wake(stops=True)
    dispatcher._pass_on_stops()
    dispatcher.stop()
    assert engine.stopped == [(here.id, 1, False)]


def test_who_follows_takes_in_and_stops_and_starts_nothing(app: Flask, engine: FakeEngine, clock: FrozenClock) -> None:
    finished, stopped, waiting = make_run(), make_run(), make_run()
    for run in (finished, stopped):
        claim(run)
    engine.outcomes[finished.id, 1] = outcome(0)
    engine.specs[stopped.id, 1] = None  # type: ignore[assignment]
    lifecycle.cancel(SYSTEM, stopped)
    tender = Tender(app, engine)
    for step in (tender._look_around, lambda: tender._work([(finished.id, 1)]), tender._pass_on_stops):
        assert tender._managed(step)
    tender.stop()
    assert (status(finished), status(waiting)) == ("success", "pending")
    assert engine.stopped == [(stopped.id, 1, False)]


def test_what_was_claimed_before_the_freeze_is_not_begun_after_it(app: Flask, engine: FakeEngine) -> None:
    run, term = make_run(), Term()
    dispatcher = Dispatcher(app, engine, term)
    claimed = lifecycle.claim
    try:
        lifecycle.claim = lambda ids: [claimed(ids), term.resign()][0]  # type: ignore[assignment, return-value]
        with pytest.raises(Deposed):
            dispatcher._start_waiting()
    finally:
        lifecycle.claim = claimed
        dispatcher.stop()
    assert (engine.specs, status(run)) == ({}, "running")


def test_who_is_deposed_writes_nothing_and_says_so(app: Flask, engine: FakeEngine, caplog: pytest.LogCaptureFixture) -> None:
    run, term = make_run(), Term()
    dispatcher = Dispatcher(app, engine, term)
    term.resign()
    assert not dispatcher._managed(dispatcher._start_waiting)
    dispatcher.stop()
    assert (status(run), "event=dispatch_forbidden" in caplog.text) == ("pending", True)
