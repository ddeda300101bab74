"""Attempts handed over to workers: one takes each, of a task as it is by then; untaken they end or wait again."""

import pytest
from flask import Flask

from scheduler import nodes
from scheduler.database import db
from scheduler.runs import handing, lifecycle
from scheduler.runs.models import Run
from scheduler.tasks import definitions, trash
from tests.conftest import FrozenClock
from tests.factories import SYSTEM, attempts, make_run, perform
from tests.threads import in_threads


@pytest.fixture
def run(app: Flask) -> Run:
    """A run that is handed over, and nobody's."""
    made = make_run(command="echo one")
    lifecycle.claim([made.id], node=handing.NOBODY)
    return made


def status(run: Run) -> str:
    db.session.rollback()
    return db.session.get_one(Run, run.id).status


def test_it_is_nobodys_until_it_is_taken(run: Run, clock: FrozenClock) -> None:
    (attempt,) = attempts(run)
    assert (status(run), attempt.status, attempt.node, attempt.host, attempt.started_at) == ("running", "running", "", "", None)
    taken = handing.take(run.id, 1)
    clock.move(seconds=30)
    assert taken and (taken.run_id, taken.number, taken.cause) == (run.id, 1, "manual")
    (attempt,) = attempts(run)
    assert (attempt.node, attempt.host) == (nodes.own(), nodes.HOST)


def test_it_begins_when_it_is_taken(run: Run, clock: FrozenClock) -> None:
    began = clock.move(seconds=30)
    handing.take(run.id, 1)
    (attempt,) = attempts(run)
    assert {attempt.claimed_at, attempt.started_at, db.session.get_one(Run, run.id).started_at} == {began}


def test_of_many_who_come_one_takes_it(run: Run, app: Flask) -> None:
    taken, run_id = list[object](), run.id
    assert in_threads(app, 8, lambda: taken.append(handing.take(run_id, 1))) == []
    assert len(taken) == 8 and sum(one is not None for one in taken) == 1


@pytest.mark.parametrize("number", [0, 2, 10**12])
def test_no_other_attempt_of_it_is_to_be_had(run: Run, number: int) -> None:
    assert handing.take(run.id, number) is None and handing.take(run.id + 1, 1) is None


def test_what_was_claimed_by_a_node_is_not_to_be_had(app: Flask) -> None:
    run = make_run()
    lifecycle.claim([run.id])
    assert handing.take(run.id, 1) is None
    assert handing.take(perform(make_run()).id, 1) is None


def test_it_is_of_the_task_as_it_is_when_taken(run: Run) -> None:
    definitions.edit(SYSTEM, run.task_id, {"command": "echo two"})
    taken = handing.take(run.id, 1)
    db.session.rollback()
    assert taken and taken.version == 2
    assert (db.session.get_one(Run, run.id).task_version, attempts(run)[0].task_version) == (2, 2)


def test_who_shall_stop_is_not_to_be_had_and_ends_at_once(run: Run) -> None:
    lifecycle.cancel(SYSTEM, run)
    assert handing.take(run.id, 1) is None
    assert handing.end_unwanted() == 1
    assert (status(run), attempts(run)[0].status) == ("cancelled", "unstarted")
    assert handing.take(run.id, 1) is None


def test_so_does_the_run_of_a_deleted_task(run: Run) -> None:
    trash.remove(SYSTEM, run.task_id)
    lifecycle.cancel_orphans()
    assert handing.end_unwanted() == 1 and status(run) == "cancelled"


def test_what_somebody_took_is_left_to_him(run: Run) -> None:
    handing.take(run.id, 1)
    lifecycle.cancel(SYSTEM, run)
    assert handing.end_unwanted() == 0 and not handing.put_back(run.id, 1)
    assert status(run) == "running"


def test_put_back_it_waits_again_and_its_number_is_no_good(run: Run) -> None:
    assert handing.put_back(run.id, 1, "why")
    assert (status(run), attempts(run)[0].error) == ("pending", "why")
    lifecycle.claim([run.id], node=handing.NOBODY)
    assert handing.take(run.id, 1) is None
    taken = handing.take(run.id, 2)
    assert taken and taken.number == 2
