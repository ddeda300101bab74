"""Our own format: what is exported and brought in again changes nothing; secrets stay; all of a file or none of it."""

from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduler.accounts.audit import entries
from scheduler.accounts.models import User
from scheduler.accounts.permissions import SYSTEM, Actor
from scheduler.database import db
from scheduler.errors import Forbidden, Invalid
from scheduler.tasks import contents, definitions
from scheduler.tasks.models import Dependency, Group, Task
from scheduler.tasks.transfer import decoding, exchange, native
from scheduler.tasks.transfer.changes import PLAIN, Options, Plan
from scheduler.vault import MASK
from tests.factories import as_actor, make_group, make_task

BACKUP: dict[str, Any] = {
    "key": "backup",
    "name": "Backup",
    "type": "shell",
    "command": "true",
    "schedule_type": "cron",
    "schedule_config": {"cron": "0 2 * * *"},
    "timezone": "UTC",
}


def file(*tasks: dict[str, Any], groups: tuple[dict[str, Any], ...] = ()) -> bytes:
    return native.as_json(native.document(groups, tasks)).encode()


def bring(data: bytes | str, format_: str = "json", actor: Actor = SYSTEM, options: Options = PLAIN) -> Plan:
    octets = data if isinstance(data, bytes) else data.encode()
    return exchange.bring_in(actor, exchange.read(octets, format_), options)


def look(data: bytes, options: Options = PLAIN, actor: Actor = SYSTEM) -> exchange.Outcome:
    return exchange.look(actor, exchange.read(data, "json"), options)


def actions(plan: Plan) -> dict[str, str]:
    return {change.key: change.action for change in plan.changes}


def refusal(data: bytes, actor: Actor = SYSTEM) -> str:
    with pytest.raises(Invalid) as refused:
        bring(data, actor=actor)
    return str(refused.value)


def empty() -> None:
    for model in (Dependency, Task):
        for row in db.session.query(model):
            db.session.delete(row)
    db.session.commit()


def a_bit_of_everything() -> None:
    make_group("ops", description="夜间", max_concurrent=3, default_content={"type": "shell", "command": "true"})
    first = make_task(name="备份", key="first", cron="0 2 * * *", tags=["b", "a"], env={"LANG": "C"}, priority=5)
    make_task(
        name="二", key="second", group="ops", type=None, depends_on=[first.key], depends_mode="any", metadata={"a": [1, None]}
    )
    web = {"type": "http", "url": "http://example.org/", "auth": {"type": "bearer", "token": "s3cret"}, "command": None}
    definitions.create(SYSTEM, {"name": "web", **{k: v for k, v in web.items() if v}, "env": {"API_TOKEN": "t0ken"}})
    make_task(name="once", schedule_type="date", schedule_config="2026-03-03T00:00:00Z", max_runs=1, limits={"memory_mb": 64})


@pytest.mark.parametrize("format_", ["json", "yaml"])
def test_what_is_exported_and_brought_in_again_changes_nothing(app: Flask, format_: str) -> None:
    a_bit_of_everything()
    text = exchange.written(SYSTEM, format_)
    assert set(actions(bring(text, format_)).values()) == {"same"}
    assert exchange.written(SYSTEM, format_) == text


def test_secrets_never_leave(app: Flask) -> None:
    a_bit_of_everything()
    text = exchange.written(SYSTEM, "yaml")
    assert "s3cret" not in text and "t0ken" not in text and MASK in text


def test_a_viewer_takes_no_variables_away(app: Flask, victor: User) -> None:
    make_task(env={"CITY": "Bremen"})
    assert "Bremen" not in exchange.written(as_actor(victor), "yaml")


def test_a_stranger_exports_nothing(app: Flask, mallory: User) -> None:
    make_task(name="hidden one")
    assert "hidden" not in exchange.written(as_actor(mallory), "json")


def test_it_goes_to_an_empty_installation_and_comes_out_the_same(app: Flask) -> None:
    make_task(key="first", cron="0 2 * * *", tags=["a"])
    make_task(key="second", depends_on=["first"], command="echo one\necho two")
    text = exchange.written(SYSTEM, "yaml")
    empty()
    assert set(actions(bring(text, "yaml")).values()) == {"create"}
    assert exchange.written(SYSTEM, "yaml") == text


