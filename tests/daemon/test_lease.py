"""The leader's lease on PostgreSQL: who has it, until when it is trusted, and that the thawed write nothing."""

import os
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, update

from scheduler import nodes
from scheduler.daemon.leader import Deposed
from scheduler.daemon.lease import STUCK, LeaseLeadership, LeaseTerm
from scheduler.database import db, guarded, transaction
from scheduler.nodes import LEADER, Lease, Node
from tests.conftest import FrozenClock

pytestmark = pytest.mark.skipif(os.environ.get("TEST_DATABASE") != "postgresql", reason="leases are PostgreSQL's")


@pytest.fixture
def terms(app: Flask) -> Iterator[list[LeaseTerm]]:
    """The terms begun; their threads end with the test."""
    found: list[LeaseTerm] = []
    yield found
    for term in found:
        term.resign()


@pytest.fixture
def term(app: Flask, terms: list[LeaseTerm]) -> LeaseTerm:
    return taken(app, terms)


def taken(app: Flask, terms: list[LeaseTerm]) -> LeaseTerm:
    term = LeaseLeadership(app, "here").take()
    assert isinstance(term, LeaseTerm)
    terms.append(term)
    return term


def run_out() -> None:
    """The database's clock has passed the end of the lease."""
    with db.engine.begin() as connection:
        connection.execute(update(Lease).values(expires_at=func.now() - timedelta(seconds=1)))


def lease() -> Lease:
    db.session.rollback()
    return db.session.get_one(Lease, LEADER)


def test_one_at_a_time(app: Flask, term: LeaseTerm) -> None:
    assert term.held
    assert LeaseLeadership(app, "here").take() is None


def test_one_that_resigns_is_followed_at_once(app: Flask, term: LeaseTerm, terms: list[LeaseTerm]) -> None:
    term.resign()
    following = taken(app, terms)
    assert (term.held, following.held, following.epoch) == (False, True, term.epoch + 1)


def test_to_resign_late_takes_nothing_from_the_next(app: Flask, term: LeaseTerm, terms: list[LeaseTerm]) -> None:
    run_out()
    following = taken(app, terms)
    term.resign()
    following.renew()
    assert following.held and LeaseLeadership(app, "here").take() is None


def test_it_is_trusted_nine_seconds_and_as_many_more_with_each_renewal(term: LeaseTerm, clock: FrozenClock) -> None:
    clock.move(seconds=8.9)
    assert term.held
    term.renew()
    clock.move(seconds=8.9)
    assert term.held
    clock.move(seconds=0.2)
    assert not term.held
    with pytest.raises(Deposed):
        term.trust()


def test_a_renewal_is_counted_from_before_it_was_sent(
    term: LeaseTerm, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = nodes.moment
    monkeypatch.setattr(nodes, "moment", lambda: clock.move(seconds=20) and moment())  # the answer takes so long
    term.renew()
    assert not term.held


def test_a_thawed_leader_writes_nothing(app: Flask, term: LeaseTerm, terms: list[LeaseTerm]) -> None:
    run_out()
    taken(app, terms)
    with guarded(term.check), pytest.raises(Deposed), transaction():
        pytest.fail("it was let in")
    assert term.over


def test_a_thawed_leader_learns_it_from_its_renewal(app: Flask, term: LeaseTerm, terms: list[LeaseTerm]) -> None:
    run_out()
    following = taken(app, terms)
    term.renew()
    assert term.over and not term.held
    assert lease().epoch == following.epoch


def test_one_whose_lease_ran_out_unnoticed_goes_on(app: Flask, term: LeaseTerm) -> None:
    run_out()
    with guarded(term.check), transaction() as session:
        assert session.is_active
    term.renew()
    assert term.held and LeaseLeadership(app, "here").take() is None


def test_while_the_leader_writes_nobody_takes_over(app: Flask, term: LeaseTerm) -> None:
    run_out()
    with guarded(term.check), transaction() as session, db.engine.connect() as other:
        assert session.is_active
        locked = db.select(Lease.epoch).with_for_update(skip_locked=True)
        assert other.execute(locked).all() == []


def test_a_leader_whose_clock_stands_still_lets_its_lease_run_out(term: LeaseTerm) -> None:
    before = lease().expires_at
    term.idle = lambda: STUCK + 1
    term.renew()
    assert lease().expires_at == before


def test_it_tells_everywhere_when_the_leader_last_ticked(term: LeaseTerm) -> None:
    term.idle = lambda: 5.0
    term.renew()
    age = nodes.tick_age()
    assert age == pytest.approx(5, abs=2) and nodes.ticking()
    assert (shown := nodes.leading()) and (shown.pid, shown.epoch) == (os.getpid(), term.epoch)


def test_a_copied_folder_does_not_work_beside_its_original(app: Flask) -> None:
    nodes.seen("another machine")
    assert LeaseLeadership(app, "here").take() is None
    with transaction() as session:
        session.get_one(Node, nodes.own()).seen_at = nodes.moment() - timedelta(minutes=2)
    term = LeaseLeadership(app, "here").take()
    assert term is not None
    term.resign()


def test_it_knows_when_another_node_leads(app: Flask, term: LeaseTerm) -> None:
    here = LeaseLeadership(app, "here")
    assert not here.elsewhere()
    with transaction() as session:
        session.get_one(Lease, LEADER).node = "another"
    assert here.elsewhere()


def test_no_statement_of_a_leader_takes_longer_than_five_seconds(term: LeaseTerm) -> None:
    with guarded(term.check), transaction() as session:
        assert session.scalar(db.text("SHOW statement_timeout")) == "5s"
        assert session.scalar(db.text("SHOW idle_in_transaction_session_timeout")) == "10s"
    with transaction() as session:
        assert session.scalar(db.text("SHOW statement_timeout")) == "0"
