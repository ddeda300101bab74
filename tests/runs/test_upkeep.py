"""The housekeeping as a job: due at a fixed time, made up for after a gap, asked for by hand, recorded, one at a time."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from scheduler.accounts.models import FailedSignIn, SignIn
from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db
from scheduler.errors import Conflict, Forbidden
from scheduler.runs import retention, upkeep
from scheduler.runs.models import Upkeep
from scheduler.runs.retention import Stopped
from tests.conftest import PASSWORD
from tests.factories import as_actor, make_run, make_task, perform

SHANGHAI_0340 = datetime(2026, 3, 2, 19, 40, tzinfo=UTC)


def do(now, rest=lambda _seconds: None) -> Upkeep | None:
    """What the daemon does when it looks."""
    number = upkeep.take(now)
    if number is None:
        return None
    upkeep.perform(number, rest, lambda _run: False)
    return db.session.get_one(Upkeep, number)


def no_time(_seconds: float) -> None:
    raise Stopped


def test_it_is_due_at_twenty_to_four_on_the_clock_of_the_installation(app, clock):
    assert upkeep.next_due(clock.now()) == SHANGHAI_0340
    assert upkeep.next_due(SHANGHAI_0340) == SHANGHAI_0340 + timedelta(days=1)


def test_it_is_done_at_the_first_start_and_then_once_a_day(app, clock):
    assert do(clock.now()).status == "success"
    assert do(clock.now()) is None
    clock.at = SHANGHAI_0340 - timedelta(seconds=1)
    assert do(clock.now()) is None
    clock.move(seconds=1)
    assert do(clock.now()).due_at == SHANGHAI_0340
    assert do(clock.now()) is None


def test_it_makes_up_once_for_all_that_was_missed(app, clock):
    do(clock.now())
    clock.at = SHANGHAI_0340 + timedelta(days=5, hours=2)
    assert do(clock.now()).due_at == SHANGHAI_0340 + timedelta(days=5)
    assert do(clock.now()) is None


def test_it_goes_on_where_it_was_stopped(app, clock):
    assert do(clock.now(), no_time).status == "cancelled"
    assert do(clock.now()).status == "success"


def test_it_is_taken_up_again_after_its_process_died(app, clock):
    dead = upkeep.take(clock.now())
    upkeep.recover()
    assert db.session.get_one(Upkeep, dead).status == "lost"
    assert do(clock.now()).status == "success"


def test_what_somebody_asked_for_is_taken_up_again_too(app, clock):
    do(clock.now())
    upkeep.request(SYSTEM)
    assert do(clock.now(), no_time).status == "cancelled"
    assert do(clock.now()).status == "success" and do(clock.now()) is None


def test_it_can_be_asked_for_by_administrators_one_at_a_time(app, clock, ada, edith):
    do(clock.now())
    with pytest.raises(Forbidden):
        upkeep.request(as_actor(edith))
    upkeep.request(as_actor(ada))
    with pytest.raises(Conflict):
        upkeep.request(as_actor(ada))
    done = do(clock.now())
    assert (done.asked_by, done.due_at, done.status) == ("ada", None, "success")
    upkeep.request(SYSTEM)


def test_it_records_what_was_freed(app, clock):
    task = make_task()
    for _ in range(3):
        perform(make_run(task))
    clock.move(days=40)
    assert do(clock.now()).freed["runs"] == 2


def test_a_step_that_fails_keeps_none_of_the_others_from_being_done(app, clock, monkeypatch):
    perform(make_run(task := make_task()))
    perform(make_run(task))
    clock.move(days=40)

    def broken(*_args: object) -> None:
        raise OSError("the disk is on fire")

    monkeypatch.setattr(upkeep, "STEPS", (broken, *upkeep.STEPS))
    done = do(clock.now())
    assert (done.status, done.freed["runs"]) == ("technical_failure", 1) and "on fire" in done.error
    assert do(clock.now()) is None, "it is tried again tomorrow, not at once and for ever"


def test_it_forgets_sign_ins_and_tries_that_are_over(app, clock, sign_in):
    sign_in("ada")
    app.test_client().post("/api/v1/auth/login", json={"username": "ada", "password": PASSWORD + "x"})
    clock.move(hours=1)
    do(clock.now())
    assert (counted(SignIn.id), counted(FailedSignIn.username)) == (1, 1)
    clock.move(days=2)
    assert do(clock.now()).freed == {"sign_ins": 1, "tries": 1}
    assert (counted(SignIn.id), counted(FailedSignIn.username)) == (0, 0)


def test_it_keeps_so_many_records_of_itself(app, clock, monkeypatch):
    monkeypatch.setattr(upkeep, "KEPT", 3)
    monkeypatch.setattr(upkeep, "STEPS", ())
    for _ in range(6):
        do(clock.now())
        clock.move(days=1)
    assert len(upkeep.records(SYSTEM)) == 3


def test_it_breathes_between_its_transactions(app, clock):
    breaths: list[float] = []
    do(clock.now(), breaths.append)
    assert breaths and min(breaths) >= retention.BREATH


def counted(column) -> int:
    return db.session.scalar(select(func.count(column))) or 0
