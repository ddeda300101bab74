"""Tasks that run because others have: when, how often, and what stands in history when they do not."""

from collections.abc import Callable

import pytest
from flask import Flask

from scheduler import signals
from scheduler.database import db
from scheduler.runs import lifecycle
from scheduler.runs.lifecycle import Report
from scheduler.runs.models import Run
from scheduler.tasks import definitions, dependencies, trash
from scheduler.tasks.models import Task
from tests.conftest import FrozenClock
from tests.factories import SYSTEM, claim, finish, make_run, make_task, outcome, perform, rows, statuses
from tests.runs.test_lifecycle import heard, now
from tests.threads import in_threads

pytestmark = pytest.mark.usefixtures("app")


def after(*upstreams: Task, mode: str = "all", **values: object) -> Task:
    """A task that waits for these."""
    return make_task(depends_on=[one.key for one in upstreams], depends_mode=mode, **values)


def run(task: Task, code: int | None = 0, **values: object) -> Run:
    """One run of the task, from a click to its end."""
    return now(perform(make_run(db.session.get_one(Task, task.id)), code, **values))


def arrivals(task: Task) -> dict[str, str | None]:
    db.session.rollback()
    return {one.task.name: one.arrival for one in dependencies.upstreams(task)}


def test_it_runs_after_its_upstream_has_succeeded(clock: FrozenClock) -> None:
    a = make_task()
    b = after(a)
    with heard(signals.run_queued) as told:
        first = run(a)
    (made,) = rows(b)
    assert (made.status, made.cause) == ("pending", "dependency")
    assert made.cause_key == first.public_id and made.upstream == [first.public_id]
    assert made.scheduled_at == first.finished_at == clock.at and made.id in told


def test_it_is_due_when_the_upstream_ended_however_late_that_is_heard(clock: FrozenClock) -> None:
    a = make_task()
    b = after(a)
    going = make_run(a)
    claim(going)
    report = Report(going.id, 1, outcome())
    ended = clock.at
    clock.move(minutes=10)
    lifecycle.finish([report])
    (made,) = rows(b)
    assert (made.scheduled_at, made.queued_at) == (ended, clock.at)


@pytest.mark.parametrize(("code", "values"), [(1, {}), (5, {}), (None, {"reason": "timeout"}), (None, {"reason": "lost"})])
@pytest.mark.parametrize("mode", ["all", "any", "finished"])
def test_a_failure_counts_only_for_those_who_wait_for_an_end(mode: str, code: int | None, values: dict[str, str]) -> None:
    a = make_task()
    b = after(a, mode=mode)
    run(a, code, **values)
    assert len(rows(b)) == (mode == "finished")


def test_a_run_that_was_stopped_counts_for_nobody() -> None:
    a = make_task()
    b = after(a, mode="finished")
    waiting, going = make_run(a), make_run(a)
    lifecycle.cancel(SYSTEM, waiting)
    claim(going)
    lifecycle.cancel(SYSTEM, now(going))
    finish(going, None, reason="cancelled")
    assert rows(b) == []


def test_a_try_that_will_be_repeated_does_not_count() -> None:
    a = make_task(retry_count=1, retry_delay_seconds=0)
    b = after(a, mode="finished")
    going = perform(make_run(a), 5)
    assert rows(b) == []
    perform(now(going), 0)
    assert [one.upstream for one in rows(b)] == [[going.public_id]]


def test_of_any_each_success_makes_a_run() -> None:
    a, c = make_task(), make_task()
    b = after(a, c, mode="any", overlap_policy="queue")
    runs = [run(a), run(c), run(a)]
    assert [one.cause_key for one in rows(b)] == [one.public_id for one in runs]


def test_of_all_it_waits_for_the_last_and_begins_again() -> None:
    a, c = make_task(name="a"), make_task(name="c")
    b = after(a, c, overlap_policy="queue")
    first = run(a)
    assert rows(b) == [] and arrivals(b) == {"a": first.public_id, "c": None}
    run(c, 1)
    assert rows(b) == []
    second = run(c)
    (made,) = rows(b)
    assert made.upstream == sorted([first.public_id, second.public_id]) and made.cause_key == ",".join(made.upstream)
    assert arrivals(b) == {"a": None, "c": None}
    run(c)
    assert len(rows(b)) == 1


def test_of_several_successes_of_one_the_newest_counts() -> None:
    a, c = make_task(), make_task()
    b = after(a, c)
    run(a)
    newest, last = run(a), run(c)
    assert [one.upstream for one in rows(b)] == [sorted([newest.public_id, last.public_id])]


