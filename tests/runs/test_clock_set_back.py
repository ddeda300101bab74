"""The wall's clock goes back: elapsed time counts on, what the calendar says comes once, and no instant twice."""

from datetime import timedelta

import pytest
from flask import Flask

from scheduler.daemon.leader import Term
from scheduler.daemon.process import Daemon
from scheduler.runs import elapsed, ledger
from scheduler.tasks.models import Task
from tests.conftest import FrozenClock
from tests.factories import at, make_task, rows
from tests.fakes import FakeEngine

pytestmark = pytest.mark.usefixtures("app")


def every(seconds: int, **values: object) -> Task:
    config = {"interval": seconds, "unit": "seconds"}
    return make_task(schedule_type="interval", schedule_config=config, overlap_policy="queue", **values)


def seconds_by_seconds(app: Flask, clock: FrozenClock, before: int, back: float, after: int) -> None:
    """A daemon settles every second; after some of them the wall's clock is set back, the steady one never."""
    daemon = Daemon(app, FakeEngine())
    for second in range(before + after):
        if second == before:
            clock.at -= timedelta(seconds=back)
        daemon._settle(Term(), clock.move(seconds=1, microseconds=7))


@pytest.mark.parametrize("back", [60, 7200])
@pytest.mark.parametrize("period", [1, 5])
def test_an_interval_goes_on_as_if_nothing_had_happened(app: Flask, clock: FrozenClock, period: int, back: int) -> None:
    task = every(period)
    seconds_by_seconds(app, clock, before=20, back=back, after=20)
    found = [run.scheduled_at for run in rows(task)]
    assert len(found) == len(set(found)) and len(found) >= 40 // period - 1


def test_the_calendar_repeats_nothing(app: Flask, clock: FrozenClock) -> None:
    task = make_task(cron="* * * * * *", overlap_policy="queue")
    seconds_by_seconds(app, clock, before=20, back=10, after=20)
    found = [run.scheduled_at for run in rows(task)]
    assert len(found) == len(set(found)) == 30


def test_a_clock_set_back_while_nobody_looked_is_no_wait_of_more_than_a_period(app: Flask, clock: FrozenClock) -> None:
    task = every(60)
    clock.at -= timedelta(hours=2)
    Daemon(app, FakeEngine())._settle(Term(), clock.at)
    assert task.next_run_at == clock.at + timedelta(minutes=1)


def test_a_start_in_the_future_stays_where_it_is(clock: FrozenClock) -> None:
    task = every(60, start_at="2026-03-02T15:00:00Z")
    assert elapsed.set_back(clock.at, timedelta(hours=1)) == 0
    assert task.next_run_at == at("2026-03-02T15:00")


def test_an_interval_keeps_its_limit_of_runs(app: Flask, clock: FrozenClock) -> None:
    task = every(1, max_runs=12)
    seconds_by_seconds(app, clock, before=10, back=60, after=10)
    assert (len(rows(task)), task.ticks, task.next_run_at) == (12, 12, None)


def test_settling_again_at_the_same_moment_adds_nothing(clock: FrozenClock) -> None:
    task = every(5)
    ledger.settle(clock.move(seconds=5))
    elapsed.set_back(clock.move(seconds=-5, microseconds=7), timedelta(seconds=5))
    counts = [ledger.settle(clock.move(seconds=5)), ledger.settle(clock.at)]
    assert (counts, len(rows(task))) == ([1, 0], 2)
