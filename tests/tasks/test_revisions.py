"""The versions of a task: one for each edit, in its transaction; compared, and brought back with its secrets."""

from typing import Any

import pytest

from scheduler.accounts.models import User
from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db
from scheduler.errors import Conflict, Forbidden, Invalid, NotFound
from scheduler.kinds import kinds
from scheduler.tasks import contents, definitions, groups, revisions, trash, versions
from scheduler.tasks.models import Task, TaskRevision
from scheduler.vault import MASK
from tests.factories import as_actor, make_group, make_task

CALL = {"type": "http", "url": "https://example.org/", "auth": {"type": "bearer", "token": "canary-7"}}


def history(task: Task) -> list[tuple[int, str, str]]:
    return [(one.version, one.actor_name, one.action) for one in revisions.listed(task, 0, 50)[0]]


def differing(task: Task, one: int, other: int) -> dict[str, tuple[Any, Any]]:
    found = revisions.compared(SYSTEM, task, revisions.found(task, one), revisions.found(task, other))
    return {change.field: (change.before, change.after) for change in found}


def test_every_edit_keeps_who_when_and_what(edith: User, clock: Any) -> None:
    task = make_task(as_actor(edith), name="sync", cron="0 2 * * *")
    clock.move(minutes=1)
    definitions.edit(SYSTEM, task.id, {"priority": 5})
    definitions.disable(SYSTEM, task.id)
    trash.remove(SYSTEM, task.id)
    trash.restore(SYSTEM, task.id)
    assert history(task) == [
        (4, "system", "task.restore"),
        (3, "system", "task.disable"),
        (2, "system", "task.edit"),
        (1, "edith", "task.create"),
    ]
    assert revisions.found(task, 2).at == clock.now() and differing(task, 1, 2) == {"priority": (0, 5)}


def test_an_edit_that_fails_keeps_nothing(app: object) -> None:
    task = make_task()
    with pytest.raises(Invalid):
        definitions.edit(SYSTEM, task.id, {"timeout_seconds": 0})
    assert [version for version, _, _ in history(task)] == [1]


def test_it_brings_back_all_of_a_version_but_whether_it_is_enabled(app: object) -> None:
    task = make_task(name="sync", command="old", env={"A": "1"}, tags=["x"], cron="0 2 * * *", retry_count=3)
    changes = {"name": "new", "command": "new", "env": {}, "tags": [], "retry_count": 0, "schedule_type": "manual"}
    definitions.edit(SYSTEM, task.id, changes | {"schedule_config": None, "is_active": False})
    revisions.restore(SYSTEM, task, 1)
    assert differing(task, 1, 3) == {"is_active": (True, False)} and task.version == 3


def test_it_brings_back_another_type_without_a_rest_of_the_present_one(app: object) -> None:
    task = make_task(name="sync", command="old")
    definitions.edit(SYSTEM, task.id, {"type": "python", "code": "print(1)"})
    revisions.restore(SYSTEM, task, 1)
    assert (task.kind, task.content) == ("shell", {"command": "old"})


def test_a_date_stays_a_date(app: object) -> None:
    task = make_task(schedule_type="date", schedule_config="2027-01-01T00:00:00Z")
    definitions.edit(SYSTEM, task.id, {"schedule_type": "cron", "schedule_config": "0 2 * * *"})
    revisions.restore(SYSTEM, task, 1)
    assert task.schedule_word == "date"


def test_secrets_are_sealed_masked_and_brought_back(app: object) -> None:
    task = make_task(**CALL)
    definitions.edit(SYSTEM, task.id, {"auth": {"type": "bearer", "token": "other"}})
    stored = str([row.values for row in db.session.query(TaskRevision)])
    shown = revisions.shown(SYSTEM, task, revisions.found(task, 1))
    assert "canary-7" not in stored + str(shown) and shown["auth"]["token"] == MASK
    assert set(differing(task, 1, 2)) == {"auth"}
    revisions.restore(SYSTEM, task, 1)
    assert contents.opened(kinds.get("http"), task.content)["auth"]["token"] == "canary-7"
    assert differing(task, 1, 3) == {}


def test_environment_values_are_for_editors(app: object, victor: User, edith: User) -> None:
    task = make_task(env={"KEY": "value"})
    one = revisions.found(task, 1)
    assert revisions.shown(as_actor(edith), task, one)["env"] == {"KEY": "value"}
    assert revisions.shown(as_actor(victor), task, one)["env"] == {"KEY": MASK}


def test_tasks_one_may_not_see_stay_numbers(app: object, mallory: User) -> None:
    hidden, group = make_task(name="hidden"), make_group("open")
    task = make_task(group="open", depends_on=["hidden"])
    groups.grant(SYSTEM, group, mallory.id, "editor")
    one = revisions.found(task, 1)
    assert revisions.shown(SYSTEM, task, one)["depends_on"] == ["hidden"]
    assert revisions.shown(as_actor(mallory), task, one)["depends_on"] == [str(hidden.id)]


def test_only_editors_go_back_and_only_to_what_is_there(app: object, oscar: User) -> None:
    task = make_task()
    with pytest.raises(Forbidden):
        revisions.restore(as_actor(oscar), task, 1)
    with pytest.raises(NotFound):
        revisions.restore(SYSTEM, task, 9)
    with pytest.raises(Conflict):
        revisions.restore(SYSTEM, task, 1, seen=7)


def test_a_name_taken_meanwhile_is_a_conflict_and_nothing_changes(app: object) -> None:
    task = make_task(name="sync")
    definitions.edit(SYSTEM, task.id, {"name": "sync two"})
    make_task(name="sync", key="another")
    with pytest.raises(Conflict):
        revisions.restore(SYSTEM, task, 1)
    assert task.name == "sync two" and len(history(task)) == 2


def test_only_so_many_are_kept(app: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "MOST", 3)
    task = make_task()
    for priority in range(1, 6):
        definitions.edit(SYSTEM, task.id, {"priority": priority})
    assert [version for version, _, _ in history(task)] == [6, 5, 4]
