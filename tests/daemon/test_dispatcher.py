"""The worker's loop, step by step, with an engine that performs nothing."""

import os
import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from scheduler import config, nodes
from scheduler.daemon.dispatcher import Dispatcher
from scheduler.daemon.loop import ALONE
from scheduler.daemon.process import Daemon
from scheduler.daemon.tender import Tender
from scheduler.database import db
from scheduler.errors import SchedulerError
from scheduler.execution import perform
from scheduler.execution.protocol import DAEMON_SOCKET, Spec, State
from scheduler.nodes import Node
from scheduler.runs import lifecycle
from scheduler.runs.lifecycle import Claimed
from scheduler.runs.models import Run
from scheduler.runs.policy import Outcome
from scheduler.tasks import definitions, trash
from scheduler.tasks.models import Task
from tests.conftest import NOON, FrozenClock
from tests.factories import SYSTEM, attempts, claim, make_group, make_run, make_task, outcome
from tests.fakes import FakeEngine
from tests.threads import in_threads


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def dispatcher(app: Flask, engine: FakeEngine) -> Iterator[Dispatcher]:
    """A dispatcher whose thread does not run: its steps are called one by one."""
    made = Dispatcher(app, engine)
    made._stopping.set()  # nothing it does waits
    yield made
    made.stop()


def status(run: Run) -> str:
    db.session.rollback()
    return db.session.get_one(Run, run.id).status


