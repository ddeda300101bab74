"""What waits for what: named by key or number, refused by name, and never in a circle, whoever saves at the same time."""

import pytest
from flask import Flask

from scheduler.accounts.models import User
from scheduler.database import db
from scheduler.errors import Invalid
from scheduler.tasks import definitions, dependencies, trash
from scheduler.tasks.models import Dependency, Task
from scheduler.tasks.transfer import exchange
from scheduler.tasks.transfer.changes import PLAIN
from tests.factories import SYSTEM, as_actor, make_group, make_task
from tests.threads import in_threads

pytestmark = pytest.mark.usefixtures("app")


def after(name: str, *upstreams: Task | str, **values: object) -> Task:
    """A task that waits for these."""
    return make_task(name=name, depends_on=[getattr(one, "key", one) for one in upstreams], **values)


def wait(task: Task, *upstreams: Task) -> Task:
    return definitions.edit(SYSTEM, task.id, {"depends_on": [one.key for one in upstreams]})


def waits_for(task: Task) -> list[str]:
    db.session.rollback()
    return dependencies.references([task.id])[task.id]


def refusal(error: pytest.ExceptionInfo[Invalid]) -> str:
    (problem,) = error.value.problems
    assert problem.field == "depends_on"
    return problem.text % problem.params


def test_it_waits_for_tasks_named_by_key_or_number() -> None:
    first, second = make_task(name="one"), make_task(name="two")
    task = make_task(depends_on=["two", first.id, str(second.id)], depends_mode="any")
    assert waits_for(task) == ["one", "two"] and task.depends_mode == "any"
    assert definitions.written(task)["depends_on"] == ["one", "two"]


def test_a_task_waits_for_nothing_unless_told() -> None:
    task = make_task()
    assert waits_for(task) == [] and task.depends_mode == "all"


def test_an_edit_that_names_none_leaves_them() -> None:
    task = after("b", make_task(name="a"))
    definitions.edit(SYSTEM, task.id, {"description": "x"})
    assert waits_for(task) == ["a"]
    definitions.edit(SYSTEM, task.id, {"depends_on": []})
    assert waits_for(task) == []


def test_what_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(Invalid) as error:
        after("b", "nobody")
    assert refusal(error) == "There is no task “nobody” to wait for."
    assert db.session.scalars(db.select(Task.name)).all() == []


@pytest.mark.parametrize("value", [["a"] * 101, "a", [None], [["a"]], {"a": 1}])
def test_what_is_no_list_of_tasks_is_refused(value: object) -> None:
    with pytest.raises(Invalid) as error:
        make_task(depends_on=value)
    assert error.value.problems[0].field.startswith("depends_on")


def test_a_mode_there_is_not_is_refused() -> None:
    with pytest.raises(Invalid, match="depends_mode"):
        make_task(depends_mode="some")


def test_it_cannot_wait_for_itself() -> None:
    task = make_task(name="a")
    for attempt in (lambda: wait(task, task), lambda: make_task(name="self", depends_on=["self"])):
        with pytest.raises(Invalid) as error:
            attempt()
        assert refusal(error) == "A task cannot wait for itself."


def test_a_circle_is_refused_with_the_way_round() -> None:
    a = make_task(name="a")
    c = after("c", after("b", a))
    with pytest.raises(Invalid) as error:
        wait(a, c)
    assert refusal(error).endswith(": a → c → b → a.")
    assert waits_for(a) == []


def test_of_a_long_circle_its_ends_are_named() -> None:
    first = last = make_task(name="t0")
    for number in range(1, 40):
        last = after(f"t{number}", last)
    with pytest.raises(Invalid) as error:
        wait(first, last)
    assert "t0 → t39 → t38 → t37 → t36 → t35 → … → t5" in refusal(error)


def test_a_diamond_is_no_circle() -> None:
    a = make_task(name="a")
    d = after("d", after("b", a), after("c", a))
    assert waits_for(d) == ["b", "c"]


def test_a_circle_through_the_trash_is_refused_too() -> None:
    a = make_task(name="a")
    b = after("b", a)
    c = after("c", b)
    trash.remove(SYSTEM, b.id)
    with pytest.raises(Invalid) as error:
        wait(a, c)
    assert refusal(error).endswith(": a → c → b → a.")


def test_the_way_does_not_name_what_is_hidden(mallory: User) -> None:
    hidden, open_ = make_group("hidden"), make_group("open")
    a = make_task(name="a", group=open_.key)
    b = after("b", a, group=hidden.key)
    c = after("c", b, group=open_.key)
    actor = as_actor(mallory)
    object.__setattr__(actor, "grants", {open_.id: "editor"})
    with pytest.raises(Invalid) as error:
        definitions.edit(actor, a.id, {"depends_on": [c.key]})
    assert refusal(error).endswith(": a → c → … → a.")


