"""The two loops that tell people: what they may, and when they look again."""

from collections.abc import Iterator

import pytest
from flask import Flask

from scheduler.daemon.leader import Term
from scheduler.daemon.notifier import SOON, Notifier
from scheduler.notify import choose
from tests.conftest import FrozenClock
from tests.notify.conftest import end, watched
from tests.receivers import Mail

LETTER = {"type": "email", "recipients": ["grace@example.org"]}


class Doubtful(Term):
    """A term that is in doubt now and then, as one is while the database is slow."""

    sure = True

    @property
    def held(self) -> bool:
        return self.sure


@pytest.fixture
def term() -> Doubtful:
    return Doubtful()


@pytest.fixture
def notifier(app: Flask, term: Doubtful) -> Iterator[Notifier]:
    made = Notifier(app, term)
    yield made
    made.stop()


def test_a_doubt_that_passes_ends_no_loop(notifier: Notifier, term: Doubtful) -> None:
    looks: list[float] = []
    for term.sure in (True, False, True):
        notifier._leading(lambda: looks.append(1.0))
    assert len(looks) == 2


def test_it_knows_when_to_send_again_what_was_refused(notifier: Notifier, post: Mail, clock: FrozenClock) -> None:
    assert notifier._send() is None
    post.refusals.append("451 later")
    end(watched(LETTER))
    choose.choose()
    assert notifier._send() == 30
    clock.move(seconds=10)
    assert notifier._send() == 20
    clock.move(seconds=20)
    assert notifier._send() is None and len(post.letters) == 1


def test_after_a_round_that_sent_nothing_it_draws_breath(notifier: Notifier, post: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    end(watched(LETTER))
    choose.choose()
    monkeypatch.setattr("scheduler.daemon.notifier.deliver.claim", lambda: [])
    assert notifier._send() == SOON


def test_as_long_as_runs_have_ended_it_goes_on_choosing(notifier: Notifier) -> None:
    end(watched(LETTER))
    assert [notifier._choose(), notifier._choose()] == [0.0, None]
