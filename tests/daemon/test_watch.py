"""What a daemon knows of the time it did not settle: who was there, and whether the clock jumped."""

from datetime import timedelta

import pytest
from flask import Flask

from scheduler import config, heartbeat
from scheduler.daemon.leader import Term
from scheduler.daemon.process import Daemon
from scheduler.daemon.watch import Watch
from scheduler.runs.policy import Past
from tests.conftest import NOON, FrozenClock
from tests.factories import make_task, rows
from tests.fakes import FakeEngine


@pytest.fixture
def watch(app: Flask) -> Watch:
    (config.settings().instance / "run" / "heartbeat").unlink(missing_ok=True)
    return Watch(config.settings().instance)


def test_it_was_down_before_the_first_look(watch: Watch) -> None:
    assert watch.look(NOON) == Past(watched=None, down=True)


def test_it_was_down_since_the_last_beat_of_another(watch: Watch, clock: FrozenClock) -> None:
    heartbeat.beat(config.settings().instance)
    assert watch.look(clock.move(hours=1)) == Past(watched=NOON, down=True)


def test_it_was_there_all_the_time(watch: Watch, clock: FrozenClock) -> None:
    watch.settled(clock.at)
    assert watch.look(clock.move(hours=1)) == Past(watched=NOON)


@pytest.mark.parametrize(("seconds", "jumped"), [(3600, True), (2.5, True), (1.5, False), (-3600, False)])
def test_it_sees_the_clock_jump(watch: Watch, clock: FrozenClock, seconds: float, jumped: bool) -> None:
    watch.settled(clock.at)
    clock.at += timedelta(seconds=seconds)
    assert watch.look(clock.at) == Past(watched=NOON, jumped=jumped)


def test_another_may_have_led_meanwhile(watch: Watch, clock: FrozenClock) -> None:
    watch.settled(clock.at)
    clock.move(hours=1)
    heartbeat.beat(config.settings().instance)
    assert watch.look(clock.move(hours=1)) == Past(watched=NOON + timedelta(hours=1), down=True)


def test_the_reason_reaches_the_history(app: Flask, watch: Watch, clock: FrozenClock) -> None:
    daemon, task = Daemon(app, FakeEngine()), make_task(cron="*/30 * * * *", misfire_grace_seconds=1)
    daemon._settle(Term(), clock.move(minutes=50))
    clock.at += timedelta(minutes=15)
    daemon._settle(Term(), clock.at)
    daemon._settle(Term(), clock.move(minutes=30))
    assert [(run.reason or {})["code"] for run in rows(task)] == ["down", "clock", "late"]
