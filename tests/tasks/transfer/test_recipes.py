"""Recipes in files: what goes out comes in as it was, by key, by those who may, whole or not at all."""

import pytest
from sqlalchemy import select

from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db
from scheduler.errors import Invalid
from scheduler.tasks import own_recipes
from scheduler.tasks.models import OwnRecipe
from scheduler.tasks.transfer import exchange
from scheduler.tasks.transfer.changes import Options
from tests.factories import as_actor, make_group, make_task

GOOD = {
    "name": "Pack a folder",
    "category": "backup",
    "description": "two\nlines: {{x}}",
    "parameters": [{"name": "source", "required": True, "pattern": "/.*"}, {"name": "wait", "type": "number", "default": 60}],
    "task": {"type": "shell", "command": 'tar -c "$source"', "timeout_seconds": "{{wait}}"},
}


def read(text: str, format_: str = "yaml"):
    return exchange.read(text.encode(), format_)


def empty() -> None:
    for row in db.session.scalars(select(OwnRecipe)).unique():
        db.session.delete(row)
    db.session.commit()


@pytest.mark.parametrize("format_", ["yaml", "json"])
def test_what_goes_out_comes_in_as_it_was(app, format_):
    make_group("reports")
    own_recipes.create(SYSTEM, GOOD | {"group": "reports"})
    own_recipes.create(SYSTEM, {"name": "Mine", "private": True, "task": {"command": "true"}})
    file = exchange.recipes_written(SYSTEM, format_)
    empty()
    exchange.bring_in(SYSTEM, read(file, format_))
    assert exchange.recipes_written(SYSTEM, format_) == file and "reports" in file


def test_replacing_deletes_what_the_file_lacks_and_its_name_is_free(app):
    own_recipes.create(SYSTEM, GOOD)
    file = exchange.recipes_written(SYSTEM, "yaml").replace("pack-a-folder", "packer")
    plan = exchange.bring_in(SYSTEM, read(file), Options(replace=True))
    assert [(change.action, change.key) for change in plan.recipes] == [("create", "packer"), ("delete", "pack-a-folder")]
    assert [row.key for row in own_recipes.listed(SYSTEM)] == ["packer"]


def test_replacing_by_a_whole_export_leads_to_what_it_was_written_of(app):
    before = exchange.written(SYSTEM, "yaml")
    own_recipes.create(SYSTEM, GOOD)
    exchange.bring_in(SYSTEM, read(before), Options(replace=True))
    assert exchange.written(SYSTEM, "yaml") == before and own_recipes.listed(SYSTEM) == []


def test_replacing_by_a_file_that_says_nothing_of_them_leaves_them_alone(app):
    own_recipes.create(SYSTEM, GOOD)
    task = make_task()
    file = exchange.written(SYSTEM, "yaml", frozenset([task.id]))
    exchange.bring_in(SYSTEM, read(file), Options(replace=True))
    assert "templates" not in file and len(own_recipes.listed(SYSTEM)) == 1


def test_replacing_deletes_none_that_one_may_not_delete_nor_see(app, ada, edith):
    own_recipes.create(as_actor(ada), GOOD)
    own_recipes.create(as_actor(ada), {"name": "Mine", "private": True, "task": {"command": "true"}})
    before = [row.key for row in own_recipes.listed(SYSTEM)]
    text = "format: scheduler\nversion: 1\ntemplates: []\n"
    plan = exchange.bring_in(as_actor(edith), read(text), Options(replace=True))
    assert [change.key for change in plan.recipes] == ["pack-a-folder"] and before == ["mine", "pack-a-folder"]


def test_what_stands_already_is_left_as_it_is(app):
    row = own_recipes.create(SYSTEM, GOOD)
    plan = exchange.bring_in(SYSTEM, read(exchange.recipes_written(SYSTEM, "yaml")))
    assert ([change.action for change in plan.recipes], row.version) == (["same"], 1)


def test_a_file_changes_the_one_of_its_key(app):
    row = own_recipes.create(SYSTEM, GOOD)
    file = exchange.recipes_written(SYSTEM, "yaml").replace("Pack a folder", "Pack it")
    (change,) = exchange.bring_in(SYSTEM, read(file)).recipes
    assert (change.action, change.fields["name"], row.name, row.version) == ("change", ("Pack a folder", "Pack it"), "Pack it", 2)


def test_two_may_change_their_names_for_each_others(app):
    for name in ("one", "two"):
        own_recipes.create(SYSTEM, {"name": name, "task": {"command": "true"}})
    file = exchange.recipes_written(SYSTEM, "yaml").replace("name: one", "name: X").replace("name: two", "name: one")
    exchange.bring_in(SYSTEM, read(file.replace("name: X", "name: two")))
    assert {row.key: row.name for row in own_recipes.listed(SYSTEM)} == {"one": "two", "two": "one"}


def test_the_file_of_everything_has_them_beside_the_tasks(app):
    own_recipes.create(SYSTEM, GOOD)
    task = make_task()
    assert "templates:" in exchange.written(SYSTEM, "yaml")
    assert "templates:" not in exchange.written(SYSTEM, "yaml", frozenset({task.id}))


def test_it_says_what_is_wrong_with_its_line_and_brings_nothing_in(app):
    own_recipes.create(SYSTEM, GOOD)
    file = exchange.recipes_written(SYSTEM, "yaml").replace("key: pack-a-folder", "key: other").replace("$source", "nothing")
    empty()
    with pytest.raises(Invalid) as refused:
        exchange.bring_in(SYSTEM, read(file))
    assert [problem.field for problem in refused.value.problems] == ["line 5: templates[0].parameters.0.name"]
    assert own_recipes.listed(SYSTEM) == []


def test_one_that_is_not_to_be_seen_is_not_changed(app, ada, edith):
    own_recipes.create(as_actor(ada), GOOD | {"private": True})
    file = exchange.recipes_written(as_actor(ada), "yaml").replace("  private: true\n", "")
    with pytest.raises(Invalid, match="taken"):
        exchange.bring_in(as_actor(edith), read(file))


def test_a_group_one_may_not_see_is_not_there(app, ada, mallory):
    make_group("reports")
    own_recipes.create(as_actor(ada), GOOD | {"group": "reports"})
    file = exchange.recipes_written(as_actor(ada), "yaml")
    empty()
    with pytest.raises(Exception, match=r"role|group"):
        exchange.bring_in(as_actor(mallory), read(file))
    assert own_recipes.listed(as_actor(ada)) == []


def test_nobody_takes_away_what_they_may_not_see(app, ada, edith):
    own_recipes.create(as_actor(ada), GOOD | {"private": True})
    assert "templates: []" in exchange.recipes_written(as_actor(edith), "yaml")
