"""Pages about runs ask the database as often for many rows as for few."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from scheduler.database import db
from tests.factories import make_run, make_task, perform
from tests.web.forms import HTMX


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield asked
    event.remove(db.engine, "before_cursor_execute", note)


PATHS = ("/runs", "/tasks/{task}", "/tasks/{task}?tab=audit", "/tasks/{task}/history", "/runs/{run}", "/runs.csv")


@pytest.mark.parametrize("path", PATHS)
def test_a_page_asks_as_often_for_many_rows(sign_in: Callable[[str], FlaskClient], path: str) -> None:
    browser, task = sign_in("victor"), make_task()
    run = perform(make_run(task), 2)
    address = path.format(task=task.id, run=run.id)
    browser.get(address)
    with statements() as few:
        browser.get(address).get_data()
    for number in range(12):
        perform(make_run(task if number % 2 else make_task(tags=["x"])), number % 3)
    with statements() as many:
        browser.get(address).get_data()
    assert len(many) <= len(few) + 1 <= 20, "\n".join(many)


def test_a_refresh_without_news_asks_little(sign_in: Callable[[str], FlaskClient]) -> None:
    browser, task = sign_in("victor"), make_task()
    perform(make_run(task))
    address = f"/tasks/{task.id}"
    page = browser.get(address).text
    seen = page.partition("seen=")[2].partition('"')[0]
    with statements() as asked:
        assert browser.get(f"{address}?seen={seen}", headers=HTMX).status_code == 204
    assert len(asked) <= 8, "\n".join(asked)
