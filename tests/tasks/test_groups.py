"""Groups: made, changed, deleted by administrators, with what their tasks run and who has which role there."""

from typing import Any

import pytest

from scheduler.accounts import audit
from scheduler.accounts.models import User
from scheduler.accounts.permissions import SYSTEM, can
from scheduler.database import db
from scheduler.errors import Conflict, Forbidden, Invalid, NotFound
from scheduler.kinds import kinds
from scheduler.tasks import contents, definitions, groups, trash
from scheduler.tasks.definitions import group_place
from scheduler.tasks.models import DEFAULT_GROUP, Group
from tests.factories import as_actor, make_task

CALL = {"type": "http", "url": "https://example.org/", "auth": {"type": "bearer", "token": "canary-7"}}


def made(**values: Any) -> Group:
    return groups.create(SYSTEM, {"name": "Reports", **values})


def test_it_makes_a_key_from_the_name(app: object) -> None:
    assert (made().key, made(name="Reports!").key, made(name="报表").key[:5]) == ("reports", "reports-2", "task-")


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "a<b"}),
        ("name", {"name": "x" * 101}),
        ("key", {"key": "Not a key"}),
        ("max_concurrent", {"max_concurrent": 0}),
        ("max_concurrent", {"max_concurrent": True}),
        ("colour", {"colour": "red"}),
        ("description", {"description": "a\x01b"}),
        ("default_content.type", {"default_content": {"type": "magic"}}),
        ("default_content.url", {"default_content": {"url": "https://example.org"}}),
        ("default_content.command", {"default_content": {"type": "shell"}}),
        ("default_content.colour", {"default_content": {"type": "shell", "command": "true", "colour": "red"}}),
    ],
)
def test_it_names_what_is_wrong_and_saves_nothing(app: object, field: str, values: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        made(**values)
    assert [problem.field for problem in caught.value.problems] == [field]
    assert db.session.query(Group).count() == 1


@pytest.mark.parametrize("values", [{"name": "Reports"}, {"name": "Other", "key": "reports"}])
def test_names_and_keys_are_taken_once(app: object, values: dict[str, str]) -> None:
    made()
    with pytest.raises(Conflict):
        made(**values)


def test_it_changes_what_is_named_and_refuses_an_old_version(app: object) -> None:
    group = made(description="monthly")
    groups.edit(SYSTEM, group.id, {"max_concurrent": 2}, version=1)
    assert (group.description, group.max_concurrent, group.version) == ("monthly", 2, 2)
    with pytest.raises(Conflict):
        groups.edit(SYSTEM, group.id, {"max_concurrent": 3}, version=1)


def test_its_tasks_run_what_it_says(app: object) -> None:
    group = made(default_content={"command": "make report"})
    task = definitions.create(SYSTEM, {"name": "monthly", "group": group.key})
    assert task.kind is None and groups.shown(group)["default_content"] == {"type": "shell", "command": "make report"}
    with pytest.raises(Conflict):
        groups.edit(SYSTEM, group.id, {"default_content": None})


def test_a_secret_in_what_it_says_is_sealed_masked_and_kept(app: object) -> None:
    group = made(default_content=CALL)
    assert "canary-7" not in str(group.default_content) + str(groups.shown(group)) + str(audit.entries(SYSTEM)[0].after)
    sealed = group.default_content
    shown = groups.shown(group)["default_content"]
    groups.edit(SYSTEM, group.id, {"default_content": shown | {"url": "https://example.com/"}})
    assert group.default_content and sealed and group.default_content["url"] == "https://example.com/"
    assert contents.opened(kinds.get("http"), group.default_content)["auth"]["token"] == "canary-7"


def test_it_is_deleted_only_when_nothing_lies_in_it(app: object) -> None:
    group = made()
    task = make_task(group=group.key)
    with pytest.raises(Conflict):
        groups.remove(SYSTEM, group.id)
    trash.remove(SYSTEM, task.id)
    with pytest.raises(Conflict):
        groups.remove(SYSTEM, group.id)
    trash.restore(SYSTEM, task.id)
    definitions.edit(SYSTEM, task.id, {"group": DEFAULT_GROUP})
    groups.remove(SYSTEM, group.id)
    with pytest.raises(NotFound):
        groups.find(SYSTEM, group.key)


def test_group_one_stays(app: object) -> None:
    with pytest.raises(Conflict):
        groups.remove(SYSTEM, DEFAULT_GROUP)


def test_it_gives_changes_and_takes_a_role(app: object, mallory: User) -> None:
    group = made()
    with pytest.raises(NotFound):
        groups.find(as_actor(mallory), group.key)
    groups.grant(SYSTEM, group, mallory.id, "operator")
    assert groups.find(as_actor(mallory), group.key) is group
    groups.grant(SYSTEM, group, mallory.id, "viewer")
    assert [(user.username, role) for user, role in groups.members(SYSTEM, group)] == [("mallory", "viewer")]
    groups.grant(SYSTEM, group, mallory.id, None)
    assert not can(as_actor(mallory), "task.see", group_place(group)) and groups.members(SYSTEM, group) == []
    assert audit.entries(SYSTEM)[0].action == "user.grant"


@pytest.mark.parametrize("role", ["administrator", "king", ""])
def test_no_other_role_can_be_given(app: object, mallory: User, role: str) -> None:
    with pytest.raises(Invalid):
        groups.grant(SYSTEM, made(), mallory.id, role)


@pytest.mark.parametrize("name", ["edith", "oscar", "victor"])
def test_only_administrators_manage_groups(app: object, name: str) -> None:
    actor = as_actor(db.session.query(User).filter_by(username=name).one())
    group = made()
    for verb in (
        lambda: groups.create(actor, {"name": "Mine"}),
        lambda: groups.edit(actor, group.id, {"name": "Mine"}),
        lambda: groups.remove(actor, group.id),
        lambda: groups.grant(actor, group, actor.id or 0, "editor"),
        lambda: groups.members(actor, group),
    ):
        with pytest.raises(Forbidden):
            verb()
