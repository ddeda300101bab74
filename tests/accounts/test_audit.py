"""What the audit log keeps, what it hides, and who may read it."""

from datetime import UTC, datetime

import pytest

from scheduler.accounts import audit
from scheduler.accounts.audit import Wanted
from scheduler.accounts.models import AuditEntry, User
from scheduler.accounts.permissions import actor_of
from scheduler.database import db, transaction
from tests.conftest import FrozenClock


def write(user: User, action: str = "task.edit", id: object = 1, **more: object) -> AuditEntry:
    with transaction():
        audit.record(actor_of(user, "192.0.2.1"), action, ("task", id, "backup"), **more)  # type: ignore[arg-type]
    return audit.entries(actor_of(user))[0]


def test_it_says_who_when_from_where_and_what(ada: User, clock: FrozenClock) -> None:
    entry = write(ada)
    assert (entry.actor_id, entry.actor_name, entry.address, entry.at) == (ada.id, "ada", "192.0.2.1", clock.now())
    assert (entry.action, entry.object_type, entry.object_id, entry.object_name) == ("task.edit", "task", "1", "backup")


def test_it_keeps_of_a_change_only_what_differs(ada: User) -> None:
    entry = write(ada, before={"name": "a", "timeout": 1, "gone": 1}, after={"name": "a", "timeout": 2, "came": None})
    assert entry.before == {"timeout": 1, "gone": 1} and entry.after == {"timeout": 2, "came": None}


NAMES = ["password", "smtp_password", "DB_PASSWD", "secret", "clientSecret", "api_key", "X-API-Key", "token", "Authorization"]


@pytest.mark.parametrize("name", NAMES)
def test_it_masks_what_goes_by_the_name_of_a_secret(ada: User, name: str) -> None:
    entry = write(ada, after={name: "hunter2", "env": {name: "hunter2"}, "list": [{name: "hunter2"}]})
    assert "hunter2" not in str(entry.after) and entry.after and entry.after[name] == "********"


def test_it_keeps_that_a_secret_changed_but_not_to_what(ada: User) -> None:
    entry = write(ada, before={"password": "one"}, after={"password": "two"})
    assert entry.before == entry.after == {"password": "********"}


def test_it_writes_values_of_any_kind(ada: User) -> None:
    entry = write(ada, after={"at": datetime(2026, 1, 1, tzinfo=UTC), "set": {1}, "one_time_password": True, "nul": "a\0b"})
    assert entry.after == {"at": "2026-01-01T00:00:00+00:00", "set": [1], "one_time_password": True, "nul": "ab"}


def test_it_is_undone_with_the_change_it_is_about(ada: User) -> None:
    with pytest.raises(ZeroDivisionError), transaction():
        audit.record(actor_of(ada), "task.edit", ("task", 1, "backup"))
        1 / 0  # noqa: B018
    assert not audit.entries(actor_of(ada))


def test_it_shows_all_to_administrators_and_to_everybody_else_their_own_acts(ada: User, edith: User) -> None:
    write(ada)
    write(edith)
    assert len(audit.entries(actor_of(ada))) == 2
    assert [entry.actor_name for entry in audit.entries(actor_of(edith))] == ["edith"]


def test_it_finds_by_actor_action_thing_and_time(ada: User, edith: User, clock: FrozenClock) -> None:
    write(ada, "task.edit", 1)
    later = clock.move(minutes=1)
    write(edith, "task.run", 2)
    boss = actor_of(ada)
    second = Wanted(object_type="task", object_id="2")
    for wanted in (Wanted(actor_id=edith.id), Wanted(action="task.run"), second, Wanted(since=later)):
        assert [entry.actor_name for entry in audit.entries(boss, wanted)] == ["edith"]
    assert [entry.actor_name for entry in audit.entries(boss, Wanted(until=later))] == ["ada"]


def test_it_goes_back_page_by_page(ada: User) -> None:
    ids = [write(ada).id for _ in range(5)]
    newest = audit.entries(actor_of(ada), most=2)
    assert [entry.id for entry in newest] == ids[:-3:-1]
    assert [entry.id for entry in audit.entries(actor_of(ada), before=newest[-1].id, most=9)] == ids[2::-1]


def test_it_outlives_the_user(ada: User, edith: User) -> None:
    write(edith)
    db.session.delete(edith)
    db.session.commit()
    assert [entry.actor_name for entry in audit.entries(actor_of(ada))] == ["edith"]
