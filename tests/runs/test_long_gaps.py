"""A gap too long to write down instant by instant: bounded, and yet every instant accounted for."""

import time
from datetime import timedelta
from itertools import pairwise

import pytest

from scheduler.runs import ledger
from tests.conftest import FrozenClock
from tests.factories import at, make_task, rows

pytestmark = pytest.mark.usefixtures("app")


def settle(clock: FrozenClock, **by: float) -> int:
    return ledger.settle(clock.move(**by))


def test_a_year_of_seconds_is_a_few_rows_and_one_count(clock: FrozenClock) -> None:
    task = make_task(cron="* * * * * *")
    began = time.perf_counter()
    assert settle(clock, days=365) <= 101
    assert time.perf_counter() - began < 2
    gap, *newest = rows(task)
    assert gap.missed_until == newest[0].scheduled_at
    assert gap.missed_count + len(newest) == 365 * 86400
    assert task.ticks == 365 * 86400
    assert task.next_run_at == clock.at + timedelta(seconds=1)


def test_a_gap_a_little_too_long_still_runs_what_is_within_its_grace(clock: FrozenClock) -> None:
    task = make_task(cron="* * * * * *", misfire_policy="run_all", overlap_policy="queue")
    settle(clock, seconds=501)
    gap, *newest = rows(task)
    assert (gap.missed_count, len(newest)) == (401, 100)
    assert {run.status for run in newest} == {"pending"}


@pytest.mark.parametrize("cron", ["* 8 * * *", "* * * * 1", "*/7 1-3 1,15 * *", "0 0 29 2 *"])
def test_every_instant_of_a_long_gap_is_accounted_for(clock: FrozenClock, cron: str) -> None:
    task = make_task(cron=cron)
    clock.move(days=2000)
    while ledger.settle(clock.at):
        assert len(rows(task)) <= 600
    found = rows(task)
    for run, following in pairwise(found):
        assert (run.missed_until or run.scheduled_at) <= following.scheduled_at
    assert task.next_run_at is not None and task.next_run_at > clock.at


def test_a_gap_never_counts_beyond_the_limit_of_runs(clock: FrozenClock) -> None:
    task = make_task(cron="* * * * * *", max_runs=1000)
    settle(clock, days=365)
    assert sum(run.missed_count or 1 for run in rows(task)) == task.ticks == 1000
    assert task.next_run_at is None


def test_a_gap_ends_with_the_schedule(clock: FrozenClock) -> None:
    task = make_task(cron="* * * * * *", end_at="2026-03-02T13:00:00Z")
    settle(clock, days=365)
    assert sum(run.missed_count or 1 for run in rows(task)) == 3600
    assert rows(task)[-1].scheduled_at == at("2026-03-02T13:00")
