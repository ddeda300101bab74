"""Pausing everything: who may, how it ends, and what is known of it afterwards."""

from typing import Any

import pytest
from flask import Flask

from scheduler.accounts.models import AuditEntry
from scheduler.database import db
from scheduler.errors import Conflict, Forbidden, Invalid
from scheduler.tasks import pausing
from scheduler.tasks.models import Pause
from scheduler.tasks.pausing import Span
from tests.conftest import NOON, FrozenClock
from tests.factories import SYSTEM, as_actor, at


def test_it_pauses_with_a_reason_until_somebody_resumes(app: Flask, ada: Any, clock: FrozenClock) -> None:
    made = pausing.pause(as_actor(ada), " a new disk ")
    assert (made.since, made.until, made.reason, made.paused_by) == (NOON, None, "a new disk", "ada")
    clock.move(days=400)
    assert pausing.current() == made
    pausing.resume(as_actor(ada))
    assert (made.ended_at, made.ended_by, pausing.current()) == (clock.at, "ada", None)


def test_it_ends_by_itself_when_it_is_to(app: Flask, clock: FrozenClock) -> None:
    pausing.pause(SYSTEM, until=at("2026-03-02T13:00"))
    clock.move(minutes=59, seconds=59)
    assert pausing.current()
    clock.move(seconds=1)
    assert pausing.current() is None
    with pytest.raises(Conflict):
        pausing.resume(SYSTEM)


def test_it_is_told_another_reason_and_another_end(app: Flask, clock: FrozenClock) -> None:
    first = pausing.pause(SYSTEM, "a disk", at("2026-03-02T13:00"))
    clock.move(minutes=5)
    assert pausing.pause(SYSTEM, "two disks", at("2026-03-02T14:00")).id == first.id
    assert (first.since, first.until, first.reason) == (NOON, at("2026-03-02T14:00"), "two disks")


@pytest.mark.parametrize("name", ["edith", "oscar", "victor", "mallory"])
def test_it_is_for_administrators(app: Flask, request: pytest.FixtureRequest, name: str) -> None:
    actor = as_actor(request.getfixturevalue(name))
    with pytest.raises(Forbidden):
        pausing.pause(actor)
    pausing.pause(SYSTEM)
    with pytest.raises(Forbidden):
        pausing.resume(actor)


@pytest.mark.parametrize(("field", "values"), [("until", ("", NOON)), ("reason", ("x" * 501, None))])
def test_it_refuses_what_makes_no_sense(app: Flask, field: str, values: Any) -> None:
    with pytest.raises(Invalid) as refused:
        pausing.pause(SYSTEM, *values)
    assert [problem.field for problem in refused.value.problems] == [field]


def test_it_cannot_resume_what_is_not_paused(app: Flask) -> None:
    with pytest.raises(Conflict):
        pausing.resume(SYSTEM)


def test_it_is_in_the_audit_log(app: Flask, ada: Any, clock: FrozenClock) -> None:
    pausing.pause(as_actor(ada), "a disk")
    pausing.resume(as_actor(ada))
    entries = db.session.scalars(db.select(AuditEntry).where(AuditEntry.object_type == "scheduler")).all()
    assert [(entry.action, entry.actor_name) for entry in entries] == [("scheduler.pause", "ada"), ("scheduler.resume", "ada")]


def test_it_knows_which_pause_an_instant_lay_in(app: Flask, clock: FrozenClock) -> None:
    pausing.pause(SYSTEM, "by itself", at("2026-03-02T12:30"))
    clock.move(hours=1)
    pausing.pause(SYSTEM, "by hand", at("2026-03-02T20:00"))
    clock.move(minutes=10)
    pausing.resume(SYSTEM)
    found = [pausing.covering(at(f"2026-03-02T{time}")) for time in ("11:59", "12:00", "12:30", "13:00", "13:09", "13:10")]
    assert [pause and pause.reason for pause in found] == [None, "by itself", None, "by hand", "by hand", None]
    spans = pausing.between(at("2026-03-02T12:10"), at("2026-03-02T13:00"))
    assert spans == [Span(NOON, at("2026-03-02T12:30")), Span(at("2026-03-02T13:00"), at("2026-03-02T13:10"))]
    assert [pause.reason for pause in pausing.past(9)] == ["by hand", "by itself"]
    assert db.session.query(Pause).count() == 2
