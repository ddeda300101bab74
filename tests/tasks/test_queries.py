"""Finding tasks: by number, by key, by what is in them, and never those that are not for the one who asks."""

from typing import Any

import pytest

from scheduler.accounts.models import Grant
from scheduler.accounts.permissions import NOBODY
from scheduler.database import db
from scheduler.errors import NotFound
from scheduler.runs.status import FAILED
from scheduler.tasks import definitions, queries, trash
from scheduler.tasks.queries import Wanted
from tests.factories import SYSTEM, as_actor, make_group, make_run, make_task, perform

pytestmark = pytest.mark.usefixtures("app")


def names(actor: Any = SYSTEM, **wanted: Any) -> list[str]:
    return [task.name for task in queries.listed(actor, Wanted(**wanted), 0, 100)[0]]


def test_it_finds_by_number_and_by_key() -> None:
    task = make_task(key="mine")
    assert queries.find(SYSTEM, task.id) is queries.find(SYSTEM, str(task.id)) is queries.find(SYSTEM, "mine") is task


@pytest.mark.parametrize("reference", ["", "0", "-1", "9" * 18, "9" * 500, "MINE", "mine ", "a\0b"])
def test_it_finds_nothing_else(reference: str) -> None:
    make_task(key="mine")
    with pytest.raises(NotFound):
        queries.find(SYSTEM, reference)


def test_it_pages_by_name_and_says_how_many_there_are() -> None:
    for name in "cab":
        make_task(name=name)
    tasks, total = queries.listed(SYSTEM, Wanted(), 1, 1)
    assert ([task.name for task in tasks], total) == (["b"], 3)


@pytest.mark.parametrize(
    ("text", "found"),
    [("BACK", ["backup"]), ("数据库", ["backup"]), ("50%", ["half"]), ("a_b", ["half"]), ("axb", []), ("%", ["half"]),
     ("blue", ["backup"]), ("\\", []), ("halb", ["half"]), ("a\0", [])],
)  # fmt: skip
def test_it_finds_text_in_names_descriptions_tags_and_commands(text: str, found: list[str]) -> None:
    make_task(name="backup", command="echo 备份数据库", tags=["Blue"])
    make_task(name="half", key="a_b", description="Halb: 50%")
    assert names(text=text) == found


def test_it_filters_by_group_kind_tag_and_state() -> None:
    make_group("ops")
    make_task(name="a", group="ops", tags=["x"])
    definitions.disable(SYSTEM, make_task(name="b", type="python", code="1").id)
    assert names(group="ops") == names(tag="x") == names(enabled=True) == names(kind="shell") == ["a"]
    assert names(enabled=False) == names(kind="python") == ["b"]
    assert names(group="nowhere") == []


def test_it_filters_by_how_the_last_run_went() -> None:
    perform(make_run(make_task(name="failed")), 7)
    perform(make_run(make_task(name="fine")))
    never = make_task(name="never")
    assert names(last_status=FAILED) == ["failed"]
    assert names(never_run=True) == names(ids=frozenset({never.id})) == ["never"]
    assert queries.counts(SYSTEM, FAILED) == {"all": 3, "failed": 1, "disabled": 0, "never": 1, "running": 0}


def test_it_shows_nothing_from_the_trash() -> None:
    trash.remove(SYSTEM, make_task(tags=["gone"]).id)
    assert (names(), queries.tags(SYSTEM), queries.counts(SYSTEM, FAILED)["all"]) == ([], [], 0)


def test_a_private_task_is_for_its_owner_and_administrators(ada: Any, edith: Any, oscar: Any) -> None:
    make_task(as_actor(edith), name="secret", private=True, tags=["hush"])
    assert names(as_actor(edith)) == names(as_actor(ada)) == ["secret"]
    assert (names(as_actor(oscar)), queries.tags(as_actor(oscar))) == ([], [])
    with pytest.raises(NotFound):
        queries.find(as_actor(oscar), "secret")


def test_a_limited_user_sees_granted_groups_only(mallory: Any) -> None:
    group = make_group("ops")
    make_task(name="in", group="ops", tags=["seen"])
    make_task(name="out", tags=["unseen"])
    assert names(as_actor(mallory)) == []
    mallory.grants.append(Grant(group_id=group.id, role="viewer"))
    db.session.commit()
    actor = as_actor(mallory)
    assert (names(actor), queries.tags(actor), [group.key for group in queries.groups(actor)]) == (["in"], ["seen"], ["ops"])
    assert queries.counts(actor, FAILED)["all"] == 1


def test_somebody_unknown_sees_nothing() -> None:
    make_task()
    assert (names(NOBODY), list(queries.groups(NOBODY))) == ([], [])


def test_the_plan_of_a_task_is_what_was_previewed() -> None:
    task = make_task(cron="0 2 * * *", end_at="2026-03-05T00:00:00Z")
    plan = queries.plan_of(task)
    assert plan.next_after(task.created_at) == task.next_run_at
    assert len(plan.upcoming(task.created_at, 10)) == 2