def test_a_diamond_comes_together_once() -> None:
    a = make_task()
    b, c = after(a), after(a)
    d = after(b, c)
    run(a)
    for task in (b, c):
        (made,) = rows(task)
        perform(made)
    assert statuses(d) == ["pending"]


def test_a_diamond_with_one_bad_night_does_not_fall_a_night_behind(clock: FrozenClock) -> None:
    a = make_task()
    slow, quick = after(a), after(a)
    d = after(slow, quick, overlap_policy="queue")

    def night(code: int) -> list[Run]:
        clock.move(hours=24)
        run(a)
        for task, its_code in ((quick, code), (slow, 0)):
            perform(rows(task)[-1], its_code)
        return [rows(slow)[-1], rows(quick)[-1]]

    night(1)
    assert rows(d) == []
    for _ in range(2):
        tonight = [one.public_id for one in night(0)]
        assert rows(d)[-1].upstream == sorted(tonight)
    assert len(rows(d)) == 2


@pytest.mark.parametrize("order", ["quick slow slower", "slow quick slower", "slow slower quick"])
def test_branches_of_unequal_length_come_together_after_a_bad_night(clock: FrozenClock, order: str) -> None:
    first = make_task()
    quick, slow = after(first), after(first)
    slower = after(slow)
    last = after(quick, slower, overlap_policy="queue")
    tasks = {"quick": quick, "slow": slow, "slower": slower}
    for code in (1, 0, 0):
        clock.move(hours=24)
        run(first)
        for name in order.split():
            clock.move(minutes=1)
            perform(rows(tasks[name])[-1], code if name == "quick" else 0)
        tonight = sorted(rows(task)[-1].public_id for task in (quick, slower))
        assert [one.upstream for one in rows(last)][-1:] == ([] if code else [tonight])
    assert len(rows(last)) == 2


def test_ends_of_one_night_that_are_reported_together_belong_together(clock: FrozenClock) -> None:
    a, c = make_task(), make_task()
    d = after(a, c, overlap_policy="queue")
    run(a)
    clock.move(hours=24)
    tonight = [make_run(c), make_run(a)]
    reports = []
    for one in tonight:
        claim(one)
        clock.move(seconds=1)
        reports.append(Report(one.id, 1, outcome()))
    lifecycle.finish(reports)
    assert [one.upstream for one in rows(d)] == [sorted(one.public_id for one in tonight)]


def test_an_older_success_does_not_stand_for_a_newer_failure() -> None:
    a, c = make_task(name="a"), make_task(name="c")
    d = after(a, c)
    run(a)
    run(a, 5)
    run(c)
    assert rows(d) == [] and arrivals(d)["a"] is None
    run(a)
    assert len(rows(d)) == 1


def test_what_is_always_busy_holds_nobody_up_for_ever(clock: FrozenClock) -> None:
    a, c = make_task(max_instances=2), make_task(max_instances=2)
    d = after(a, c, overlap_policy="queue")
    going = [make_run(a), make_run(c)]
    for task in (a, c) * 3:
        clock.move(seconds=1)
        going.append(make_run(db.session.get_one(Task, task.id)))
        perform(going.pop(0))
    assert len(rows(d)) >= 2


def test_many_upstreams_make_one_key_of_fixed_length() -> None:
    upstreams = [make_task() for _ in range(6)]
    b = after(*upstreams)
    runs = [run(one).public_id for one in upstreams]
    (made,) = rows(b)
    assert made.upstream == sorted(runs) and len(made.cause_key) == 64


def test_ends_that_are_reported_together_count_one_by_one() -> None:
    a, c = make_task(), make_task()
    both, each = after(a, c), after(a, c, mode="any", overlap_policy="queue")
    runs = [make_run(a), make_run(c)]
    for one in runs:
        claim(one)
    lifecycle.finish([Report(one.id, 1, outcome()) for one in runs])
    assert (len(rows(both)), len(rows(each))) == (1, 2)


def test_a_report_that_comes_twice_counts_once() -> None:
    a = make_task()
    b = after(a, mode="any", overlap_policy="queue")
    ended = run(a)
    for _ in range(2):
        assert lifecycle.finish([Report(ended.id, 1, outcome())]) == []
    assert len(rows(b)) == 1


def test_of_many_that_report_at_once_one_counts(app: Flask) -> None:
    a = make_task()
    b = after(a, mode="any", overlap_policy="queue")
    going = make_run(a)
    claim(going)
    report = Report(going.id, 1, outcome())
    assert in_threads(app, 6, lambda: lifecycle.finish([report]) and None) == []
    assert len(rows(b)) == 1


