"""Recipes of one's own: making, sharing, changing them, what is refused at which field, and what a task gets of one."""

import subprocess

import pytest
from sqlalchemy import select

from scheduler.accounts.models import AuditEntry
from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db
from scheduler.errors import Conflict, Forbidden, Invalid, NotFound
from scheduler.tasks import definitions, groups, own_recipes, recipe_of_task, secrets
from scheduler.tasks.models import Group, OwnRecipe
from scheduler.tasks.recipes import rendered
from tests.factories import as_actor, make_group, make_task

DAILY = {"schedule_type": "daily", "schedule_config": {"times": ["02:00"]}}
TASK = {"type": "shell", "command": 'tar -cf "$target" "$source"', **DAILY}
SOURCE = {"name": "source", "required": True, "pattern": "/.*"}
TARGET = {"name": "target", "default": "/backup/all.tar"}
GOOD = {"name": "Pack a folder", "category": "backup", "parameters": [SOURCE, TARGET], "task": TASK}


def refused(values) -> dict[str, str]:
    """The fields that are wrong, each with its sentence."""
    with pytest.raises(Invalid) as error:
        own_recipes.create(SYSTEM, {**GOOD, **values})
    return {problem.field: problem.text % problem.params for problem in error.value.problems}


def http(**fields):
    return {"type": "http", "url": "https://example.org/", **fields}


def filled(task, values, *parameters):
    """The draft's values that a recipe of `task` gives with `values` filled in."""
    row = own_recipes.create(SYSTEM, {**GOOD, "parameters": list(parameters), "task": task})
    return rendered(own_recipes.as_recipe(row), values)


def acts() -> list[str]:
    return list(db.session.scalars(select(AuditEntry.action).where(AuditEntry.object_type == "recipe").order_by(AuditEntry.id)))


def test_a_task_is_made_of_one_with_its_values_as_variables(app, edith):
    row = own_recipes.create(as_actor(edith), GOOD)
    values = rendered(own_recipes.as_recipe(row), {"source": "/home; rm -rf /"})
    task = definitions.create(as_actor(edith), {**values, "name": "nightly"})
    assert (task.content, task.params) == (
        {"command": TASK["command"]}, {"source": "/home; rm -rf /", "target": "/backup/all.tar"},
    )  # fmt: skip
    assert task.notes == {"recipe": "pack-a-folder"} and task.next_run_at is not None


