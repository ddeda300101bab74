"""Every change of a status: by whom, once, counted, told; and the ends that nothing changes any more."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from blinker import Signal
from flask import Flask

from scheduler import signals
from scheduler.database import db
from scheduler.errors import Conflict
from scheduler.runs import lifecycle
from scheduler.runs.lifecycle import Report
from scheduler.runs.models import Run
from scheduler.runs.policy import Outcome
from scheduler.runs.status import Status
from scheduler.tasks import trash
from tests.conftest import FrozenClock
from tests.factories import SYSTEM, attempts, claim, finish, make_run, make_task, outcome, perform
from tests.threads import in_threads

pytestmark = pytest.mark.usefixtures("app")


@contextmanager
def heard(signal: Signal) -> Iterator[list[int]]:
    found: list[int] = []

    def listen(run_ids: list[int]) -> None:
        db.session.rollback()
        found.extend(run_ids)

    with signal.connected_to(listen):
        yield found


def now(run: Run) -> Run:
    db.session.rollback()
    return db.session.get_one(Run, run.id)


def test_it_claims_a_run_that_waits(clock: FrozenClock) -> None:
    run = make_run()
    clock.move(seconds=5)
    assert claim(run) == 1
    assert (now(run).status, run.attempts, run.started_at) == ("running", 1, clock.at)
    (attempt,) = attempts(run)
    assert (attempt.number, attempt.status, attempt.claimed_at, attempt.task_version) == (1, "running", clock.at, 1)


def test_it_claims_in_the_order_asked_and_leaves_out_what_is_gone() -> None:
    first, second, third = make_run(), make_run(), make_run()
    lifecycle.cancel(SYSTEM, second)
    found = [one.run_id for one in lifecycle.claim([third.id, second.id, first.id])]
    assert found == [third.id, first.id]
    assert lifecycle.claim([third.id]) == []


def test_of_many_that_claim_at_once_one_wins(app: Flask) -> None:
    runs = [make_run().id for _ in range(20)]
    won: list[int] = []
    assert in_threads(app, 8, lambda: won.extend(one.run_id for one in lifecycle.claim(runs))) == []
    assert sorted(won) == runs


@pytest.mark.parametrize(
    ("code", "values", "status"),
    [
        (0, {}, Status.SUCCESS),
        (1, {}, Status.BUSINESS_FAILURE),
        (7, {}, Status.TECHNICAL_FAILURE),
        (None, {"reason": "signalled", "signal": 9}, Status.TECHNICAL_FAILURE),
        (None, {"reason": "timeout", "signal": 15}, Status.TIMEOUT),
        (None, {"reason": "lost"}, Status.LOST),
    ],
)
def test_it_ends_as_the_outcome_says(clock: FrozenClock, code: int | None, values: dict[str, Any], status: Status) -> None:
    run = perform(make_run(), code, **values)
    assert (now(run).status, run.exit_code, run.signal, run.duration) == (status, code, values.get("signal"), 1.0)
    assert run.finished_at == clock.at
    (attempt,) = attempts(run)
    assert (attempt.status, attempt.exit_code, attempt.pid, attempt.host) == (status, code, 42, "here")


def test_it_keeps_what_the_process_left() -> None:
    details = {"summary": "two rows", "last_line": "bye", "log_bytes": 12, "peak_memory_kb": 99, "cpu_seconds": 0.5,
               "progress": {"percent": 100.0, "text": ""}, "metrics": {"rows": 2.0}}  # fmt: skip
    run = perform(make_run(), details=details)
    assert (now(run).summary, run.last_line, run.log_bytes, run.peak_memory_kb) == ("two rows", "bye", 12, 99)
    assert attempts(run)[0].result == {"progress": {"percent": 100.0, "text": ""}, "metrics": {"rows": 2.0}}


def test_it_keeps_output_no_database_could_hold() -> None:
    run = perform(make_run(), 3, error="why\0", details={"last_line": "a\0b", "summary": "\ud800", "metrics": {"x\0": 1.0}})
    assert (now(run).last_line, run.summary) == ("a\N{REPLACEMENT CHARACTER}b", "?")


def test_an_end_is_final() -> None:
    run = perform(make_run())
    for code in (1, 2):
        assert finish(run, code) == []
    assert lifecycle.claim([run.id]) == []
    assert not lifecycle.unstart(run.id, 1)
    with pytest.raises(Conflict):
        lifecycle.cancel(SYSTEM, run)
    assert now(run).status == "success"


def test_a_report_given_twice_at_once_counts_once() -> None:
    run = make_run()
    claim(run)
    reports = [Report(run.id, 1, outcome(0)), Report(run.id, 1, outcome(5))]
    assert lifecycle.finish(reports) == [run.id]
    task = db.session.get_one(type(make_task()), run.task_id)
    assert (task.total_count, task.success_count) == (1, 1)


def test_of_many_reports_at_once_one_counts(app: Flask) -> None:
    run = make_run()
    claim(run)
    report = Report(run.id, 1, outcome(0))
    ended: list[int] = []
    assert in_threads(app, 6, lambda: ended.extend(lifecycle.finish([report]))) == []
    assert ended == [run.id]


def test_it_ignores_the_report_of_an_attempt_that_is_over() -> None:
    run = make_run(retry_count=1)
    perform(run, 5)
    claim(run)
    assert lifecycle.finish([Report(run.id, 1, outcome(0))]) == []
    assert now(run).status == "running"


def test_it_tries_again_later_and_then_succeeds(clock: FrozenClock) -> None:
    run = perform(make_run(retry_count=2, retry_delay_seconds=30), 5)
    assert (now(run).status, run.exit_code, run.finished_at) == ("pending", 5, None)
    assert (run.not_before - clock.at).total_seconds() == 30 if run.not_before else False
    clock.move(seconds=30)
    perform(run)
    assert (now(run).status, run.attempts, run.exit_code) == ("success", 2, 0)
    assert [attempt.status for attempt in attempts(run)] == ["technical_failure", "success"]


def test_it_gives_up_after_the_last_try() -> None:
    run = make_run(retry_count=2, retry_delay_seconds=0)
    for _ in range(3):
        perform(run, 5)
    assert (now(run).status, run.attempts) == ("technical_failure", 3)
    assert lifecycle.claim([run.id]) == []


def test_it_never_tries_a_business_failure_again() -> None:
    assert now(perform(make_run(retry_count=5), 1)).status == "business_failure"


def test_a_try_that_never_began_is_none(clock: FrozenClock) -> None:
    run = make_run(retry_count=1, retry_delay_seconds=0)
    for number in (1, 2, 3):
        assert claim(run) == number
        assert lifecycle.unstart(run.id, number, "nobody there")
        assert now(run).status == "pending"
    assert run.started_at is None or run.attempts > 1
    perform(run, 5)
    assert now(run).status == "pending"
    perform(run, 5)
    assert now(run).status == "technical_failure"
    assert [attempt.status for attempt in attempts(run)] == ["unstarted"] * 3 + ["technical_failure"] * 2


def test_it_puts_back_only_the_attempt_that_runs() -> None:
    run = make_run()
    claim(run)
    assert not lifecycle.unstart(run.id, 2)
    assert lifecycle.unstart(run.id, 1)
    assert not lifecycle.unstart(run.id, 1)


def test_a_run_that_shall_stop_and_never_began_is_over() -> None:
    run = make_run()
    claim(run)
    lifecycle.cancel(SYSTEM, run)
    with heard(signals.run_finished) as told:
        assert lifecycle.unstart(run.id, 1)
    assert (now(run).status, told) == ("cancelled", [run.id])
    assert run.finished_at is not None


def test_it_never_tries_again_for_a_deleted_task() -> None:
    run = make_run(retry_count=3)
    claim(run)
    trash.remove(SYSTEM, run.task_id)
    finish(run, 5)
    assert now(run).status == "technical_failure"


def test_it_tells_only_of_what_was_committed() -> None:
    run = make_run(retry_count=1)
    with heard(signals.run_queued) as queued, heard(signals.run_finished) as finished:
        perform(run, 5)
        perform(run, 5)
    assert (queued, finished) == ([run.id], [run.id])


def test_it_counts_on_the_task_what_became_of_its_runs(clock: FrozenClock) -> None:
    task = make_task(overlap_policy="queue")
    for code in (0, 1, 7, 0):
        perform(make_run(task), code)
    lifecycle.cancel(SYSTEM, make_run(task))
    assert (task.total_count, task.success_count, task.failure_count, task.total_duration) == (4, 2, 2, 4.0)
    assert [status for status, _ in task.recent] == ["success", "business_failure", "technical_failure", "success", "cancelled"]
    assert (task.last_status, task.last_success_at, task.last_failure_at) == ("cancelled", clock.at, clock.at)


def test_it_remembers_twenty_results() -> None:
    task = make_task()
    for _ in range(25):
        perform(make_run(task))
    assert (len(task.recent), task.total_count) == (20, 25)


def test_it_counts_right_when_many_end_at_once(app: Flask) -> None:
    task = make_task(max_instances=40, overlap_policy="queue")
    reports = [Report(run.id, claim(run), outcome(0)) for run in [make_run(task) for _ in range(32)]]
    assert in_threads(app, 8, lambda: [lifecycle.finish([report]) for report in reports] and None) == []
    db.session.rollback()
    assert (task.total_count, task.success_count) == (32, 32)


def test_a_lost_attempt_keeps_what_was_noted_of_it(clock: FrozenClock) -> None:
    run = make_run()
    claim(run)
    lifecycle.note_start(run.id, 1, 4711, "host", clock.at.timestamp())
    lifecycle.finish([Report(run.id, 1, Outcome("lost"))])
    (attempt,) = attempts(run)
    assert (attempt.status, attempt.pid, attempt.host, attempt.started_at) == ("lost", 4711, "host", clock.at)


def test_it_notes_nothing_of_an_attempt_that_is_over() -> None:
    run = perform(make_run())
    lifecycle.note_start(run.id, 1, 99, "elsewhere", None)
    assert attempts(run)[0].pid == 42


def test_an_attempt_records_the_version_of_the_task_it_runs(clock: FrozenClock) -> None:
    task = make_task()
    run = make_run(task)
    task.version = 5
    db.session.commit()
    claim(run)
    assert (now(run).task_version, attempts(run)[0].task_version) == (5, 5)