def test_what_has_arrived_survives_a_restart() -> None:
    a, c = make_task(), make_task()
    b = after(a, c)
    run(a)
    last, task = c.id, b.id
    db.session.remove()
    db.engine.dispose()
    run(db.session.get_one(Task, last))
    assert statuses(db.session.get_one(Task, task)) == ["pending"]


def test_it_does_not_outlive_a_transaction_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    a, c = make_task(), make_task()
    b = after(a, c)
    run(a)
    going = make_run(c)
    claim(going)
    with monkeypatch.context() as broken, pytest.raises(ZeroDivisionError):
        broken.setattr(lifecycle, "cancel_runs", lambda *_: 1 / 0)
        finish(going)
    assert now(going).status == "running" and rows(b) == [] and sum(map(bool, arrivals(b).values())) == 1
    finish(going)
    assert statuses(b) == ["pending"]


def test_a_disabled_one_is_skipped_and_says_so() -> None:
    a = make_task()
    b = after(a)
    definitions.disable(SYSTEM, b.id)
    run(a)
    (made,) = rows(b)
    assert (made.status, made.reason) == ("skipped", {"code": "disabled"}) and made.finished_at
    definitions.enable(SYSTEM, b.id)
    assert len(rows(b)) == 1
    run(a)
    assert statuses(b) == ["skipped", "pending"]


def test_a_deleted_one_makes_no_rows() -> None:
    a = make_task()
    b = after(a)
    trash.remove(SYSTEM, b.id)
    run(a)
    assert rows(b) == []


def test_a_deleted_upstream_is_waited_for_no_more_and_starts_nothing_itself() -> None:
    a, c = make_task(), make_task()
    b = after(a, c)
    run(a)
    trash.remove(SYSTEM, c.id)
    assert rows(b) == []
    last = run(a)
    assert [one.upstream for one in rows(b)] == [[last.public_id]]


def test_an_upstream_that_ends_after_it_was_deleted_counts_no_more() -> None:
    a = make_task()
    b = after(a, mode="any")
    going = make_run(a)
    claim(going)
    trash.remove(SYSTEM, a.id)
    finish(going)
    assert rows(b) == []


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("skip", ["pending", "skipped"]),
        ("queue", ["pending", "pending"]),
        ("replace", ["cancelled", "pending"]),
        ("allow", ["pending", "pending"]),
    ],
)
def test_it_meets_those_still_alive_as_a_tick_does(policy: str, expected: list[str]) -> None:
    a = make_task()
    b = after(a, overlap_policy=policy, max_instances=2 if policy == "allow" else 1)
    run(a)
    run(a)
    assert statuses(b) == expected


def test_what_runs_is_asked_to_stop_when_it_is_replaced() -> None:
    a = make_task()
    b = after(a, overlap_policy="replace")
    run(a)
    (old,) = rows(b)
    claim(old)
    with heard(signals.cancel_requested) as told:
        run(a)
    assert told == [old.id] and now(old).reason == {"code": "replaced"}


def test_of_ends_reported_together_only_the_newest_replaces() -> None:
    a, c = make_task(), make_task()
    b = after(a, c, mode="any", overlap_policy="replace")
    runs = [make_run(a), make_run(c)]
    for one in runs:
        claim(one)
    lifecycle.finish([Report(one.id, 1, outcome()) for one in runs])
    assert statuses(b) == ["cancelled", "pending"]


def test_a_chain_runs_to_its_end() -> None:
    tasks = [make_task()]
    for _ in range(5):
        tasks.append(after(tasks[-1]))
    run(tasks[0])
    for task in tasks[1:]:
        (made,) = rows(task)
        perform(made)
    assert [len(rows(task)) for task in tasks] == [1] * 6


def test_a_schedule_and_a_dependency_go_side_by_side(clock: FrozenClock) -> None:
    a = make_task()
    b = after(a, cron="0 3 * * *", max_instances=2)
    planned = b.next_run_at
    run(a)
    assert [one.cause for one in rows(b)] == ["dependency"]
    assert db.session.get_one(Task, b.id).next_run_at == planned


@pytest.mark.parametrize("change", [lambda a, b: {"depends_on": []}, lambda a, b: {"depends_mode": "finished"}])
def test_an_edit_starts_nothing_by_itself(change: Callable[..., dict[str, object]]) -> None:
    a, c = make_task(), make_task()
    b = after(a, c)
    run(a)
    definitions.edit(SYSTEM, b.id, change(a, b))
    run(c)
    assert rows(b) == []