def test_a_mask_keeps_the_secret_that_is_stored(app: Flask) -> None:
    a_bit_of_everything()
    text = exchange.written(SYSTEM, "json").replace('"name": "web"', '"name": "web 2"')
    bring(text)
    task = db.session.query(Task).filter_by(key="web").one()
    assert contents.opened(native.kinds.get("http"), task.content)["auth"]["token"] == "s3cret"
    assert task.name == "web 2" and task.env == {"API_TOKEN": "t0ken"}


def test_a_mask_with_nothing_behind_it_has_to_be_filled_in(app: Flask) -> None:
    a_bit_of_everything()
    text = exchange.written(SYSTEM, "json").encode()
    empty()
    told = refusal(text)
    assert "auth.token: This secret is masked" in told and "env.API_TOKEN: This secret is masked" in told


def test_it_creates_changes_and_leaves(app: Flask) -> None:
    bring(file(BACKUP))
    other = {**BACKUP, "key": "other", "name": "Other"}
    plan = bring(file(BACKUP | {"priority": 3}, other))
    assert actions(plan) == {"backup": "change", "other": "create"}
    assert plan.of("change")[0].fields == {"priority": (None, 3)}


def test_one_wrong_task_keeps_all_of_them_out_and_says_where(app: Flask) -> None:
    told = refusal(file(BACKUP, BACKUP | {"key": "b", "name": "b", "schedule_config": {"cron": "61 * * * *"}}))
    assert "line 17: tasks[1].schedule_config.minute" in told and "61" in told
    assert db.session.query(Task).count() == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"colour": "red"}, "tasks[0].colour: There is no such field."),
        ({"group": "nowhere"}, "tasks[0].group: There is no group"),
        ({"name": 5}, "tasks[0].name: This must be text."),
        ({"key": ["x"]}, "tasks[0].key: This must be text."),
        ({"depends_on": ["nobody"]}, "tasks[0].depends_on: There is no task “nobody”"),
        ({"depends_on": ["backup"]}, "A task cannot wait for itself."),
        ({"command": ""}, "tasks[0].command"),
        ({"timezone": "Mars/Base"}, "tasks[0].timezone"),
        ({"type": "rocket"}, "tasks[0].type"),
        ({"priority": 10**9}, "tasks[0].priority"),
    ],
)
def test_it_names_the_field_that_is_wrong(app: Flask, change: dict[str, Any], told: str) -> None:
    assert told in refusal(file(BACKUP | change))


def test_two_of_one_key_or_name_are_told_by_line(app: Flask) -> None:
    assert "“backup” stands on line 6 already" in refusal(file(BACKUP, BACKUP | {"name": "x"}))
    assert "“Backup” stands on line 6 already" in refusal(file(BACKUP, BACKUP | {"key": "x"}))


def test_a_name_somebody_else_has_is_refused(app: Flask) -> None:
    make_task(name="Backup", key="mine")
    assert "“Backup” is taken by another task." in refusal(file(BACKUP))


def test_two_tasks_may_change_their_names_for_each_other_s(app: Flask) -> None:
    other = {**BACKUP, "key": "other", "name": "Other"}
    bring(file(BACKUP, other))
    bring(file(BACKUP | {"name": "Other"}, other | {"name": "Backup"}))
    assert {task.key: task.name for task in db.session.query(Task)} == {"backup": "Other", "other": "Backup"}


def test_a_circle_is_refused_with_the_way_round(app: Flask) -> None:
    make_task(key="c", name="C")
    bring(file(BACKUP | {"depends_on": ["c"]}))
    two = {**BACKUP, "key": "b", "name": "B", "depends_on": ["backup"]}
    c = {**BACKUP, "key": "c", "name": "C", "depends_on": ["b"]}
    assert "circle" in (told := refusal(file(two, c))) and "→" in told and "Backup" in told


@pytest.mark.slow  # thousands of tasks
def test_a_chain_of_thousands_is_no_circle(app: Flask) -> None:
    chain = [BACKUP | {"key": f"t{n}", "name": f"t{n}", "depends_on": [f"t{n + 1}"] if n < 1499 else []} for n in range(1500)]
    assert look(file(*chain)).plan.problems == []


def test_what_is_waited_for_out_of_sight_stays(app: Flask, edith: User) -> None:
    hidden = make_task(key="hidden", private=True)
    make_task(key="seen", depends_on=[hidden.key], command="true", cron="0 2 * * *")
    text = exchange.written(as_actor(edith), "json")
    assert "hidden" not in text
    bring(text.replace('"command": "true"', '"command": "false"'), actor=as_actor(edith))
    assert db.session.query(Dependency).count() == 1


