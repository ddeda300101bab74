"""The decisions about runs, as tables of cases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scheduler.runs import policy
from scheduler.runs.policy import Outcome, Overlap, Past, Slots, Verdict, Waiting
from scheduler.runs.status import FAILED, Cause, Status
from scheduler.tasks.pausing import Span
from scheduler.tasks.policy import Policy

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
RUN, LATE, MISSED = Verdict.RUN, Verdict.RUN_LATE, Verdict.MISSED


def rules(**values: Any) -> dict[str, Any]:
    return Policy(**values).model_dump()


def ago(*seconds: float) -> list[datetime]:
    return [NOW - timedelta(seconds=distance) for distance in seconds]


@pytest.mark.parametrize(
    ("wanted", "distances", "verdicts"),
    [
        ("skip", [0], [RUN]),
        ("skip", [60], [RUN]),
        ("skip", [60.001], [MISSED]),
        ("skip", [90, 61, 60, 0], [MISSED, MISSED, RUN, RUN]),
        ("run_once", [90, 80], [MISSED, LATE]),
        ("run_once", [90, 80, 10], [MISSED, MISSED, RUN]),
        ("run_once", [10], [RUN]),
        ("run_all", [90, 80, 10], [LATE, LATE, RUN]),
        ("run_all", [], []),
        ("run_once", [], []),
    ],
)
def test_it_judges_lateness(wanted: str, distances: list[float], verdicts: list[Verdict]) -> None:
    assert policy.misfire(ago(*distances), NOW, rules(misfire_policy=wanted, misfire_grace_seconds=60)) == verdicts


NEVER, HOUR = Past(), timedelta(hours=1)
PAUSED = Past(pauses=(Span(NOW - HOUR, NOW - HOUR / 2), Span(NOW, None)))


@pytest.mark.parametrize(
    ("past", "before", "code"),
    [
        (NEVER, HOUR, "late"),
        (Past(watched=None, down=True), HOUR, "down"),
        (Past(watched=NOW - HOUR / 2, down=True), HOUR / 4, "down"),
        (Past(watched=NOW - HOUR / 2, down=True), HOUR / 2, "late"),
        (Past(watched=NOW - HOUR / 2, jumped=True), HOUR / 4, "clock"),
        (Past(watched=NOW - HOUR / 2, jumped=True), HOUR, "late"),
        (Past(watched=NOW - HOUR / 2), HOUR / 4, "late"),
        (PAUSED, HOUR, "paused"),
        (PAUSED, HOUR * 0.51, "paused"),
        (PAUSED, HOUR / 2, "late"),
        (PAUSED, timedelta(0), "paused"),
        (replace(PAUSED, down=True), HOUR * 2, "down"),
        (replace(PAUSED, down=True), HOUR, "paused"),
    ],
)
def test_it_tells_why_an_instant_was_missed(past: Past, before: timedelta, code: str) -> None:
    assert policy.missed(NOW - before, past) == code


@pytest.mark.parametrize(
    ("wanted", "verdicts"),
    [
        ("skip", [MISSED, MISSED, MISSED, RUN]),
        ("run_once", [MISSED, MISSED, MISSED, RUN]),
        ("run_all", [LATE, MISSED, LATE, RUN]),
    ],
)
def test_it_runs_nothing_of_a_pause(wanted: str, verdicts: list[Verdict]) -> None:
    pauses = [Span(NOW - timedelta(seconds=85), NOW - timedelta(seconds=75))]
    given = rules(misfire_policy=wanted, misfire_grace_seconds=60)
    assert policy.misfire(ago(90, 80, 70, 0), NOW, given, pauses) == verdicts
    assert policy.misfire(ago(80), NOW, given, pauses) == [MISSED]


def test_it_catches_up_with_the_newest_of_very_many() -> None:
    verdicts = policy.misfire(ago(*range(700, 400, -1)), NOW, rules(misfire_policy="run_all"))
    assert verdicts == [MISSED] * 200 + [LATE] * 100


@pytest.mark.parametrize(
    ("wanted", "most", "alive", "choice"),
    [
        ("skip", 1, 0, Overlap.QUEUE),
        ("skip", 1, 1, Overlap.SKIP),
        ("skip", 3, 2, Overlap.QUEUE),
        ("skip", 3, 3, Overlap.SKIP),
        ("queue", 1, 1, Overlap.QUEUE),
        ("queue", 1, 100, Overlap.QUEUE),
        ("queue", 1, 101, Overlap.SKIP),
        ("replace", 1, 0, Overlap.QUEUE),
        ("replace", 1, 1, Overlap.REPLACE),
        ("replace", 2, 1, Overlap.QUEUE),
        ("allow", 3, 2, Overlap.QUEUE),
        ("allow", 3, 3, Overlap.SKIP),
    ],
)
def test_it_settles_overlap(wanted: str, most: int, alive: int, choice: Overlap) -> None:
    assert policy.overlap(alive, rules(overlap_policy=wanted, max_instances=most)) is choice


def test_it_admits_up_to_the_limit_of_all() -> None:
    waiting = [Waiting(run, task_id=run, group_id=1, limit=1) for run in (1, 2, 3)]
    assert policy.admit(waiting, Slots(most=3, running=1)) == ([1, 2], {3: "all"})


def test_it_lets_no_task_hold_up_another() -> None:
    waiting = [Waiting(1, 7, 1, limit=1), Waiting(2, 7, 1, limit=1), Waiting(3, 8, 1, limit=1)]
    assert policy.admit(waiting, Slots(most=10)) == ([1, 3], {2: "task"})


def test_it_counts_what_runs_already() -> None:
    slots = Slots(most=10, running=2)
    slots.by_task[7], slots.by_group[1] = 2, 2
    waiting = [Waiting(1, 7, 1, limit=2), Waiting(2, 8, 1, limit=1, group_limit=2), Waiting(3, 9, 2, limit=1, group_limit=2)]
    assert policy.admit(waiting, slots) == ([3], {1: "task", 2: "group"})


@pytest.mark.parametrize(
    ("cause", "is_retry", "hastened", "waits"),
    [
        (Cause.SCHEDULE, False, False, True),
        (Cause.SCHEDULE, True, True, False),
        (Cause.DEPENDENCY, False, False, True),
        (Cause.MANUAL, False, False, False),
        (Cause.MANUAL, True, False, True),
        (Cause.API, False, False, False),
    ],
)
def test_a_pause_holds_what_begins_by_itself(cause: Cause, is_retry: bool, hastened: bool, waits: bool) -> None:
    assert policy.waits_for_the_pause(cause, is_retry, hastened) is waits


def test_it_names_the_nearest_thing_that_holds_a_run() -> None:
    slots = Slots(most=1, running=1)
    slots.by_task[7] = 1
    waiting = [Waiting(1, 7, 1, limit=1, paused=True), Waiting(2, 7, 1, limit=1), Waiting(3, 8, 1, limit=1)]
    assert policy.admit(waiting, slots) == ([], {1: "paused", 2: "task", 3: "all"})


@pytest.mark.parametrize(
    ("ahead", "behind"),
    [
        ((0, 1), (0, 0)),
        ((1, 0), (0, 0)),
        ((1, 0), (0, 299)),
        ((0, 301), (1, 0)),
        ((-1000, 600_001), (1000, 0)),
    ],
)
def test_waiting_weighs_against_priority(ahead: tuple[int, float], behind: tuple[int, float]) -> None:
    (high, waited), (low, less) = ahead, behind
    assert policy.weight(high, *ago(waited)) < policy.weight(low, *ago(less))


@given(
    some.lists(some.tuples(some.integers(1, 4), some.integers(1, 2), some.integers(1, 3)), max_size=40),
    some.integers(0, 10),
)
def test_it_never_exceeds_a_limit_and_holds_nobody_without_one(asked: list[tuple[int, int, int]], most: int) -> None:
    waiting = [Waiting(run, task, group, limit=task, group_limit=limit) for run, (task, group, limit) in enumerate(asked)]
    slots = Slots(most)
    admitted, held = policy.admit(waiting, slots)
    assert sorted([*admitted, *held]) == list(range(len(waiting)))
    assert len(admitted) == slots.running <= most
    assert all(slots.by_task[task] <= task for task in range(5))
    if held and "all" in held.values():
        assert slots.running == most


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome("exited", exit_code=0), Status.SUCCESS),
        (Outcome("exited", exit_code=1), Status.BUSINESS_FAILURE),
        (Outcome("exited", exit_code=2), Status.TECHNICAL_FAILURE),
        (Outcome("exited", exit_code=255), Status.TECHNICAL_FAILURE),
        (Outcome("exited", exit_code=None), Status.TECHNICAL_FAILURE),
        (Outcome("signalled", signal=9), Status.TECHNICAL_FAILURE),
        (Outcome("start_failed", exit_code=127), Status.TECHNICAL_FAILURE),
        (Outcome("start_failed", exit_code=0), Status.TECHNICAL_FAILURE),
        (Outcome("timeout", exit_code=0), Status.TIMEOUT),
        (Outcome("cancelled", signal=15), Status.CANCELLED),
        (Outcome("lost"), Status.LOST),
        (Outcome("something new"), Status.TECHNICAL_FAILURE),
    ],
)
def test_it_judges_an_outcome(outcome: Outcome, status: Status) -> None:
    assert policy.judge(outcome, rules()) is status


def test_it_judges_by_the_codes_of_the_task() -> None:
    own = rules(success_exit_codes=[0, 3], business_exit_codes=[4])
    found = [policy.judge(Outcome("exited", exit_code=code), own) for code in (3, 4, 1)]
    assert found == [Status.SUCCESS, Status.BUSINESS_FAILURE, Status.TECHNICAL_FAILURE]


@pytest.mark.parametrize("status", [Status.BUSINESS_FAILURE, Status.LOST, Status.CANCELLED, Status.SUCCESS])
def test_it_never_retries_these(status: Status) -> None:
    assert policy.retry(status, 1, rules(retry_count=100)) is None


@pytest.mark.parametrize("status", sorted(FAILED & {Status.TECHNICAL_FAILURE, Status.TIMEOUT}))
def test_it_retries_as_often_as_asked(status: Status) -> None:
    asked = rules(retry_count=2, retry_delay_seconds=7)
    waits = [policy.retry(status, tries, asked) for tries in (1, 2, 3)]
    assert waits == [timedelta(seconds=7), timedelta(seconds=7), None]


@given(tries=some.integers(1, 100), chance=some.floats(0, 1), delay=some.integers(0, 86_400), most=some.integers(0, 604_800))
def test_it_waits_longer_each_time_but_never_too_long(tries: int, chance: float, delay: int, most: int) -> None:
    asked = rules(retry_count=100, retry_delay_seconds=delay, retry_backoff="exponential", retry_max_delay_seconds=most)
    full = min(delay * 2 ** min(tries - 1, 30), most)
    wait = policy.retry(Status.TIMEOUT, tries, asked, chance)
    assert wait is not None
    assert full * 0.75 - 1e-3 <= wait.total_seconds() <= full + 1e-3


def test_it_draws_the_jitter_itself() -> None:
    asked = rules(retry_count=1, retry_delay_seconds=1000, retry_backoff="exponential")
    waits = {policy.retry(Status.TIMEOUT, 1, asked) for _ in range(20)}
    assert len(waits) > 1