def test_what_somebody_may_not_see_is_not_there_for_them(mallory: User) -> None:
    group = make_group("open")
    secret, mine = make_task(name="secret"), make_task(name="mine", group="open")
    actor = as_actor(mallory)
    object.__setattr__(actor, "grants", {group.id: "editor"})
    for name in (secret.key, str(secret.id)):
        with pytest.raises(Invalid, match="There is no task"):
            definitions.edit(actor, mine.id, {"depends_on": [name]})
    wait(mine, secret)
    assert dependencies.references([mine.id], actor) == {mine.id: [str(secret.id)]}
    definitions.edit(actor, mine.id, {"depends_on": [str(secret.id)]})  # what is there may stay
    assert waits_for(mine) == ["secret"]


def test_a_deleted_one_stays_by_its_number_until_it_is_let_go() -> None:
    a, other = make_task(name="a"), make_task(name="other")
    b = after("b", a, other)
    trash.remove(SYSTEM, a.id)
    make_task(name="a")
    assert waits_for(b) == [str(a.id), "other"]
    definitions.edit(SYSTEM, b.id, {"depends_on": [str(a.id)]})
    assert waits_for(b) == [str(a.id)]
    definitions.edit(SYSTEM, b.id, {"depends_on": ["other"]})
    with pytest.raises(Invalid):
        definitions.edit(SYSTEM, b.id, {"depends_on": [a.id]})


def test_a_copy_waits_for_the_same(mallory: User) -> None:
    gone = make_task(name="gone")
    task = after("b", make_task(name="a"), gone, depends_mode="finished")
    trash.remove(SYSTEM, gone.id)
    copy = definitions.clone(SYSTEM, task.id, "copy")
    assert waits_for(copy) == waits_for(task) == ["a", str(gone.id)] and copy.depends_mode == "finished"


def test_another_mode_begins_to_wait_anew() -> None:
    a = make_task(name="a")
    b = after("b", a, make_task(name="c"))
    edge = db.session.get_one(Dependency, (b.id, a.id))
    edge.arrival = "exec-1"
    db.session.commit()
    definitions.edit(SYSTEM, b.id, {"depends_mode": "all", "depends_on": ["a", "c"]})
    assert db.session.get_one(Dependency, (b.id, a.id)).arrival == "exec-1"
    definitions.edit(SYSTEM, b.id, {"depends_mode": "finished"})
    assert db.session.get_one(Dependency, (b.id, a.id)).arrival is None


@pytest.mark.parametrize("times", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_two_that_save_opposite_waits_at_once_are_never_both_accepted(app: Flask, times: int) -> None:
    a, b = make_task(name="a"), make_task(name="b")
    for _ in range(times):
        ways = [(a.id, "b"), (b.id, "a")]
        failures = in_threads(app, 2, lambda ways=ways: save_one(ways))
        assert [type(failure) for failure in failures] == [Invalid]
        assert sorted((len(waits_for(a)), len(waits_for(b)))) == [0, 1]
        for task in (a, b):
            definitions.edit(SYSTEM, task.id, {"depends_on": []})


@pytest.mark.parametrize("times", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_a_save_and_an_import_at_once_make_no_circle(app: Flask, times: int) -> None:
    a, b = make_task(key="a", name="a"), make_task(key="b", name="b")
    text = exchange.written(SYSTEM, "json")
    for _ in range(times):
        waiting = text.replace('"key": "b",', '"key": "b", "depends_on": ["a"],')
        ways = [lambda: definitions.edit(SYSTEM, a.id, {"depends_on": ["b"]}),
                lambda waiting=waiting: exchange.bring_in(SYSTEM, exchange.read(waiting.encode(), "json"), PLAIN)]  # fmt: skip
        in_threads(app, 2, lambda ways=ways: ways.pop()() and None)
        assert sorted((len(waits_for(a)), len(waits_for(b)))) == [0, 1]
        for task in (a, b):
            definitions.edit(SYSTEM, task.id, {"depends_on": []})


def save_one(ways: list[tuple[int, str]]) -> None:
    task_id, upstream = ways.pop()
    definitions.edit(SYSTEM, task_id, {"depends_on": [upstream]})


def test_the_graph_holds_what_is_related() -> None:
    a, lone = make_task(name="a"), make_task(name="lone")
    b = after("b", a)
    c, other = after("c", b), after("other", a)
    whole = dependencies.graph(SYSTEM)
    assert set(whole.tasks) == {a.id, b.id, c.id, other.id} and len(whole.edges) == 3
    near = dependencies.graph(SYSTEM, around=b.id)
    assert set(near.tasks) == {a.id, b.id, c.id} and near.edges == [(a.id, b.id), (b.id, c.id)]
    assert dependencies.graph(SYSTEM, around=lone.id).tasks.keys() == {lone.id}


def test_the_graph_shows_nobody_what_is_hidden(mallory: User) -> None:
    group = make_group("open")
    a = make_task(name="a")
    b = after("b", a, group="open")
    after("c", b)
    actor = as_actor(mallory)
    object.__setattr__(actor, "grants", {group.id: "viewer"})
    graph = dependencies.graph(actor)
    assert set(graph.tasks) == {b.id} and graph.edges == [(a.id, b.id)]
    assert dependencies.dependants(actor, a) == [b] and dependencies.dependants(actor, b) == []
