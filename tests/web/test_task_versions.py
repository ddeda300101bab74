"""The versions of a task on its page."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db
from scheduler.tasks import definitions, queries
from scheduler.tasks.models import Task
from tests.factories import make_task
from tests.web.forms import text_of
from tests.web.test_account import send

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def task(app: object) -> Task:
    """A task whose command was changed once."""
    task = make_task(name="sync", command="old")
    return definitions.edit(SYSTEM, task.id, {"command": "new"})


def test_it_shows_who_changed_what(sign_in: SignIn, task: Task) -> None:
    page = text_of(sign_in("victor").get(f"/tasks/{task.id}?tab=versions"))
    assert "<del>old</del>" in page and "<ins>new</ins>" in page and "Created it" in page
    assert "/revisions/1/restore" not in page


def test_it_brings_one_back(sign_in: SignIn, task: Task) -> None:
    client = sign_in("edith")
    assert send(client, f"/tasks/{task.id}/revisions/1/restore", version="2")[0] == 303
    assert queries.find(SYSTEM, "sync").content == {"command": "old"}
    assert "as a new version" in text_of(client.get(f"/tasks/{task.id}?tab=versions"))


@pytest.mark.parametrize("version", ["1", "", "x"])
def test_it_refuses_when_the_task_has_moved_on(sign_in: SignIn, task: Task, version: str) -> None:
    client = sign_in("edith")
    send(client, f"/tasks/{task.id}/revisions/1/restore", version=version)
    assert "Somebody else changed it meanwhile" in text_of(client.get(f"/tasks/{task.id}?tab=versions"))
    assert queries.find(SYSTEM, "sync").content == {"command": "new"}


@pytest.mark.parametrize(("name", "status"), [("oscar", 403), ("mallory", 403)])
def test_it_is_for_editors(sign_in: SignIn, task: Task, name: str, status: int) -> None:
    assert send(sign_in(name), f"/tasks/{task.id}/revisions/1/restore", version="2")[0] == status


def test_it_pages_through_many(sign_in: SignIn, task: Task) -> None:
    for priority in range(1, 25):
        definitions.edit(SYSTEM, task.id, {"priority": priority})
    db.session.commit()
    client = sign_in("ada")
    newest, oldest = (text_of(client.get(f"/tasks/{task.id}?tab=versions{page}")) for page in ("", "&page=2"))
    assert "page=2" in newest and "<del>old</del>" not in newest and "<del>old</del>" in oldest
