"""Transactions under threads, signals only after a commit, instants in UTC."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from blinker import Signal
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from scheduler import database
from scheduler.columns import shared
from scheduler.database import db, storable, table, transaction
from scheduler.tasks.models import Group, Task
from tests.factories import make_task
from tests.threads import in_threads


@pytest.fixture
def heard() -> Iterator[tuple[Signal, list[int]]]:
    """A signal, and what was heard of it."""
    signal, found = Signal(), list[int]()

    def listen(run_id: int) -> None:
        found.append(run_id)

    signal.connect(listen, weak=False)
    yield signal, found


def test_it_loses_no_update_when_eight_threads_read_and_write(app: Flask) -> None:
    def add() -> None:
        for _ in range(25):
            with transaction() as session:
                group = session.get_one(Group, 1)
                group.max_concurrent = (group.max_concurrent or 0) + 1

    assert in_threads(app, 8, add) == []
    assert db.session.get_one(Group, 1).max_concurrent == 200


def test_it_makes_a_transaction_within_one_part_of_it(app: Flask) -> None:
    with pytest.raises(RuntimeError), transaction() as outer:
        with transaction() as inner:
            assert inner is outer
            inner.get_one(Group, 1).name = "renamed"
        raise RuntimeError
    assert db.session.get_one(Group, 1).name == "default"


def test_it_sees_what_others_wrote_even_when_it_has_read_before(app: Flask) -> None:
    assert db.session.get_one(Group, 1).name == "default"

    def rename() -> None:
        with transaction() as session:
            session.get_one(Group, 1).name = "elsewhere"

    in_threads(app, 1, rename)
    with transaction() as session:
        assert session.get_one(Group, 1).name == "elsewhere"


def test_it_sends_signals_after_the_commit_only(app: Flask, heard: tuple[Signal, list[int]]) -> None:
    signal, found = heard
    with transaction():
        with transaction():
            database.after_commit(signal, run_id=1)
        database.after_commit(signal, run_id=2)
        assert found == []
    assert found == [1, 2]


def test_it_sends_nothing_of_what_was_undone(app: Flask, heard: tuple[Signal, list[int]]) -> None:
    signal, found = heard
    with pytest.raises(RuntimeError), transaction():
        database.after_commit(signal, run_id=1)
        raise RuntimeError
    with transaction():
        pass
    assert found == []


def test_a_listener_may_write(app: Flask) -> None:
    signal = Signal()

    def listen() -> None:
        with transaction() as session:
            session.get_one(Group, 1).name = "by the listener"

    signal.connect(listen)
    with transaction():
        database.after_commit(signal)
    assert db.session.get_one(Group, 1).name == "by the listener"


def test_it_lets_the_next_writer_in_after_a_failure(app: Flask) -> None:
    with pytest.raises(RuntimeError), transaction():
        raise RuntimeError

    def rename() -> None:
        with transaction() as session:
            session.get_one(Group, 1).name = "let in"

    assert in_threads(app, 1, rename) == []
    assert db.session.get_one(Group, 1).name == "let in"


def test_it_refuses_an_instant_without_a_zone(app: Flask) -> None:
    with pytest.raises(StatementError, match="no time zone"), transaction() as session:
        session.get_one(Group, 1).created_at = datetime(2026, 3, 2, 12)


@pytest.mark.parametrize("offset", [0, 8, -5])
def test_it_gives_instants_back_in_utc(app: Flask, offset: int) -> None:
    moment = datetime(2026, 3, 2, 12, 30, 15, 123456, timezone(timedelta(hours=offset)))
    with transaction() as session:
        session.get_one(Group, 1).created_at = moment
    found = db.session.get_one(Group, 1).created_at
    assert found == moment
    assert found.tzinfo is UTC


def test_it_makes_what_programs_print_storable() -> None:
    assert storable({"a\0": ["\ud800", 5, None]}) == {"a\N{REPLACEMENT CHARACTER}": ["?", 5, None]}


def test_it_keeps_foreign_keys(app: Flask) -> None:
    if db.engine.dialect.name == "sqlite":
        assert db.session.execute(db.text("PRAGMA foreign_keys")).scalar() == 1
        assert db.session.execute(db.text("PRAGMA synchronous")).scalar() == 2
        assert db.session.execute(db.text("PRAGMA journal_mode")).scalar() == "wal"


def test_json_that_many_rows_share_is_parsed_once(app: Flask) -> None:
    if db.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL's driver parses")
    first, second = make_task(), make_task()
    query = select(shared(table(Task).c.policy)).where(table(Task).c.id.in_([first.id, second.id]))
    one, other = db.session.connection().execute(query).scalars()
    assert one is other and one == first.policy
