"""Statements that write many rows: they leave what SQLAlchemy's own way would, on every database."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from scheduler.database import db, table, transaction
from scheduler.prepared import Prepared
from scheduler.runs.models import Ending, Run
from scheduler.tasks.models import Task
from tests.factories import make_task

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def run_values(task: Task, key: str, **more: Any) -> dict[str, Any]:
    """What the table asks of a run at least."""
    known = {"public_id": key, "task_id": task.id, "task_version": 1, "cause": "manual", "cause_key": key, "status": "pending"}
    return known | {"group_id": task.group_id, "scheduled_at": AT, "queued_at": AT} | more


def kept(key: str) -> dict[str, Any]:
    """The row as it is read again, but for what tells rows apart."""
    row = db.session.execute(select(table(Run)).where(table(Run).c.public_id == key)).one()._asdict()
    return {name: value for name, value in row.items() if name not in ("id", "public_id", "cause_key")}


def write(statement: Prepared, rows: list[dict[str, Any]]) -> None:
    with transaction() as session:
        statement.execute(session.connection(), rows)


def test_it_inserts_what_sqlalchemy_would(app: Flask) -> None:
    more = {"reason": {"code": "stopped", "by": "张三"}, "upstream": None, "late": True, "started_at": None}
    task = make_task()
    with transaction() as session:
        session.connection().execute(insert(table(Run)), [run_values(task, "theirs", **more)])
    write(Prepared(insert(table(Run))), [run_values(task, "ours", **more)])
    assert kept("ours") == kept("theirs")


def test_it_takes_many_rows_and_several_sets_of_names(app: Flask) -> None:
    statement = Prepared(insert(table(Ending)))
    one = {"run_id": 1, "task_id": 2, "status": "success", "at": AT}
    write(statement, [one, one | {"run_id": 2}])
    write(statement, [one | {"run_id": 3, "count": 7}])
    found = db.session.execute(select(Ending.run_id, Ending.count).order_by(Ending.run_id)).all()
    assert found == [(1, 1), (2, 1), (3, 7)]


def test_it_changes_the_rows_that_are_named(app: Flask) -> None:
    task, other = make_task(), make_task()
    statement = Prepared(update(table(Task)).where(table(Task).c.id == bindparam("task")))
    write(statement, [{"task": task.id, "next_run_at": AT, "policy": {"grace": [1, None]}}])
    db.session.expire_all()
    assert (task.next_run_at, task.policy) == (AT, {"grace": [1, None]})
    assert other.policy != task.policy


def test_it_keeps_instants_in_utc_and_refuses_those_without_a_zone(app: Flask) -> None:
    statement = Prepared(insert(table(Ending)))
    one = {"run_id": 1, "task_id": 2, "status": "success"}
    write(statement, [one | {"at": AT.astimezone(timezone(timedelta(hours=8)))}])
    assert db.session.scalars(select(Ending.at)).one() == AT
    with pytest.raises(ValueError, match="no time zone"):
        write(statement, [one | {"at": AT.replace(tzinfo=None)}])


def test_without_rows_it_does_nothing(app: Flask) -> None:
    write(Prepared(update(table(Task))), [])


def test_one_bad_row_undoes_all(app: Flask) -> None:
    task = make_task()
    with pytest.raises(IntegrityError):
        write(Prepared(insert(table(Run))), [run_values(task, "once"), run_values(task, "once")])
    assert db.session.scalars(select(Run.id)).all() == []