def test_replacing_moves_what_is_missing_to_the_trash(app: Flask) -> None:
    make_task(key="old")
    assert actions(bring(file(BACKUP), options=Options(replace=True))) == {"backup": "create", "old": "delete"}
    assert [task.key for task in db.session.query(Task) if task.deleted_at is None] == ["backup"]


def test_a_look_saves_nothing_and_counts_what_will_fire(app: Flask) -> None:
    bring(file(BACKUP))
    outcome = look(file(BACKUP | {"schedule_config": {"cron": "0 3 * * *"}}))
    fires = outcome.fires["backup"]
    assert (fires.gained, fires.lost, fires.more) == (14, 14, False)
    assert fires.first_gained[0].isoformat() == "2026-03-03T03:00:00+00:00"
    assert db.session.query(Task).one().schedule_config == {"cron": "0 2 * * *"}


def test_counting_stops_somewhere_and_says_so(app: Flask) -> None:
    fires = look(file(BACKUP | {"schedule_config": {"cron": "* * * * *"}})).fires["backup"]
    assert (fires.gained, fires.more) == (1000, True)


def test_each_task_has_its_audit_row_and_the_file_one(app: Flask, edith: User) -> None:
    bring(file(BACKUP), actor=as_actor(edith))
    found = {(entry.action, entry.object_name, entry.actor_name) for entry in entries(SYSTEM)}
    assert found == {("task.create", "Backup", "edith"), ("tasks.import", "json", "edith")}


def test_a_viewer_brings_nothing_in(app: Flask, victor: User) -> None:
    with pytest.raises(Forbidden):
        bring(file(BACKUP), actor=as_actor(victor))


def test_an_editor_makes_no_group_and_touches_no_hidden_task(app: Flask, edith: User) -> None:
    assert "groups[0]: Your role" in refusal(file(groups=({"key": "new", "name": "new"},)), as_actor(edith))
    make_task(key="backup", private=True)
    assert "“backup” is taken" in refusal(file(BACKUP), as_actor(edith))


def test_a_group_is_made_with_the_tasks_in_it(app: Flask) -> None:
    bring(file(BACKUP | {"group": "ops"}, groups=({"key": "ops", "name": "Operations", "max_concurrent": 2},)))
    group = db.session.query(Group).filter_by(key="ops").one()
    assert group.max_concurrent == 2 and db.session.query(Task).one().group_id == group.id


def test_somebody_who_was_faster_is_noticed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    source = exchange.read(file(BACKUP), "json")
    plan = exchange.planning.plan

    def overtaken(*args: Any) -> Plan:
        monkeypatch.setattr(exchange.planning, "plan", plan)
        found = plan(*args)
        make_task(name="Backup", key="mine")
        return found

    monkeypatch.setattr(exchange.planning, "plan", overtaken)
    with pytest.raises(Invalid, match="taken by another task"):
        exchange.bring_in(SYSTEM, source)


TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\r"), max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | TEXTS | st.floats(-1e9, 1e9).map(lambda x: round(x, 3)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(value=VALUES)
def test_what_is_written_is_read_the_same(value: Any) -> None:
    assert decoding.from_yaml(native.as_yaml(value)).value == value
    assert decoding.from_json(native.as_json(value)).value == value


TASKS = st.fixed_dictionaries(
    {
        "command": TEXTS.filter(str.strip).filter(lambda text: "\ufeff" not in text),
        "description": st.text("ab 夜\n#:-'\"|>%@`{}[]&*!?", max_size=60),
        "env": st.dictionaries(st.sampled_from(["A", "B_1", "API_TOKEN"]), TEXTS, max_size=3),
        "tags": st.lists(st.sampled_from(["yes", "02:00", "1", "no", "备"]), max_size=3, unique=True),
        "priority": st.integers(-10, 10),
        "cron": st.sampled_from(["0 2 * * *", "*/5 * * * *", "@daily", "H 3 * * 1-5"]),
        "metadata": st.dictionaries(st.text("abc", max_size=3), VALUES, max_size=3),
    }
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tasks=st.lists(TASKS, min_size=1, max_size=3), format_=st.sampled_from(["json", "yaml"]))
def test_any_tasks_come_out_as_they_went_in(app: Flask, tasks: list[dict[str, Any]], format_: str) -> None:
    empty()
    for values in tasks:
        make_task(**dict(values))
    text = exchange.written(SYSTEM, format_)
    assert set(actions(bring(text, format_)).values()) == {"same"}
