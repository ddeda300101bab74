"""The totals: each run counted once, whether it is in history still, folded, or gone; they never fall."""

from collections import Counter

import pytest

from scheduler.runs import ledger, retention, tally
from scheduler.runs.tally import LATE_COUNT, LATE_SUM, RUNS
from tests.factories import claim, finish, make_run, make_task, perform, rows
from tests.runs.test_retention import keep  # noqa: F401


def scheduled(clock, late: float):
    """A run that began `late` seconds after it was due."""
    task = make_task(cron="* * * * *")
    clock.at = task.next_run_at
    ledger.settle(clock.now())
    clock.move(seconds=late)
    run = rows(task)[0]
    perform(run, started_at=clock.now().timestamp())
    return run


def test_it_counts_runs_by_how_they_ended(app):
    perform(make_run())
    perform(make_run(), code=1)
    make_run()
    assert tally.totals() == {f"{RUNS}success": 1, f"{RUNS}business_failure": 1}


def test_it_counts_how_late_scheduled_runs_began(app, clock):
    scheduled(clock, 0.2)
    scheduled(clock, 4)
    perform(make_run())
    found = tally.totals()
    assert (found["late:0.25"], found["late:5"], found[LATE_COUNT], found[LATE_SUM]) == (1, 1, 2, pytest.approx(4.2))


def test_it_says_the_same_folded_or_not(app, clock):
    scheduled(clock, 1.5)
    perform(make_run(), code=9)
    before = tally.totals()
    assert tally.fold() is False
    perform(make_run())
    assert tally.totals() == before | {f"{RUNS}success": 2}


def test_it_folds_nothing_twice(app, clock):
    scheduled(clock, 1)
    before = tally.totals()
    for _ in range(3):
        tally.fold()
    assert tally.totals() == before


def test_it_folds_only_up_to_what_is_not_over(app):
    perform(make_run())
    running = make_run()
    claim(running)
    perform(make_run())
    tally.fold()
    finish(running)
    assert tally.totals() == {f"{RUNS}success": 3}
    tally.fold()
    assert tally.totals() == {f"{RUNS}success": 3}


@pytest.mark.parametrize("folded", [True, False])
def test_it_still_counts_what_retention_took(app, clock, keep, folded):  # noqa: F811
    keep(max_records=1)
    task = make_task()
    waiting = make_run()
    for _ in range(4):
        perform(make_run(task))
    if folded:
        finish_and_fold(waiting)
    before = tally.totals()
    freed: Counter[str] = Counter()
    retention.clean(clock.now(), freed, lambda _seconds: None)
    assert freed["runs"] == 3 and tally.totals() == before
    tally.fold()
    assert tally.totals() == before


def finish_and_fold(run) -> None:
    perform(run)
    tally.fold()


def test_history_is_counted_without_walking_it(app):
    perform(make_run())
    perform(make_run(), code=1)
    tally.fold()
    perform(make_run())
    make_run()
    assert (tally.standing(), tally.standing({"success"}), tally.standing({"pending"}), tally.standing({"lost"})) == (4, 2, 1, 0)


@pytest.mark.parametrize("folded", [True, False])
def test_what_retention_took_is_in_history_no_longer(app, clock, keep, folded):  # noqa: F811
    keep(max_records=1)
    task = make_task()
    for _ in range(3):
        perform(make_run(task))
    if folded:
        tally.fold()
    retention.clean(clock.now(), Counter(), lambda _seconds: None)
    assert tally.standing() == tally.standing({"success"}) == len(rows(task)) == 1
