"""Whatever happens in whatever order: ends are final, one attempt at a time, counters right, no instant twice."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from scheduler.database import db
from scheduler.errors import Conflict
from scheduler.runs import ledger, lifecycle, queue
from scheduler.runs.lifecycle import Report
from scheduler.runs.models import Attempt, Run
from scheduler.runs.policy import MOST_QUEUED, Outcome
from scheduler.runs.status import ENDED, FAILED, LIVE, RAN, AttemptStatus, Status
from scheduler.tasks import definitions, trash
from scheduler.tasks.models import Task
from tests.conftest import NOON, FrozenClock
from tests.factories import SYSTEM, make_task

OUTCOMES = [
    ("exited", 0),
    ("exited", 1),
    ("exited", 7),
    ("signalled", None),
    ("timeout", None),
    ("cancelled", None),
    ("lost", None),
]
POLICIES = some.fixed_dictionaries(
    {
        "overlap_policy": some.sampled_from(["skip", "queue", "replace", "allow"]),
        "misfire_policy": some.sampled_from(["skip", "run_once", "run_all"]),
        "misfire_grace_seconds": some.sampled_from([1, 60, 600]),
        "max_instances": some.integers(1, 3),
        "retry_count": some.integers(0, 2),
        "retry_delay_seconds": some.sampled_from([0, 0, 90]),
        "max_runs": some.sampled_from([None, 3, 20]),
    }
)


class Life(RuleBasedStateMachine):
    """Two tasks, and everything that can happen to their runs."""

    clock: FrozenClock

    def __init__(self) -> None:
        super().__init__()
        for model in (Attempt, Run, Task):
            db.session.execute(db.delete(model))
        db.session.commit()
        self.clock.at = NOON  # each example begins at one time, or hypothesis sees the last one's clock
        self.ends: dict[int, str] = {}

    @initialize(policies=some.tuples(POLICIES, POLICIES))
    def tasks(self, policies: tuple[dict[str, object], dict[str, object]]) -> None:
        for policy in policies:
            make_task(cron="* * * * *", **policy)

    def tasks_there(self) -> list[Task]:
        db.session.rollback()
        return list(db.session.scalars(db.select(Task).where(Task.deleted_at.is_(None)).order_by(Task.id)))

    def runs(self, *statuses: str) -> list[Run]:
        db.session.rollback()
        return list(db.session.scalars(db.select(Run).where(Run.status.in_(statuses)).order_by(Run.id)))

    @rule(seconds=some.sampled_from([1, 30, 60, 61, 300, 7200]))
    def time_passes(self, seconds: int) -> None:
        self.clock.move(seconds=seconds)

    @rule(back=some.sampled_from([0, 0, 60, 3600]))
    def somebody_settles(self, back: int) -> None:
        ledger.settle(self.clock.at - timedelta(seconds=back))

    @rule()
    def somebody_asks(self) -> None:
        task = self.tasks_there()[0]
        waiting = sum(run.task_id == task.id for run in self.runs(Status.PENDING))
        try:
            ledger.request(SYSTEM, task)
            assert waiting < MOST_QUEUED
        except Conflict:
            assert waiting >= MOST_QUEUED

    @precondition(lambda self: self.runs(Status.PENDING))
    @rule(data=some.data())
    def one_is_claimed(self, data: some.DataObject) -> None:
        run = data.draw(some.sampled_from(self.runs(Status.PENDING)))
        lifecycle.claim([run.id, run.id])

    @precondition(lambda self: self.runs(*Status))
    @rule(data=some.data(), left=some.sampled_from(OUTCOMES), stale=some.booleans())
    def one_is_reported(self, data: some.DataObject, left: tuple[str, int | None], stale: bool) -> None:
        run = data.draw(some.sampled_from(self.runs(*Status)))
        report = Report(run.id, max(run.attempts - stale, 1), Outcome(left[0], exit_code=left[1], duration=1.0))
        lifecycle.finish([report, report])

    @precondition(lambda self: self.runs(*Status))
    @rule(data=some.data())
    def one_never_began(self, data: some.DataObject) -> None:
        run = data.draw(some.sampled_from(self.runs(*Status)))
        lifecycle.unstart(run.id, run.attempts)

    @precondition(lambda self: self.runs(*Status))
    @rule(data=some.data())
    def one_is_stopped(self, data: some.DataObject) -> None:
        run = data.draw(some.sampled_from(self.runs(*Status)))
        over = run.status in ENDED
        try:
            lifecycle.cancel(SYSTEM, run)
            assert not over
        except Conflict:
            assert over

    @precondition(lambda self: self.runs(Status.PENDING))
    @rule(data=some.data())
    def one_goes_at_once(self, data: some.DataObject) -> None:
        run = data.draw(some.sampled_from(self.runs(Status.PENDING)))
        retried = run.not_before is not None
        try:
            queue.hasten(SYSTEM, run)
            assert retried
        except Conflict:
            assert not retried

    @rule(data=some.data(), enabled=some.booleans())
    def one_is_switched(self, data: some.DataObject, enabled: bool) -> None:
        task = data.draw(some.sampled_from(self.tasks_there()))
        (definitions.enable if enabled else definitions.disable)(SYSTEM, task.id)

    @precondition(lambda self: len(self.tasks_there()) > 1)
    @rule()
    def the_last_is_deleted(self) -> None:
        trash.remove(SYSTEM, self.tasks_there()[-1].id)

    @rule()
    def the_worker_looks_around(self) -> None:
        lifecycle.cancel_orphans()
        for run in self.runs(Status.PENDING):
            task = db.session.get_one(Task, run.task_id)
            assert task.deleted_at is None
            assert task.enabled or run.not_before is None

    @invariant()
    def ends_are_final(self) -> None:
        for run in self.runs(*ENDED):
            assert self.ends.setdefault(run.id, run.status) == run.status
            assert run.finished_at is not None

    @invariant()
    def a_run_has_one_attempt_at_a_time(self) -> None:
        for run in self.runs(*Status):
            tries = list(db.session.scalars(db.select(Attempt).where(Attempt.run_id == run.id)))
            going = [attempt for attempt in tries if attempt.status == AttemptStatus.RUNNING]
            assert len(going) == (run.status == Status.RUNNING)
            assert [attempt.number for attempt in tries] == list(range(1, run.attempts + 1))

    @invariant()
    def counters_equal_a_recount(self) -> None:
        found = Counter((run.task_id, run.status) for run in self.runs(*Status))
        for task in db.session.scalars(db.select(Task)):
            assert task.total_count == sum(found[task.id, status] for status in RAN)
            assert task.success_count == found[task.id, Status.SUCCESS]
            assert task.failure_count == sum(found[task.id, status] for status in FAILED)
            assert len(task.recent) == min(sum(found[task.id, status] for status in ENDED), 20)

    @invariant()
    def no_instant_has_two_rows(self) -> None:
        keys = [(run.task_id, run.cause, run.cause_key) for run in self.runs(*Status)]
        assert len(keys) == len(set(keys))

    @invariant()
    def whoever_lives_can_go_on(self) -> None:
        for run in self.runs(*LIVE):
            assert run.status == Status.RUNNING or run.cancel_at is None


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("lives", [2, pytest.param(60, marks=pytest.mark.slow)])
def test_no_order_of_events_breaks_a_promise(clock: FrozenClock, lives: int) -> None:
    Life.clock = clock
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=lives, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
        ),
    )
