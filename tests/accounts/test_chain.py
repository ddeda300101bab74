"""The audit log as a chain: what was changed or removed in the database behind our back is named."""

import json
from collections.abc import Iterator
from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, insert, update

from scheduler.accounts import audit, chain
from scheduler.accounts.models import AuditEntry, User
from scheduler.accounts.permissions import Actor, actor_of
from scheduler.database import db, table, transaction
from tests.threads import in_threads

AUDIT = table(AuditEntry)
CONTENT = {
    "whole": 1.0,
    "share": 0.1,
    "tiny": 1e-7,
    "huge": 1e300,
    "text": "任务 é",
    "none": None,
    "list": [True, {"b": 2, "a": 1}],
}


@pytest.fixture
def entries(ada: User) -> Iterator[list[int]]:
    """The numbers of five entries, with all that content can be."""
    for number in range(5):
        write(actor_of(ada, "192.0.2.1"), number)
    yield [entry.id for entry in reversed(audit.entries(actor_of(ada)))]


def write(actor: Actor, number: int) -> None:
    with transaction():
        audit.record(actor, "task.edit", ("task", number, "备份"), before={"was": number}, after=CONTENT)


def behind_our_back(statement: object) -> None:
    db.session.execute(statement)  # type: ignore[call-overload]
    db.session.commit()


def test_what_nobody_touched_is_whole(entries: list[int]) -> None:
    assert chain.broken() is None


CHANGES: list[dict[str, object]] = [
    {"actor_name": "eve"}, {"object_id": "9"}, {"after": {"whole": 2}}, {"before": None}, {"address": ""},
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_entry_is_named(entries: list[int], change: dict[str, object]) -> None:
    behind_our_back(update(AUDIT).where(AUDIT.c.id == entries[2]).values(change))
    assert chain.broken() == entries[2]


def test_after_an_entry_that_is_gone_the_next_is_named(entries: list[int]) -> None:
    behind_our_back(delete(AUDIT).where(AUDIT.c.id == entries[1]))
    assert chain.broken() == entries[2]


def test_the_first_cannot_go_unnoticed(entries: list[int]) -> None:
    behind_our_back(delete(AUDIT).where(AUDIT.c.id <= entries[0]))
    assert chain.broken() == entries[1]


def test_nobody_without_the_key_can_add_one(entries: list[int]) -> None:
    row = db.session.execute(AUDIT.select().where(AUDIT.c.id == entries[4])).one()._asdict()
    behind_our_back(insert(AUDIT).values(row | {"id": entries[4] + 1}))
    assert chain.broken() == entries[4] + 1


def test_who_writes_at_the_same_time_writes_one_chain(app: Flask, ada: User) -> None:
    actor = actor_of(ada)
    assert in_threads(app, 8, lambda: write(actor, 1)) == []
    db.session.rollback()
    assert (len(audit.entries(actor)), chain.broken()) == (8, None)


NUMBERS = st.integers() | st.floats(-1e300, 1e300)
VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | NUMBERS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(VALUES)
def test_a_seal_does_not_hang_on_how_a_database_writes_numbers(value: object) -> None:
    assert chain._even(value) == chain._even(json.loads(json.dumps(value), parse_float=written_in_full))


def written_in_full(text: str) -> int | float:
    return int(Decimal(text)) if float(text).is_integer() else float(text)
