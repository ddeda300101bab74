"""Lists ask the same number of questions however long they are."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask.testing import FlaskClient
from sqlalchemy import event

from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db
from scheduler.runs import ledger, lifecycle
from tests.web.forms import task

SignIn = Callable[[str], FlaskClient]


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements sent to the database meanwhile."""
    statements: list[str] = []

    def keep(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", keep)
    try:
        yield statements
    finally:
        event.remove(db.engine, "before_cursor_execute", keep)


def asked(client: FlaskClient, path: str) -> int:
    client.get(path)
    db.session.remove()
    with counted() as statements:
        assert client.get(path).status_code == 200
    return len(statements)


def fill(first: int, end: int) -> None:
    for number in range(first, end):
        run = ledger.request(SYSTEM, task(f"task {number}", tags=[f"tag {number}"]))
        if number % 2:
            lifecycle.claim([run.id])


def test_the_list_of_tasks_asks_no_more_for_fifty_than_for_five(sign_in: SignIn) -> None:
    client, paths = sign_in("edith"), ["/tasks", "/tasks/rows", "/tasks?q=task&status=running"]
    fill(0, 5)
    few = [asked(client, path) for path in paths]
    fill(5, 50)
    assert [asked(client, path) for path in paths] == few and max(few) <= 16