HOSTILE = [
    "'; touch pwned; '",
    '"; touch pwned; "',
    "$(touch pwned)",
    "`touch pwned`",
    "a & touch pwned",
    "{{7*7}}",
    "{{x}}",
    "-n",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_is_printed_and_not_obeyed(app, tmp_path, value):
    made = filled({"command": "printf '%s' \"$x\""}, {"x": value}, {"name": "x"})
    env = {"PATH": "/usr/bin:/bin", **made["params"]}
    said = subprocess.run(["/bin/sh", "-c", made["command"]], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert (said.stdout, list(tmp_path.iterdir())) == (value, [])


def test_each_change_leaves_a_row_in_the_audit_log(app, edith):
    row = own_recipes.create(as_actor(edith), GOOD)
    own_recipes.edit(as_actor(edith), row.key, {"description": "more"})
    own_recipes.remove(as_actor(edith), row.key)
    assert acts() == ["recipe.create", "recipe.edit", "recipe.delete"] and not own_recipes.listed(as_actor(edith))


def test_what_cannot_be_written_down_does_not_happen(app, edith, monkeypatch):
    monkeypatch.setattr(own_recipes.audit, "record", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        own_recipes.create(as_actor(edith), GOOD)
    db.session.rollback()
    assert db.session.scalars(select(OwnRecipe)).all() == []


def test_who_saw_an_older_version_saves_nothing(app, edith):
    row = own_recipes.create(as_actor(edith), GOOD)
    own_recipes.edit(as_actor(edith), row.key, {"name": "First"}, version=1)
    with pytest.raises(Conflict):
        own_recipes.edit(as_actor(edith), row.key, {"name": "Second"}, version=1)
    assert (own_recipes.find(as_actor(edith), row.key).name, row.version) == ("First", 2)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "Back up folders"}, "name"),
        ({"key": "cleanup"}, "key"),
        ({"key": "new"}, "key"),
        ({"key": "A b"}, "key"),
        ({"colour": "red"}, "colour"),
        ({"private": True, "group": "default"}, "group"),
        ({"parameters": [SOURCE, TARGET, SOURCE]}, "parameters.2.name"),
        ({"parameters": [SOURCE, TARGET, {"name": "idle"}]}, "parameters.2.name"),
        ({"parameters": [{"name": "no name"}]}, "parameters.0.name"),
        ({"parameters": [SOURCE, TARGET | {"type": "colour"}]}, "parameters.1.type"),
        ({"parameters": [SOURCE, TARGET | {"default": 5}]}, "parameters.1.default"),
        ({"parameters": [SOURCE | {"default": "relative"}, TARGET]}, "parameters.0.default"),
        ({"parameters": [SOURCE, TARGET | {"default": "c", "choices": ["a", "b"]}]}, "parameters.1.default"),
        ({"parameters": [SOURCE, TARGET | {"type": "number", "default": 1, "choices": ["1"]}]}, "parameters.1.choices"),
        ({"parameters": [SOURCE, TARGET | {"pattern": "("}]}, "parameters.1.pattern"),
        ({"parameters": [SOURCE, TARGET | {"pattern": "a)|(b"}]}, "parameters.1.pattern"),
        ({"parameters": [SOURCE, TARGET | {"pattern": r"(\w+)\1"}]}, "parameters.1.pattern"),
        ({"parameters": [SOURCE, TARGET | {"pattern": "(x{1000}){1000}"}]}, "parameters.1.pattern"),
        ({"task": TASK | {"description": "of {{nobody}}"}}, "task.description"),
        ({"task": TASK | {"command": 'tar "$source" "{{target}}"'}}, "task.command"),
        ({"task": TASK | {"timeout_seconds": -1}}, "task.timeout_seconds"),
        ({"task": TASK | {"schedule_config": {"times": ["25:00"]}}}, "task.schedule_config.times"),
        ({"task": TASK | {"depends_on": ["other"]}}, "task.depends_on"),
        ({"task": TASK | {"env": {"DB_PASSWORD": "hunter2"}}}, "task.env.DB_PASSWORD"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field(app, change, field):
    assert list(refused(change)) == [field]


def test_a_task_without_anything_to_run_is_no_template(app):
    assert "task.type" in refused({"parameters": [], "task": {"schedule_type": "manual"}})


def test_a_pattern_that_would_backtrack_for_ever_is_answered_at_once(app, edith):
    own_recipes.create(as_actor(edith), GOOD | {"parameters": [SOURCE | {"pattern": "(a+)+b"}, TARGET]})
    with pytest.raises(Invalid, match="form"):
        rendered(own_recipes.known(as_actor(edith), "pack-a-folder"), {"source": "a" * 4000})


@pytest.mark.parametrize("field", ["name", "key"])
def test_no_two_have_the_same_name_or_key(app, edith, field):
    own_recipes.create(as_actor(edith), GOOD | {"key": "packer"})
    other = {"name": "Another", "key": "another"} | {"name": {"name": GOOD["name"]}, "key": {"key": "packer"}}[field]
    with pytest.raises(Conflict) as refusal:
        own_recipes.create(as_actor(edith), GOOD | other)
    assert refusal.value.problems[0].field == field


def test_every_wrong_value_is_named(app, edith):
    row = own_recipes.create(as_actor(edith), GOOD)
    with pytest.raises(Invalid) as error:
        rendered(own_recipes.as_recipe(row), {"target": 7, "depth": 1})
    assert {problem.field for problem in error.value.problems} == {"params.source", "params.target", "params.depth"}


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NAME, COUNT, LIST = {"name": "x"}, {"name": "n", "type": "number"}, {"name": "many", "type": "list"}


@pytest.mark.parametrize(
    ("task", "parameter", "value", "field", "becomes"),
    [
        (http(url="https://h.org/{{x}}/b?q={{x}}"), NAME, "a/../?&b", "url", "https://h.org/a/../%3F%26b/b?q=a%2F..%2F%3F%26b"),
        (http(url="https://{{x}}/"), NAME, "h.org/@evil.org", "url", "https://h.org%2F%40evil.org/"),
        (http(url="{{x}}"), NAME, "https://h.org/?a=b", "url", "https://h.org/?a=b"),
        (http(body='{"a": "{{x}}"}'), NAME, '", "admin": "1', "body", '{"a": "\\", \\"admin\\": \\"1"}'),
        (http(body='{"a": {{n}}}'), COUNT, 7, "body", '{"a": 7}'),
        (http(body='{"a": {{many}}}'), LIST, ["b", '"c'], "body", '{"a": ["b", "\\"c"]}'),
        (http(body="a={{x}}", headers=FORM), NAME, "b&c=d", "body", "a=b%26c%3Dd"),
        (http(body="<a>{{x}}</a>", headers={"Content-Type": "text/xml"}), NAME, "</a>&", "body", "<a>&lt;/a&gt;&amp;</a>"),
        (http(body="{{x}}"), NAME, '{"a": 1}', "body", '{"a": 1}'),
        (TASK | {"command": "true", "timeout_seconds": "{{n}}"}, COUNT, 90, "timeout_seconds", 90),
        (TASK | {"command": "true", "tags": ["{{many}}", "own"]}, LIST, ["a", "b"], "tags", ["a", "b", "own"]),
        (TASK | {"command": "true", "env": {"N": "{{n}}"}}, COUNT, 3, "env", {"N": "3"}),
        (TASK | {"command": "true", "description": "{{x}} {{x}}"}, NAME, "{{7*7}}", "description", "{{7*7}} {{7*7}}"),
    ],
)  # fmt: skip
def test_a_value_is_written_as_its_place_needs_it(app, task, parameter, value, field, becomes):
    assert filled(task, {parameter["name"]: value}, parameter)[field] == becomes


def test_a_field_that_is_an_open_blank_is_left_out(app):
    assert "timeout_seconds" not in filled(TASK | {"command": "true", "timeout_seconds": "{{n}}"}, {}, COUNT)


def test_an_open_blank_within_a_text_is_empty(app):
    assert filled(TASK | {"command": "true", "description": "for {{x}}."}, {}, NAME)["description"] == "for ."


@pytest.mark.parametrize("args", [["-c", "ls {{x}}"], ["-lc", "{{x}}"]])
def test_nothing_is_pasted_into_what_a_shell_reads_as_an_argument(app, args):
    task = {"type": "script", "interpreter": "bash", "code": "true", "args": ["bash", *args]}
    assert "task.args.2" in refused({"parameters": [NAME], "task": task})


def test_a_secret_stands_only_where_secrets_are_kept(app):
    secret = {"name": "x", "type": "secret"}
    assert "task.url" in refused({"parameters": [secret], "task": http(url="https://h.org/{{x}}")})
    auth = {"type": "bearer", "token": "{{x}}"}
    assert filled(http(auth=auth), {"x": "hunter2"}, secret)["auth"]["token"] == "hunter2"


def test_a_secret_stands_behind_the_scheme_of_a_header_too(app):
    headers = {"Authorization": "Bearer {{x}}"}
    made = filled(http(headers=headers), {"x": "hunter2"}, {"name": "x", "type": "secret"})
    assert made["headers"] == {"Authorization": "Bearer hunter2"}


def test_a_secret_may_be_named_in_place_of_a_blank(app, edith):
    secrets.put(SYSTEM, "SHOP", {"value": "hunter2 and more"})
    make_task(key="call", type="http", url="https://h.org/", env={"API_TOKEN": "${secret:SHOP}"})
    values = recipe_of_task.values(as_actor(edith), "call")
    assert values["task"]["env"] == {"API_TOKEN": "${secret:SHOP}"} and values["parameters"] == []
    made = rendered(own_recipes.as_recipe(own_recipes.create(as_actor(edith), values)), {})
    assert definitions.create(as_actor(edith), {**made, "name": "again"}).secrets == ["SHOP"]


def test_nobody_names_a_secret_through_a_blank_that_they_may_not_name(app, edith):
    made = filled({"command": "true", "env": {"K": "{{x}}"}}, {"x": "${secret:SHOP}"}, {"name": "x"})
    with pytest.raises(Invalid):
        definitions.create(as_actor(edith), {**made, "name": "mine"})


def test_a_secret_that_is_filled_in_is_sealed_in_the_task(app, edith):
    call = http(auth={"type": "bearer", "token": "{{x}}"})
    row = own_recipes.create(as_actor(edith), GOOD | {"parameters": [{"name": "x", "type": "secret"}], "task": call})
    task = definitions.create(as_actor(edith), {**rendered(own_recipes.as_recipe(row), {"x": "hunter2"}), "name": "call"})
    assert "hunter2" not in str(task.content)


def who_sees(row: OwnRecipe, *users) -> list[str]:
    return [user.username for user in users if own_recipes.may(as_actor(user), "task.see", row)]


def test_a_private_one_is_for_its_owner_and_administrators(app, ada, edith, victor, mallory):
    row = own_recipes.create(as_actor(edith), GOOD | {"private": True})
    assert who_sees(row, ada, edith, victor, mallory) == ["ada", "edith"]
    with pytest.raises(NotFound):
        own_recipes.edit(as_actor(victor), row.key, {"name": "Mine"})


def test_one_shared_with_everybody_is_seen_by_everybody_and_edited_by_editors(app, ada, edith, victor, mallory):
    row = own_recipes.create(as_actor(ada), GOOD)
    assert who_sees(row, ada, edith, victor, mallory) == ["ada", "edith", "victor", "mallory"]
    own_recipes.edit(as_actor(edith), row.key, {"name": "Better"})
    with pytest.raises(Forbidden):
        own_recipes.remove(as_actor(victor), row.key)


def test_one_of_a_group_is_not_there_for_who_is_limited_to_others(app, ada, mallory):
    make_group("reports")
    row = own_recipes.create(as_actor(ada), GOOD | {"group": "reports"})
    with pytest.raises(NotFound):
        own_recipes.find(as_actor(mallory), row.key)


def test_nobody_shares_in_a_group_they_may_not_create_in(app, victor, mallory):
    make_group("reports")
    for user, error in ((victor, Forbidden), (mallory, Invalid)):
        with pytest.raises(error):
            own_recipes.create(as_actor(user), GOOD | {"group": "reports"})
    assert not db.session.scalars(select(OwnRecipe)).all()


def test_who_is_limited_to_groups_keeps_one_to_themselves_or_shares_it_there(app, ada, mallory):
    group = make_group("reports")
    groups.grant(as_actor(ada), group, mallory.id, "editor")
    for number, place in enumerate(({"private": True}, {"group": "reports"})):
        assert own_recipes.create(as_actor(mallory), GOOD | place | {"name": f"Mine {number}"}).owner_id == mallory.id
    with pytest.raises(Forbidden):
        own_recipes.create(as_actor(mallory), GOOD)


def test_a_group_that_templates_are_shared_in_stays(app, ada):
    group = make_group("reports")
    own_recipes.create(as_actor(ada), GOOD | {"group": "reports"})
    with pytest.raises(Conflict):
        groups.remove(as_actor(ada), group.id)
    assert db.session.get(Group, group.id)


def test_a_task_becomes_one_with_its_variables_as_parameters(app, edith):
    make_task(as_actor(edith), name="Nightly", key="nightly", command='echo "$who"', params={"who": "all", "other": "x"})
    values = recipe_of_task.values(as_actor(edith), "nightly")
    assert values["parameters"] == [{"name": "who", "type": "text", "default": "all"}]
    row = own_recipes.create(as_actor(edith), values)
    assert rendered(own_recipes.as_recipe(row), {"who": "you"})["params"] == {"who": "you", "other": "x"}


def test_no_secret_of_a_task_comes_along(app, edith):
    auth = {"type": "basic", "username": "lin", "password": "hunter2"}
    make_task(as_actor(edith), key="call", type="http", url="https://h.org/", auth=auth, env={"API_TOKEN": "sesame"})
    row = own_recipes.create(as_actor(edith), recipe_of_task.values(as_actor(edith), "call"))
    assert "hunter2" not in str(own_recipes.written(row)) and "sesame" not in str(own_recipes.written(row))
    made = rendered(own_recipes.as_recipe(row), {"password": "new", "api_token": "newer"})
    assert (made["auth"]["password"], made["env"]) == ("new", {"API_TOKEN": "newer"})


def test_only_those_who_may_edit_a_task_make_a_template_of_it(app, ada, victor):
    make_task(as_actor(ada), key="nightly")
    with pytest.raises(Forbidden):
        recipe_of_task.values(as_actor(victor), "nightly")
