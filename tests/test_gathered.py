"""Writers who come at once: one transaction for all, to each their own result or refusal, and nobody harmed by another."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, insert, select
from sqlalchemy.orm import Session

from scheduler import database, gathered, trouble
from scheduler.database import db, table
from scheduler.errors import Conflict, Unavailable
from scheduler.runs.models import Tally
from tests.threads import while_another_writes

Work = Callable[[Session], Any]


def puts(name: str) -> Work:
    """Writes one row and answers its name."""

    def work(session: Session) -> str:
        session.connection().execute(insert(table(Tally)), {"name": name, "value": 1})
        return name

    return work


def refused(_session: Session) -> None:
    raise Conflict.because("no")


def kept() -> list[str]:
    db.session.rollback()
    return sorted(db.session.scalars(select(Tally.name)))


@pytest.fixture
def commits(app: Flask) -> Iterator[list[object]]:
    """One entry for each transaction that was committed."""
    seen: list[object] = []
    note = seen.append
    event.listen(db.engine, "commit", note)
    yield seen
    event.remove(db.engine, "commit", note)


def together(app: Flask, *works: Work) -> list[Any]:
    """What comes of these, all wished for while somebody else writes."""
    return while_another_writes(app, *(partial(gathered.write, work) for work in works))


def test_who_comes_at_once_shares_a_transaction(app: Flask, commits: list[object]) -> None:
    before = len(commits)
    assert together(app, puts("a"), puts("b"), puts("c")) == ["a", "b", "c"]
    assert kept() == ["a", "b", "c"]
    assert len(commits) - before == 2  # theirs, and the one they waited for


def test_who_comes_alone_waits_for_nobody(app: Flask) -> None:
    assert gathered.write(puts("a")) == "a" and kept() == ["a"]


def test_a_refusal_is_one_writers_own(app: Flask) -> None:
    first, second, third = together(app, puts("a"), refused, puts("c"))
    assert (first, third, kept()) == ("a", "c", ["a", "c"])
    assert isinstance(second, Conflict)


def test_an_error_of_one_undoes_nothing_of_the_others(app: Flask) -> None:
    first, second, third = together(app, puts("a"), puts("a"), puts("c"))
    assert sorted([first == "a", second == "a"]) == [False, True]  # one of them was first
    assert (third, kept()) == ("c", ["a", "c"])


def test_when_there_is_no_writing_all_who_share_it_are_told(app: Flask) -> None:
    def full(_session: Session) -> None:
        raise trouble.full()

    found = together(app, puts("a"), full)
    assert all(isinstance(one, Unavailable) for one in found) and kept() == []


def test_it_does_not_wait_behind_one_that_waits_in_vain(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def hopeless() -> None:
        raise trouble.busy()

    monkeypatch.setattr(database, "refuse_hopeless", hopeless)
    with pytest.raises(Unavailable):
        gathered.write(puts("a"))
    assert not gathered._wishes and kept() == []


def test_who_has_waited_too_long_takes_the_wish_back(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trouble, "PATIENCE", 0)
    with gathered._lead, pytest.raises(Unavailable):
        gathered.write(puts("a"))
    assert gathered.write(puts("b")) == "b" and kept() == ["b"]
