"""One task for one `Idempotency-Key`, however often the request comes."""

import pytest

from scheduler.accounts.models import User
from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db
from scheduler.errors import Conflict
from scheduler.tasks import once, trash
from scheduler.tasks.models import Task
from tests.conftest import FrozenClock
from tests.factories import as_actor

VALUES = {"name": "sync", "command": "true"}


def test_the_same_key_makes_one_task(edith: User) -> None:
    first, second = (once.create(as_actor(edith), VALUES, "a") for _ in range(2))
    assert first.id == second.id and db.session.query(Task).count() == 1


def test_a_key_means_one_request_only(edith: User) -> None:
    once.create(as_actor(edith), VALUES, "a")
    with pytest.raises(Conflict, match="Idempotency-Key"):
        once.create(as_actor(edith), {**VALUES, "name": "other"}, "a")


def test_another_users_key_is_another(edith: User, ada: User) -> None:
    once.create(as_actor(edith), VALUES, "a")
    with pytest.raises(Conflict, match="name"):
        once.create(as_actor(ada), VALUES, "a")


def test_a_failed_request_leaves_the_key_free(edith: User) -> None:
    once.create(as_actor(edith), VALUES)
    with pytest.raises(Conflict):
        once.create(as_actor(edith), VALUES, "a")
    assert once.create(as_actor(edith), {**VALUES, "name": "other"}, "a").name == "other"


def test_a_task_deleted_since_is_not_made_again_within_a_week(edith: User, clock: FrozenClock) -> None:
    task = once.create(as_actor(edith), VALUES, "a")
    trash.remove(SYSTEM, task.id)
    with pytest.raises(Conflict):
        once.create(as_actor(edith), VALUES, "a")
    clock.move(days=7, seconds=1)
    assert once.create(as_actor(edith), VALUES, "a").id != task.id
