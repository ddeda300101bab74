"""What a daemon knows of the time it did not settle: who was there, and whether the clock jumped."""

import os
from datetime import datetime, timedelta
from functools import partial

import pytest
from flask import Flask

from scheduler import config, heartbeat, nodes
from scheduler.daemon import flock
from scheduler.daemon.leader import Term
from scheduler.daemon.process import Daemon
from scheduler.daemon.rest import LONGEST
from scheduler.daemon.timetable import Timetable
from scheduler.daemon.watch import Watch
from scheduler.database import db
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


@pytest.mark.parametrize(("seconds", "jumped", "back"), [(3600, True, 0), (2.5, True, 0), (1.5, False, 0), (-1.5, False, 0),
                                                         (-2.5, False, 2.5), (-3600, False, 3600)])  # fmt: skip
def test_it_sees_the_clock_jump(watch: Watch, clock: FrozenClock, seconds: float, jumped: bool, back: float) -> None:
    watch.settled(clock.at)
    clock.at += timedelta(seconds=seconds)
    assert watch.look(clock.at) == Past(watched=NOON, jumped=jumped, back=timedelta(seconds=back))


def test_a_jump_in_the_middle_of_a_settlement_is_no_absence(watch: Watch, clock: FrozenClock) -> None:
    began = clock.at
    clock.at += timedelta(hours=1)
    watch.settled(began)
    assert watch.look(clock.at) == Past(watched=NOON, jumped=True)


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


def test_a_pass_that_rests_sees_the_clock_set_back(app: Flask, watch: Watch, clock: FrozenClock) -> None:
    daemon, task = Daemon(app, FakeEngine()), make_task(schedule_type="interval", schedule_config="3600")
    daemon._settle(Term(), clock.at)
    before = task.next_run_at
    clock.at -= timedelta(minutes=30)
    daemon._breathe(Term(), clock.at, clock.monotonic())
    db.session.rollback()
    assert task.next_run_at == before - timedelta(minutes=30)


def test_a_leader_whose_term_is_over_gives_no_sign_of_life_at_rest(app: Flask, watch: Watch, clock: FrozenClock) -> None:
    daemon, term = Daemon(app, FakeEngine()), Term()
    daemon._settle(term, clock.at)
    term.resign()
    daemon._breathe(term, clock.move(seconds=5), clock.monotonic())
    assert heartbeat.last(config.settings().instance) == NOON


class Failing(Watch):
    """One that cannot be asked."""

    def look(self, now: datetime) -> Past:
        raise OSError("the disk is gone")


def test_a_pass_wakes_all_others_even_one_that_fails_but_none_at_rest(app: Flask, watch: Watch, clock: FrozenClock) -> None:
    daemon, woken = Daemon(app, FakeEngine()), list[str]()
    daemon._roused = [lambda: woken.append("dispatcher"), lambda: woken.append("upkeep")]
    daemon._settle(Term(), clock.at)
    assert woken == ["dispatcher", "upkeep"]
    daemon._breathe(Term(), clock.move(seconds=1), clock.monotonic())
    assert len(woken) == 2
    daemon._watch = Failing(config.settings().instance)
    with pytest.raises(OSError):
        daemon._settle(Term(), clock.at)
    assert len(woken) == 4


def test_in_an_hour_in_which_nobody_writes_the_others_are_woken_once_a_minute(
    app: Flask, watch: Watch, clock: FrozenClock
) -> None:
    daemon, woken, passes = Daemon(app, FakeEngine()), list[datetime](), 3600
    daemon._roused = [lambda: woken.append(clock.at)]
    table = Timetable(app, partial(daemon._settle, Term()), partial(daemon._breathe, Term()))
    for _ in range(passes):
        table._scheduler._process_jobs()
        clock.move(seconds=1)
    table.stop()
    assert len(woken) == (passes if nodes.shared() else passes / LONGEST)  # PostgreSQL cannot tell whether anybody wrote
    assert heartbeat.last(config.settings().instance) == clock.at - timedelta(seconds=1)


def test_a_disk_that_takes_no_sign_of_life_is_no_clock_that_stands_still(
    app: Flask, watch: Watch, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = Daemon(app, FakeEngine())
    daemon._settle(Term(), clock.at)
    clock.move(seconds=31)
    monkeypatch.setattr(heartbeat, "beat", lambda *_: os.utime("/nowhere/at/all"))
    with pytest.raises(FileNotFoundError):
        daemon._breathe(Term(), clock.at, clock.monotonic())
    assert daemon._idle() == 0


def test_who_waits_sees_a_leader_show_itself_several_times_before_it_is_held_frozen() -> None:
    assert flock.FROZEN * flock.APART > 4 * Term.SIGN
