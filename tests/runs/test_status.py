"""The table of transitions agrees with what lifecycle does, and the sets with each other."""

from collections.abc import Callable

import pytest

from scheduler.database import db
from scheduler.runs import lifecycle
from scheduler.runs.models import Run
from scheduler.runs.status import ENDED, FAILED, LIVE, NEXT, RAN, RETRIED, AttemptStatus, Status
from tests.factories import SYSTEM, claim, finish, make_run

Step = Callable[[Run], object]

ENDS = {
    "success": (0, "exited"),
    "business_failure": (1, "exited"),
    "technical_failure": (9, "exited"),
    "timeout": (None, "timeout"),
    "lost": (None, "lost"),
    "cancelled": (None, "cancelled"),
}
FROM_PENDING: list[Step] = [claim, lambda run: lifecycle.cancel(SYSTEM, run)]
FROM_RUNNING: list[Step] = [
    *(lambda run, end=end: finish(run, end[0], reason=end[1]) for end in ENDS.values()),
    lambda run: lifecycle.unstart(run.id, 1),
]


def test_every_status_has_its_line() -> None:
    assert set(NEXT) == set(Status)
    assert all(NEXT[ended] == frozenset() for ended in ENDED)


def test_the_sets_fit_together() -> None:
    assert set(Status) == LIVE | ENDED
    assert FAILED < RAN < ENDED
    assert RETRIED < FAILED
    assert {status.value for status in RAN | {Status.CANCELLED}} < {status.value for status in AttemptStatus}


@pytest.mark.parametrize("steps", [(Status.PENDING, FROM_PENDING), (Status.RUNNING, FROM_RUNNING)], ids=["pending", "running"])
@pytest.mark.usefixtures("app")
def test_lifecycle_goes_where_the_table_says_and_nowhere_else(steps: tuple[Status, list[Step]]) -> None:
    before, ways = steps
    reached = set()
    for step in ways:
        run = make_run()
        if before is Status.RUNNING:
            claim(run)
        step(run)
        db.session.refresh(run)
        reached.add(Status(run.status))
    assert reached == NEXT[before] - {Status.SKIPPED}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.usefixtures("app")
def test_no_end_is_left_again(end: str) -> None:
    run = make_run(retry_count=0)
    claim(run)
    finish(run, ENDS[end][0], reason=ENDS[end][1])
    for step in (FROM_RUNNING[0], FROM_RUNNING[-1], lambda run: lifecycle.claim([run.id])):
        step(run)
        db.session.refresh(run)
        assert run.status == end