def test_it_has_the_engine_stand_by_before_it_looks_at_anything(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    dispatcher._run()  # is stopping already: it does nothing else
    assert engine.stands_by


def test_one_that_follows_has_nobody_stand_by(app: Flask, engine: FakeEngine) -> None:
    tender = Tender(app, engine)
    tender._stopping.set()
    tender._run()
    assert not engine.stands_by
    tender.stop()


def test_it_starts_what_waits(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    run = make_run(command="echo hello", env={"A": "1"})
    dispatcher._start_waiting()
    spec = engine.specs[run.id, 1]
    assert (spec.argv, spec.env["A"], spec.env["SCHEDULER_RUN_ID"]) == (["/bin/sh", "-c", "echo hello"], "1", str(run.id))
    assert status(run) == "running"
    dispatcher._start_waiting()
    assert len(engine.specs) == 1


def test_it_says_which_are_likely_to_last(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    short, long = make_run(), make_run()
    db.session.execute(update(Task).where(Task.id == long.task_id).values(last_duration=60.0))
    db.session.commit()
    dispatcher._start_waiting()
    assert (engine.specs[short.id, 1].lasting, engine.specs[long.id, 1].lasting) == (False, True)


def test_it_starts_by_priority_then_by_age(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    low, high, second = make_run(priority=-1), make_run(priority=9), make_run(priority=9)
    dispatcher._start_waiting()
    assert [run_id for run_id, _ in engine.specs] == [high.id, second.id, low.id]


def test_it_keeps_the_limits(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    make_group("narrow", max_concurrent=1)
    task = make_task()
    first, _second = make_run(task), make_run(task)
    third, _fourth = make_run(group="narrow"), make_run(group="narrow")
    dispatcher._start_waiting()
    assert [run_id for run_id, _ in engine.specs] == [first.id, third.id]


def test_it_keeps_the_limit_of_all(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    before = config.use(config.settings().model_copy(update={"engine": config.Engine(timezone="UTC", max_workers=2)}))
    for _ in range(4):
        make_run()
    dispatcher._start_waiting()
    config.use(before)
    assert len(engine.specs) == 2


def test_it_lets_runs_overlap_where_that_is_allowed(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    task = make_task(overlap_policy="allow", max_instances=3)
    for _ in range(4):
        make_run(task)
    dispatcher._start_waiting()
    assert len(engine.specs) == 3


def test_long_queues_of_a_few_hide_nobody(dispatcher: Dispatcher, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduler.runs.waiting.LOOKAHEAD", 10)
    busy, other = make_task(priority=5), make_task()
    first, *_ = [make_run(busy) for _ in range(12)]
    hidden = make_run(other)
    dispatcher._start_waiting()
    assert [run_id for run_id, _ in engine.specs] == [first.id, hidden.id]


def test_a_retry_waits_for_its_time(dispatcher: Dispatcher, engine: FakeEngine, clock: FrozenClock) -> None:
    run = make_run(retry_count=1, retry_delay_seconds=30)
    dispatcher._start_waiting()
    engine.outcomes[run.id, 1] = outcome(7)
    dispatcher._take_in([(run.id, 1)])
    clock.move(seconds=29)
    dispatcher._start_waiting()
    assert (run.id, 2) not in engine.specs
    clock.move(seconds=1)
    dispatcher._start_waiting()
    assert (run.id, 2) in engine.specs


def test_it_takes_in_what_has_finished(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    engine.inline = outcome(0)
    run, other = make_run(), make_run()
    dispatcher._start_waiting()
    del engine.outcomes[other.id, 1]
    dispatcher._take_in([(run.id, 1), (other.id, 1), (999, 1)])
    assert (status(run), status(other)) == ("success", "running")


def test_it_hears_of_ends_by_mail(dispatcher: Dispatcher) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        for message in (b"7/1\n", b"8/2\n", b"7/1\n", b"", b"nonsense", b"1/x", b"/"):
            supervisor.sendto(message, str(config.settings().instance / DAEMON_SOCKET))
    assert dispatcher._finished() == {(7, 1), (8, 2)}


def test_it_wakes_at_once(dispatcher: Dispatcher) -> None:
    for _ in range(100_000):
        dispatcher.wake()
    assert dispatcher._finished() == set()


def test_an_attempt_performs_the_version_it_names(
    app: Flask, dispatcher: Dispatcher, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(command="echo old")
    prepare, task_id = perform.specs, run.task_id
    editing = threading.Thread(
        target=in_threads, args=(app, 1, lambda: definitions.edit(SYSTEM, task_id, {"command": "echo new"}))
    )

    def in_between(claimed: Sequence[Claimed]) -> list[Spec | SchedulerError]:
        editing.start()
        editing.join(0.3)  # it would be through by now, were it let
        return prepare(claimed)

    monkeypatch.setattr(perform, "specs", in_between)
    dispatcher._start_waiting()
    editing.join()
    assert engine.specs[run.id, 1].argv[-1] == "echo old"
    assert [attempt.task_version for attempt in attempts(run)] == [1]
    assert db.session.get_one(Task, task_id).version == 2


def test_it_does_nothing_else_while_nothing_lives(dispatcher: Dispatcher) -> None:
    assert dispatcher._rested(())
    run = make_run()
    assert not dispatcher._rested(())
    dispatcher._work([])
    assert status(run) == "running" and not dispatcher._rested(())


@pytest.mark.parametrize(("kind", "asleep"), [(Dispatcher, ALONE), (Tender, 1.0)])
def test_it_sleeps_long_only_where_nothing_lives_and_somebody_wakes_it(
    app: Flask, engine: FakeEngine, kind: type[Dispatcher], asleep: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatcher, slept = kind(app, engine), list[float]()
    monkeypatch.setattr(dispatcher._waker, "select", lambda seconds: slept.append(seconds) or [])
    for _ in range(2):
        dispatcher._finished()
        dispatcher._rested(())
    make_run()
    dispatcher._rested(())
    dispatcher._finished()
    dispatcher.stop()
    assert [seconds for seconds in slept if seconds] == [1.0, asleep, 1.0]


def test_while_it_looks_at_nothing_it_shows_that_its_node_is_there(dispatcher: Dispatcher, clock: FrozenClock) -> None:
    dispatcher._rested(())
    assert db.session.get(Node, nodes.own()) is not None
    clock.move(seconds=nodes.BEAT)
    db.session.execute(update(Node).values(seen_at=NOON))
    db.session.commit()
    assert dispatcher._rested(())
    seen = db.session.get_one(Node, nodes.own(), populate_existing=True).seen_at
    assert (seen > NOON) == nodes.shared()  # on SQLite there is no other who would look


def test_what_ends_makes_room_in_the_same_turn(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    task = make_task()
    first, second = make_run(task), make_run(task)
    dispatcher._work([])
    engine.outcomes[first.id, 1] = outcome(0)
    dispatcher._work([(first.id, 1)])
    assert (status(first), list(engine.specs)) == ("success", [(first.id, 1), (second.id, 1)])


def test_a_report_that_cannot_be_kept_holds_up_nobody(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    broken, sound, next_one = make_run(), make_run(), make_run()
    for run in (broken, sound):
        claim(run)
    engine.outcomes = {(broken.id, 1): outcome(0, duration={"not": "a number"}), (sound.id, 1): outcome(0)}
    dispatcher._work([(broken.id, 1), (sound.id, 1)])
    assert [status(run) for run in (broken, sound, next_one)] == ["running", "success", "running"]


def test_what_the_engine_refuses_has_failed(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    engine.refusal = "no room"
    run = make_run()
    dispatcher._work([])
    dispatcher._work([])
    assert (status(run), run.error) == ("technical_failure", "no room")


def test_when_nobody_can_be_reached_it_waits_again_behind_a_fence(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    engine.unreachable = True
    run = make_run()
    dispatcher._start_waiting()
    assert (status(run), engine.fenced) == ("pending", [(run.id, 1)])
    engine.unreachable = False
    dispatcher._start_waiting()
    assert list(engine.specs) == [(run.id, 2)]
    assert [attempt.status for attempt in attempts(run)] == ["unstarted", "running"]


def test_a_content_that_cannot_be_opened_fails_and_holds_up_nobody(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    broken = make_run(type="http", url="https://x.example/", auth={"type": "bearer", "token": "t"})
    task = db.session.get_one(Task, broken.task_id)
    task.content = {**task.content, "auth": {"type": "bearer", "token": "sealed by another key"}}
    db.session.commit()
    sound = make_run()
    dispatcher._start_waiting()
    assert (status(broken), status(sound)) == ("technical_failure", "running")
    assert broken.error and "cannot be opened" in broken.error


def test_a_kind_that_raises_anything_holds_up_nobody(dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, sound = make_run(type="python", code="1"), make_run()

    def fail(*_: Any) -> None:
        raise ZeroDivisionError("plug-in")

    monkeypatch.setattr("scheduler.kinds.python.Python.prepare", fail)
    dispatcher._start_waiting()
    assert (status(broken), status(sound)) == ("technical_failure", "running")


@pytest.mark.parametrize(("times", "force"), [(1, False), (2, True)])
def test_it_passes_stops_on(dispatcher: Dispatcher, engine: FakeEngine, times: int, force: bool) -> None:
    run, other = make_run(), make_run()
    dispatcher._start_waiting()
    for _ in range(times):
        lifecycle.cancel(SYSTEM, run)
    dispatcher.wake(stops=True)
    dispatcher._pass_on_stops()
    assert engine.stopped == [(run.id, 1, force)]
    assert status(other) == "running"


def test_it_tells_nobody_to_stop_who_is_over(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    run = make_run()
    dispatcher._start_waiting()
    lifecycle.cancel(SYSTEM, run)
    engine.states[run.id, 1] = State.LOST
    dispatcher.wake(stops=True)
    dispatcher._pass_on_stops()
    assert engine.stopped == []


def test_once_a_second_it_finds_by_itself_what_it_was_not_told(
    dispatcher: Dispatcher, engine: FakeEngine, clock: FrozenClock
) -> None:
    run, deleted = make_run(), make_run()
    dispatcher._start_waiting()
    engine.outcomes[run.id, 1] = outcome(0)
    trash.remove(SYSTEM, deleted.task_id)
    dispatcher._look_around()
    dispatcher._pass_on_stops()
    assert (status(run), engine.stopped) == ("success", [(deleted.id, 1, False)])
    engine.outcomes[deleted.id, 1] = Outcome("cancelled")
    dispatcher._look_around()
    assert status(deleted) == "running"
    clock.move(seconds=1)
    dispatcher._look_around()
    assert status(deleted) == "cancelled"


def test_a_step_that_fails_keeps_no_other_from_being_done(dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("broken step")

    assert not dispatcher._managed(fail)
    assert "broken step" in caplog.text
    assert dispatcher._managed(dispatcher._start_waiting)


def test_at_the_start_it_takes_over_what_runs(app: Flask) -> None:
    finished, unstarted = make_run(), make_run()
    for run in (finished, unstarted):
        claim(run)
    engine = FakeEngine(inline=outcome(0))
    engine.outcomes[finished.id, 1] = outcome(0)
    dispatcher = Dispatcher(app, engine)
    dispatcher._stopping.set()  # the thread ends as soon as it begins
    dispatcher.start()
    dispatcher.stop()
    assert (status(finished), status(unstarted)) == ("success", "pending")


def test_it_leaves_no_descriptor_open(app: Flask, engine: FakeEngine) -> None:
    Dispatcher(app, engine).stop()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        Dispatcher(app, engine).stop()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_deleted_task_has_its_runs_ended(app: Flask, engine: FakeEngine) -> None:
    running, waiting = make_run(), make_run()
    claim(running)
    daemon = Daemon(app, engine)
    for run in (running, waiting):
        trash.remove(SYSTEM, run.task_id)
        daemon.task_removed(run.task_id)
    assert (status(waiting), status(running), running.cancel_count) == ("cancelled", "running", 1)
