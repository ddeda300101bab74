"""Secrets: put, replaced, shared with groups, named by their tasks, removed; a value lies sealed and comes out nowhere."""

from typing import Any

import pytest
from flask import Flask

from scheduler import vault
from scheduler.accounts import audit
from scheduler.accounts.models import Grant, User
from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db
from scheduler.errors import Conflict, Forbidden, Invalid, NotFound
from scheduler.tasks import definitions, groups, queries, revisions, secrets, trials
from scheduler.tasks.models import Secret, Task
from tests.conftest import NOON, FrozenClock
from tests.factories import as_actor, make_group, make_task

pytestmark = pytest.mark.usefixtures("app")

VALUE = "hunter2-canary"
TOKEN = "${secret:TOKEN}"


@pytest.fixture(autouse=True)
def token(app: Flask) -> Secret:
    return secrets.put(SYSTEM, "TOKEN", {"value": VALUE})


def refused(**values: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        make_task(**values)
    return {problem.field: str(problem) for problem in caught.value.problems}


def web(**values: Any) -> dict[str, Any]:
    return {"type": "http", "url": "https://example.org/", **values}


def test_it_lies_sealed_and_is_opened_for_a_run(token: Secret, clock: FrozenClock) -> None:
    assert VALUE not in token.sealed and token.last_used_at is None
    clock.move(hours=1)
    assert secrets.opened(1, "default", ["TOKEN"]) == {"TOKEN": VALUE}
    assert secrets.found(SYSTEM, "TOKEN").last_used_at == clock.now()


def test_one_that_names_no_group_is_for_the_group_of_tasks_that_name_none(token: Secret) -> None:
    assert [group.key for group in token.groups] == ["default"] and make_task(env={"T": TOKEN}).secrets == ["TOKEN"]


@pytest.mark.parametrize(("values", "field"), [
    ({}, "value"), ({"value": None}, "value"), ({"value": "abc"}, "value"), ({"value": "  a\n"}, "value"),
    ({"value": 5}, "value"), ({"value": vault.MASK}, "value"), ({"value": "a\0bc"}, "value"), ({"value": "你" * 11_000}, "value"),
    ({"value": VALUE, "groups": ["nowhere"]}, "groups"), ({"value": VALUE, "groups": [77]}, "groups"),
    ({"valeu": VALUE}, "valeu"),
])  # fmt: skip
def test_it_refuses_what_is_no_secret_by_field_and_repeats_no_value(values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        secrets.put(SYSTEM, "OTHER", values)
    assert {problem.field for problem in caught.value.problems} >= {field} and VALUE not in str(caught.value)
    assert len(secrets.listed(SYSTEM)) == 1


@pytest.mark.parametrize("name", ["", "1A", "a b", "a/b", "é", "A" * 65, ".x", "-x", "a}"])
def test_it_refuses_a_name_that_could_not_be_written(name: str) -> None:
    with pytest.raises(Invalid, match="name"):
        secrets.put(SYSTEM, name, {"value": VALUE})


def test_a_value_or_the_groups_are_replaced_each_alone(ada: User, clock: FrozenClock) -> None:
    make_group("ops")
    clock.move(hours=1)
    secrets.put(as_actor(ada), "TOKEN", {"groups": ["ops", "default"]})
    assert secrets.opened(1, "default", ["TOKEN"]) == {"TOKEN": VALUE}
    changed = secrets.put(as_actor(ada), "TOKEN", {"value": "another one"})
    assert secrets.opened(1, "default", ["TOKEN"]) == {"TOKEN": "another one"}
    assert [group.key for group in changed.groups] == ["default", "ops"]
    assert (changed.updated_by, changed.updated_at, changed.created_at) == ("ada", clock.now(), NOON)


def test_what_must_be_new_or_there_already_is() -> None:
    with pytest.raises(Conflict):
        secrets.put(SYSTEM, "TOKEN", {"value": VALUE}, fresh=True)
    with pytest.raises(NotFound):
        secrets.put(SYSTEM, "OTHER", {"value": VALUE}, fresh=False)


def test_each_change_is_in_the_audit_log_without_the_value(ada: User) -> None:
    secrets.put(as_actor(ada), "TOKEN", {"value": "another one"})
    secrets.remove(as_actor(ada), "TOKEN")
    known = audit.trail("secret", "1", ["secret.create", "secret.edit", "secret.delete"])
    assert [(entry.action, entry.actor_name) for entry in known][:2] == [("secret.delete", "ada"), ("secret.edit", "ada")]
    assert len(known) == 3 and not any(
        text in str([entry.before, entry.after]) for entry in known for text in (VALUE, "another one")
    )


def test_only_administrators_change_any(edith: User) -> None:
    for act in (lambda actor: secrets.put(actor, "TOKEN", {"value": "mine now"}), lambda actor: secrets.remove(actor, "TOKEN"),
                secrets.uses):  # fmt: skip
        with pytest.raises(Forbidden):
            act(as_actor(edith))
    assert secrets.opened(1, "default", ["TOKEN"]) == {"TOKEN": VALUE}


def test_one_sees_those_one_may_name(edith: User, oscar: User, mallory: User) -> None:
    ops = make_group("ops")
    secrets.put(SYSTEM, "OPS", {"value": VALUE, "groups": ["ops"]})
    secrets.put(SYSTEM, "NOBODYS", {"value": VALUE, "groups": []})
    mallory.grants = [Grant(group_id=ops.id, role="editor")]
    db.session.commit()
    assert [one.name for one in secrets.listed(SYSTEM)] == ["NOBODYS", "OPS", "TOKEN"]
    assert [one.name for one in secrets.listed(as_actor(edith))] == ["OPS", "TOKEN"]
    assert [one.name for one in secrets.listed(as_actor(mallory))] == ["OPS"]
    with pytest.raises(Forbidden):
        secrets.listed(as_actor(oscar))
    with pytest.raises(NotFound):
        secrets.found(as_actor(mallory), "TOKEN")


@pytest.mark.parametrize("values", [
    {"env": {"T": TOKEN}}, {"params": {"T": f"a{TOKEN}b"}}, web(url=f"https://example.org/?key={TOKEN}"), web(url=TOKEN),
    web(url=f"https://{TOKEN}.example.org:8443/"), web(headers={"Authorization": f"Bearer {TOKEN}"}), web(body=f'"{TOKEN}"'),
    web(auth={"type": "bearer", "token": TOKEN}), web(auth={"type": "basic", "username": TOKEN, "password": f"x{TOKEN}"}),
])  # fmt: skip
def test_a_task_names_it_where_a_value_may_stand(values: dict[str, Any]) -> None:
    assert make_task(**values).secrets == ["TOKEN"]
    secrets.remove(SYSTEM, "TOKEN")
    assert all("There is no secret “TOKEN”: make it on the page of secrets." in told for told in refused(**values).values())


@pytest.mark.parametrize(("values", "field"), [
    ({"command": f"echo {TOKEN}"}, "command"),
    ({"type": "python", "code": f"print('{TOKEN}')"}, "code"),
    ({"type": "script", "interpreter": "perl", "code": "1", "args": ["-x", TOKEN]}, "args.1"),
    ({"working_directory": f"/srv/{TOKEN}"}, "working_directory"),
])  # fmt: skip
def test_where_others_would_see_it_it_is_refused_with_the_way_out(values: dict[str, Any], field: str) -> None:
    told = refused(**values)
    assert list(told) == [field] and "MY_KEY=${secret:TOKEN}" in told[field]


def test_a_shells_own_braces_are_left_alone() -> None:
    assert make_task(command="echo ${secret:-none} ${secret:3} ${secret}").secrets == []


@pytest.mark.parametrize("written", ["${secret:}", "${secret:a b}", "x${secret:1}"])
def test_what_is_no_name_is_refused_at_its_field(written: str) -> None:
    assert list(refused(env={"A": "1", "T": written})) == ["env.T"]


def test_every_place_is_named_at_once() -> None:
    told = refused(env={"A": "${secret:ONE}", "B": "${secret:TWO}", "C": TOKEN}, params={"D": "${secret:ONE}"})
    assert list(told) == ["env.A", "env.B", "params.D"]


def test_who_may_not_use_it_does_not_learn_that_it_is_there(edith: User) -> None:
    make_group("ops")
    secrets.put(SYSTEM, "OPS", {"value": VALUE, "groups": ["ops"]})
    told = [refused(actor=as_actor(edith), env={"T": f"${{secret:{name}}}"})["env.T"] for name in ("OPS", "NONE")]
    assert told[0].replace("OPS", "NONE") == told[1]
    assert "The secret “OPS” is not shared with the group “default”" in refused(env={"T": "${secret:OPS}"})["env.T"]


def test_it_does_not_go_along_into_another_group(edith: User) -> None:
    make_group("ops")
    task = make_task(env={"T": TOKEN})
    with pytest.raises(Invalid, match=r"env\.T"):
        definitions.edit(as_actor(edith), task.id, {"group": "ops"})
    with pytest.raises(Invalid, match=r"env\.T"):
        trials.create(as_actor(edith), {"name": "t", "command": "env", "group": "ops", "env": {"T": TOKEN}})


def test_an_unshared_one_is_for_no_run_any_more() -> None:
    secrets.put(SYSTEM, "TOKEN", {"groups": []})
    with pytest.raises(secrets.Unusable, match="There is no secret “TOKEN”"):
        secrets.opened(1, "default", ["TOKEN"])


def test_a_deleted_group_takes_its_share_along() -> None:
    group = make_group("ops")
    secrets.put(SYSTEM, "TOKEN", {"groups": ["ops"]})
    groups.remove(SYSTEM, group.id)
    db.session.expire_all()
    assert secrets.found(SYSTEM, "TOKEN").groups == []


def test_it_is_told_where_one_is_named() -> None:
    ops = make_group("ops")
    secrets.put(SYSTEM, "TOKEN", {"groups": ["ops", "default"]})
    make_task(key="one", env={"T": TOKEN})
    make_task(key="two", params={"T": TOKEN}, group="ops")
    make_task(key="none")
    groups.edit(SYSTEM, ops.id, {"default_content": web(auth={"type": "basic", "username": "u", "password": f"x{TOKEN}"})})
    found = secrets.uses(SYSTEM)["TOKEN"]
    assert [task.key for task in found.tasks] == ["one", "two"] and [group.key for group in found.groups] == ["ops"]
    definitions.edit(SYSTEM, queries.find(SYSTEM, "one").id, {"env": {}})
    assert [task.key for task in secrets.uses(SYSTEM)["TOKEN"].tasks] == ["two"]


def test_a_groups_own_content_names_only_what_is_shared_with_it() -> None:
    content = web(headers={"Authorization": f"Bearer {TOKEN}"})
    with pytest.raises(Invalid, match=r"default_content\.headers\.Authorization"):
        groups.create(SYSTEM, {"name": "ops", "default_content": content})
    assert db.session.query(Task).count() == 0 and len(queries.groups(SYSTEM)) == 1


def test_a_name_in_a_sealed_field_is_shown_and_a_value_beside_it_is_not() -> None:
    shown = definitions.written(make_task(**web(auth={"type": "bearer", "token": TOKEN})))["auth"]["token"]
    mixed = definitions.written(make_task(**web(auth={"type": "bearer", "token": f"pre{TOKEN}"})))["auth"]["token"]
    assert (shown, mixed) == (TOKEN, vault.MASK)


def test_an_earlier_version_names_it_too_and_comes_back_while_it_is_there() -> None:
    task = make_task(env={"T": TOKEN})
    definitions.edit(SYSTEM, task.id, {"env": {}})
    assert revisions.shown(SYSTEM, task, revisions.found(task, 1))["env"] == {"T": TOKEN}
    assert revisions.restore(SYSTEM, task, 1).secrets == ["TOKEN"]
    definitions.edit(SYSTEM, task.id, {"env": {}})
    secrets.remove(SYSTEM, "TOKEN")
    with pytest.raises(Invalid, match=r"env\.T"):
        revisions.restore(SYSTEM, task, 1)


def test_a_clone_names_what_its_original_names() -> None:
    task = make_task(**web(auth={"type": "bearer", "token": TOKEN}, headers={"X": TOKEN}))
    copy = definitions.clone(SYSTEM, task.id, "copy")
    assert copy.secrets == ["TOKEN"] and copy.content == task.content
