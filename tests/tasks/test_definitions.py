"""The verbs that change a task, as people and programs use them, and as they misuse them."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from scheduler import signals
from scheduler.accounts.models import AuditEntry, Grant
from scheduler.database import db
from scheduler.errors import Conflict, Forbidden, Invalid, NotFound
from scheduler.tasks import definitions, trash
from scheduler.tasks.models import Tag, Task
from scheduler.vault import MASK
from tests.conftest import FrozenClock
from tests.factories import SYSTEM, as_actor, at, make_group, make_run, make_task, perform
from tests.threads import in_threads

pytestmark = pytest.mark.usefixtures("app")

HTTP = {"type": "http", "url": "https://example.com/", "auth": {"type": "basic", "username": "me", "password": "hunter2"}}
HOURLY = {"schedule_type": "interval", "schedule_config": {"interval": 1, "unit": "hours"}}


def refused(task: Task, **changes: Any) -> set[str]:
    with pytest.raises((Invalid, Conflict)) as error:
        definitions.edit(SYSTEM, task.id, changes)
    db.session.rollback()
    return {problem.field for problem in error.value.problems}


def edit(task: Task, **changes: Any) -> Task:
    return definitions.edit(SYSTEM, task.id, changes)


def test_it_creates_a_task_with_all_it_was_given(clock: FrozenClock, edith: Any) -> None:
    task = make_task(as_actor(edith), name="Nightly", cron="0 2 * * *", tags=["b", "a"], env={"A": "1"}, retry_count=3)
    assert (task.key, task.owner_id, task.group_id, task.version) == ("nightly", edith.id, 1, 1)
    assert ([tag.name for tag in task.tags], task.env, task.policy["retry_count"]) == (["a", "b"], {"A": "1"}, 3)
    assert (task.next_run_at, task.created_at) == (at("2026-03-03T02:00"), clock.at)


def test_it_tells_after_the_commit() -> None:
    heard: list[int] = []

    def listen(task_id: int) -> None:
        heard.append(task_id)

    with signals.task_changed.connected_to(listen):
        task = make_task()
        edit(task, description="x")
        definitions.disable(SYSTEM, task.id)
    assert heard == [task.id] * 3


def test_it_saves_nothing_of_what_is_refused() -> None:
    with pytest.raises(Invalid):
        make_task(name="half", timeout_seconds=0)
    assert db.session.scalars(db.select(Task)).all() == []


@pytest.mark.parametrize("field", ["name", "key"])
def test_it_refuses_a_name_or_a_key_that_is_taken(field: str) -> None:
    make_task(name="one", key="one")
    with pytest.raises(Conflict) as error:
        make_task(**{"name": "two", "key": "two", field: "one"})
    assert [problem.field for problem in error.value.problems] == [field]


def test_the_trash_gives_names_and_keys_back() -> None:
    trash.remove(SYSTEM, make_task(name="one", key="one").id)
    assert make_task(name="one", key="one").key == "one"


def test_it_finds_a_free_key_for_names_that_read_alike() -> None:
    assert [make_task(name=name).key for name in ("Back up", "back up!", "Back-up")] == ["back-up", "back-up-2", "back-up-3"]


def test_two_that_take_a_name_at_once_do_not_both_get_it(app: Flask) -> None:
    failures = in_threads(app, 4, lambda: make_task(name="one") and None)
    assert [type(failure) for failure in failures] == [Conflict] * 3


def test_an_edit_keeps_what_it_does_not_name() -> None:
    task = make_task(cron="0 2 * * *", tags=["a"], env={"A": "1"}, params={"P": "2"}, retry_count=3, metadata={"m": 1})
    before = definitions.written(task)
    after = definitions.written(edit(task, description="new"))
    assert {name for name in before if before[name] != after[name]} == {"description"}


@pytest.mark.parametrize("key", ["", None])
def test_an_edit_never_loses_the_key(key: str | None) -> None:
    task = make_task(key="mine")
    try:
        edit(task, key=key)
    except Invalid:
        db.session.rollback()
    assert task.key == "mine"


def test_an_edit_against_an_old_version_saves_nothing() -> None:
    task = make_task()
    definitions.edit(SYSTEM, task.id, {"description": "first"}, version=1)
    with pytest.raises(Conflict) as error:
        definitions.edit(SYSTEM, task.id, {"description": "second"}, version=1)
    assert [problem.field for problem in error.value.problems] == ["version"]
    assert (task.description, task.version) == ("first", 2)


def test_of_many_edits_of_one_version_one_is_saved(app: Flask) -> None:
    task_id = make_task().id
    failures = in_threads(app, 6, lambda: definitions.edit(SYSTEM, task_id, {"description": "mine"}, version=1) and None)
    assert [type(failure) for failure in failures] == [Conflict] * 5


def test_another_type_drops_the_content_of_the_old_one() -> None:
    task = edit(make_task(command="echo old"), type="python", code="print('new')")
    assert (task.kind, task.content) == ("python", {"code": "print('new')"})
    assert refused(task, type="shell") == {"command"}


def test_the_same_type_in_capitals_is_the_same_type() -> None:
    task = edit(make_task(command="echo old"), type="SHELL", description="x")
    assert (task.kind, task.content) == ("shell", {"command": "echo old"})


def test_tags_are_replaced_not_added() -> None:
    task = edit(make_task(tags=["a", "b"]), tags=["b", "c"])
    assert [tag.name for tag in task.tags] == ["b", "c"]
    edit(task, tags=[])
    assert db.session.scalars(db.select(Tag)).all() == []


def test_secrets_lie_sealed_in_the_file(app: Flask, instance: Path) -> None:
    task = make_task(**HTTP)
    edit(task, description="another")
    db.session.rollback()
    assert task.content["auth"]["password"] != "hunter2"
    assert "hunter2" not in str(definitions.written(task))
    for file in instance.glob("test.db*"):
        assert b"hunter2" not in file.read_bytes()


def test_a_secret_survives_the_mask_that_comes_back() -> None:
    task = make_task(**HTTP)
    sealed = definitions.contents.opened(definitions.kinds.get("http"), task.content)["auth"]["password"]
    edit(task, auth={"type": "basic", "username": "you", "password": MASK})
    opened = definitions.contents.opened(definitions.kinds.get("http"), task.content)
    assert (opened["auth"]["username"], opened["auth"]["password"]) == ("you", sealed)


def test_what_the_audit_log_keeps_names_who_and_what_without_secrets(edith: Any) -> None:
    task = make_task(as_actor(edith), **HTTP)
    definitions.edit(as_actor(edith), task.id, {"description": "new"})
    created, edited = db.session.scalars(db.select(AuditEntry).order_by(AuditEntry.id)).all()
    assert (created.action, created.actor_name, edited.action) == ("task.create", "edith", "task.edit")
    assert (edited.before, edited.after) == ({"description": ""}, {"description": "new"})
    assert "hunter2" not in str(created.after)


def test_a_clone_rests_has_its_own_name_and_the_same_secrets() -> None:
    task = make_task(name="one", cron="0 2 * * *", tags=["a"], retry_count=3, **HTTP)
    perform(make_run(task))
    copy = definitions.clone(SYSTEM, task.id, "two")
    assert (copy.name, copy.key, copy.enabled, copy.next_run_at, copy.total_count) == ("two", "two", False, None, 0)
    kind = definitions.kinds.get("http")
    assert definitions.contents.opened(kind, copy.content) == definitions.contents.opened(kind, task.content)
    assert ([tag.name for tag in copy.tags], copy.policy) == (["a"], task.policy)


def test_a_single_date_that_has_passed_can_be_cloned(clock: FrozenClock) -> None:
    task = make_task(schedule_type="once", schedule_config="2026-03-02T12:05:00Z")
    clock.move(hours=1)
    copy = definitions.clone(SYSTEM, task.id, "again")
    with pytest.raises(Invalid):
        definitions.enable(SYSTEM, copy.id)
    db.session.rollback()
    assert edit(copy, schedule_config="2026-03-02T14:00:00Z", is_active=True).next_run_at == at("2026-03-02T14:00")


def test_it_rests_and_goes_on_from_now(clock: FrozenClock) -> None:
    task = make_task(cron="0 * * * *")
    assert definitions.disable(SYSTEM, task.id).next_run_at is None
    clock.move(hours=5, minutes=30)
    assert definitions.enable(SYSTEM, task.id).next_run_at == at("2026-03-02T18:00")


def test_to_enable_what_is_enabled_changes_nothing() -> None:
    task = make_task(cron="0 * * * *")
    assert definitions.enable(SYSTEM, task.id).version == 1


def test_an_interval_begins_one_period_after_it_was_enabled(clock: FrozenClock) -> None:
    assert make_task(**HOURLY).next_run_at == at("2026-03-02T13:00")


def test_an_interval_goes_on_from_its_last_run_after_a_pause(clock: FrozenClock) -> None:
    task = make_task(**HOURLY)
    clock.move(minutes=1)
    perform(make_run(task))
    definitions.disable(SYSTEM, task.id)
    clock.move(minutes=30)
    assert definitions.enable(SYSTEM, task.id).next_run_at == at("2026-03-02T13:01")
    definitions.disable(SYSTEM, task.id)
    clock.move(hours=3)
    assert definitions.enable(SYSTEM, task.id).next_run_at == clock.at + (at("2026-03-02T13:00") - at("2026-03-02T12:00"))


def test_an_interval_begins_at_its_start(clock: FrozenClock) -> None:
    assert make_task(**HOURLY, start_at="2026-03-05T08:00:00Z").next_run_at == at("2026-03-05T08:00")


def test_an_edit_beside_the_schedule_leaves_the_next_time_alone(clock: FrozenClock) -> None:
    task = make_task(**HOURLY)
    clock.move(minutes=20)
    assert edit(task, description="x").next_run_at == at("2026-03-02T13:00")
    assert edit(task, schedule_config={"interval": 2, "unit": "hours"}).next_run_at == at("2026-03-02T14:20")


def test_a_task_that_has_used_up_its_runs_is_never_due_again(clock: FrozenClock) -> None:
    task = make_task(cron="0 * * * *", max_runs=5)
    task.ticks = 5
    db.session.commit()
    definitions.disable(SYSTEM, task.id)
    assert definitions.enable(SYSTEM, task.id).next_run_at is None
    assert edit(task, max_runs=6).next_run_at == at("2026-03-02T13:00")


def test_a_task_without_content_needs_a_group_that_has_one() -> None:
    with pytest.raises(Invalid) as error:
        definitions.create(SYSTEM, {"name": "bare"})
    assert [problem.field for problem in error.value.problems] == ["command"]
    make_group("ops", default_content={"type": "shell", "command": "true"})
    task = definitions.create(SYSTEM, {"name": "bare", "group": "ops"})
    assert task.kind is None
    assert refused(task, group="default") == {"command"}


@pytest.mark.parametrize("group", ["nowhere", 99, 10**30, "9" * 30, ["x"], "a\0b"])
def test_it_refuses_a_group_that_is_not_there(group: Any) -> None:
    with pytest.raises(Invalid) as error:
        make_task(group=group)
    assert "group" in {problem.field for problem in error.value.problems}


def test_it_lets_only_those_change_tasks_who_may(edith: Any, oscar: Any, victor: Any) -> None:
    task = make_task(cron="0 * * * *")
    for who in (oscar, victor):
        for verb in (lambda actor: make_task(actor), lambda actor: definitions.edit(actor, task.id, {"description": "x"})):
            with pytest.raises(Forbidden):
                verb(as_actor(who))
            db.session.rollback()
    definitions.disable(as_actor(oscar), task.id)
    with pytest.raises(Forbidden):
        definitions.enable(as_actor(victor), task.id)


def test_a_stranger_learns_nothing(mallory: Any) -> None:
    task = make_task()
    for task_id in (task.id, 99):
        with pytest.raises(NotFound):
            definitions.edit(as_actor(mallory), task_id, {})
        with pytest.raises(NotFound):
            definitions.clone(as_actor(mallory), task_id, "x")
        db.session.rollback()


def test_nobody_moves_a_task_into_a_group_they_do_not_see(mallory: Any) -> None:
    make_group("foreign")
    own = make_group("own").id
    mallory.grants.append(Grant(group_id=own, role="editor"))
    db.session.commit()
    task = make_task(as_actor(mallory), group="own")
    with pytest.raises(Invalid) as error:
        definitions.edit(as_actor(mallory), task.id, {"group": "foreign"})
    assert [problem.field for problem in error.value.problems] == ["group"]


def test_nobody_moves_a_task_into_a_group_they_may_not_write_to(oscar: Any) -> None:
    make_group("readable")
    own = make_group("own").id
    oscar.grants.append(Grant(group_id=own, role="editor"))
    db.session.commit()
    task = make_task(as_actor(oscar), group="own")
    with pytest.raises(Forbidden):
        definitions.edit(as_actor(oscar), task.id, {"group": "readable"})
