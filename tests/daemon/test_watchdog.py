"""A clock that stands still: the leader gives way, and its thread, should it wake, writes nothing."""

import threading
from collections.abc import Iterator
from datetime import datetime

import pytest
from flask import Flask

from scheduler import nodes
from scheduler.daemon import process
from scheduler.daemon.leader import Term
from scheduler.daemon.lease import LeaseTerm
from scheduler.daemon.process import Daemon
from scheduler.database import db, transaction
from scheduler.runs import ledger
from scheduler.runs.policy import Past
from tests.conftest import FrozenClock
from tests.fakes import FakeEngine


class Hanging:
    """A settlement that hangs until it is let go, then tries to write."""

    def __init__(self) -> None:
        self.entered, self.release, self.again, self.wrote = (threading.Event() for _ in range(4))

    def settle(self, now: datetime, past: Past) -> int:
        if self.entered.is_set():
            self.again.set()
            return 0
        self.entered.set()
        assert self.release.wait(30)
        with transaction():
            self.wrote.set()
        return 0


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    made = Hanging()
    monkeypatch.setattr(ledger, "settle", made.settle)
    for term in (Term, LeaseTerm):
        monkeypatch.setattr(term, "SIGN", 0.01)
    monkeypatch.setattr(process, "LOOK", 0.01)
    monkeypatch.setattr(process, "PATIENCE", 0.01)
    yield made
    made.release.set()
    for thread in threading.enumerate():
        if thread.name == "ending":
            thread.join(20)


def leader() -> int:
    db.session.rollback()
    return db.session.get_one(nodes.Lease, nodes.LEADER).epoch


def test_a_process_of_its_own_ends(app: Flask, hanging: Hanging, clock: FrozenClock, caplog: pytest.LogCaptureFixture) -> None:
    daemon = Daemon(app, FakeEngine(), alone=True)
    daemon.start()
    assert hanging.entered.wait(30)
    clock.move(seconds=31)
    daemon.wait()
    daemon.stop()
    assert daemon.stuck
    assert "event=clock_stands_still" in caplog.text and "release.wait" in caplog.text  # and where it hangs


def test_beside_the_pages_it_leads_again_when_the_thread_has_let_go(app: Flask, hanging: Hanging, clock: FrozenClock) -> None:
    daemon = Daemon(app, FakeEngine())
    daemon.start()
    assert hanging.entered.wait(30)
    first = leader()
    clock.move(seconds=31)
    with app.app_context():
        other = process.leadership(app)
        while (term := other.take()) is None:
            continue
    term.resign()
    hanging.release.set()
    assert hanging.again.wait(30)
    assert (daemon.stuck, hanging.wrote.is_set(), leader()) == (False, False, first + 2)
    daemon.stop()
