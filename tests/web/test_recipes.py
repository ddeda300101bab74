"""The pages of templates: the gallery, a task made of one, one made, edited and deleted; who sees what; without JavaScript."""

import pytest
from sqlalchemy import select

from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db
from scheduler.tasks import own_recipes, recipe_of_task
from scheduler.tasks.models import OwnRecipe, Task
from scheduler.web import recipe_forms
from tests.factories import as_actor, make_group, make_task
from tests.web.forms import send, text_of

OWN = {
    "name": "Pack a folder",
    "category": "backup",
    "description": "<b>packs</b>",
    "parameters": [
        {"name": "folder", "required": True, "pattern": "/.+"},
        {"name": "how", "default": "a", "choices": ["a", "b, c"]},
        {"name": "times", "type": "list", "default": ["02:00", "14:00"]},
        {"name": "token", "type": "secret"},
    ],
    "task": {
        "type": "http",
        "url": "https://example.org/{{folder}}?how={{how}}",
        "auth": {"type": "bearer", "token": "{{token}}"},
        "schedule_type": "daily",
        "schedule_config": {"times": "{{times}}"},
    },
}  # fmt: skip
FILLED = {"name": "Nightly", "params.folder": "/a b", "params.how": "b, c", "params.times": "03:00", "params.token": "hunter2"}


def own(**changes) -> OwnRecipe:
    return own_recipes.create(SYSTEM, OWN | changes)


def stored() -> list[OwnRecipe]:
    db.session.rollback()
    return list(db.session.scalars(select(OwnRecipe)).unique())


def as_form(row: OwnRecipe) -> dict[str, list[str]]:
    return {name: values for name, values in recipe_forms.typed(own_recipes.written(row)).lists()} | {
        "version": [str(row.version)]
    }


def test_the_gallery_has_built_in_ones_and_ones_own_by_category(sign_in):
    own()
    page = text_of(sign_in("victor").get("/templates"))
    assert (
        page.index(">Backup</h2>") < page.index("Back up folders") < page.index("Pack a folder") < page.index(">Monitoring</h2>")
    )
    assert "&lt;b&gt;packs" in page and "/templates/new" not in page


@pytest.mark.parametrize("kind", ["backup", "recovery", "cleanup", "health_check", "retention_check", "database_backup"])
def test_every_built_in_one_has_its_page(sign_in, kind):
    page = sign_in("edith").get(f"/templates/{kind}")
    assert page.status_code == 200 and "Create the task" in text_of(page)


def test_the_page_of_one_shows_what_would_come_of_it(sign_in):
    page = text_of(sign_in("edith").get("/templates/health_check"))
    assert "Every 30 minutes" in page and "max_used_percent" in page and "df -h" in page


def test_a_task_is_made_of_what_is_filled_in(sign_in):
    own()
    answer = send(sign_in("edith"), "/templates/pack-a-folder", FILLED | {"is_active": "1"})
    task = db.session.scalars(select(Task)).one()
    assert answer.location == f"/tasks/{task.id}" and task.owner_id
    assert (task.content["url"], task.schedule_config) == ("https://example.org//a%20b?how=b%2C%20c", {"times": ["03:00"]})


def test_what_is_wrong_is_said_at_its_field_and_nothing_is_made(sign_in):
    own()
    answer = send(sign_in("edith"), "/templates/pack-a-folder", FILLED | {"params.folder": "relative", "name": ""})
    assert answer.status_code == 422 and {"field-params-folder-error", "field-name-error"} <= set(text_of(answer).split('"'))
    assert db.session.scalars(select(Task)).all() == []


def test_a_secret_that_was_typed_is_not_shown_again(sign_in):
    own()
    for form in (FILLED | {"choose": "preview"}, FILLED | {"name": ""}):
        assert "hunter2" not in text_of(send(sign_in("edith"), "/templates/pack-a-folder", form))


def test_without_javascript_a_button_shows_what_would_come_of_it(sign_in):
    own()
    page = text_of(send(sign_in("edith"), "/templates/pack-a-folder", FILLED | {"choose": "preview"}))
    assert "https://example.org//a%20b?how=b%2C%20c" in page and db.session.scalars(select(Task)).all() == []


def test_htmx_gets_the_outcome_alone(sign_in):
    page = text_of(send(sign_in("edith"), "/templates/cleanup/preview", {"params.retention_days": "3"}, htmx="1"))
    assert page.lstrip().startswith('<div id="outcome">') and "retention_days" in page


def test_a_flag_that_is_switched_off_is_off(sign_in):
    send(sign_in("edith"), "/templates/backup", {"name": "x", "params.source_paths": "/a\n/b"})
    assert db.session.scalars(select(Task)).one().params == {"source_paths": "/a\n/b", "compression_enabled": "false"}


def test_the_form_says_what_the_template_says(app):
    row = own()
    assert own_recipes.written(row) == own_recipes.written(own_recipes.edit(SYSTEM, row.key, recipe_forms.values(
        recipe_forms.Typed(as_form(row)))))  # fmt: skip


def test_one_is_made_from_scratch(sign_in):
    form = recipe_forms.typed(recipe_forms.EXAMPLE)
    answer = send(sign_in("edith"), "/templates/new", {**dict(form.lists()), "name": "Sizes", "share": "all"})
    (row,) = stored()
    assert (answer.location, row.private, [one["name"] for one in row.parameters]) == (
        "/templates/sizes",
        False,
        ["folder", "time"],
    )


def test_one_is_made_of_a_task(sign_in):
    task = make_task(name="Greet", command='echo "$who"', params={"who": "all"})
    client = sign_in("edith")
    assert f"/templates/new?task={task.id}" in text_of(client.get(f"/tasks/{task.id}"))
    page = text_of(client.get(f"/templates/new?task={task.id}"))
    form = recipe_forms.typed(recipe_of_task.values(SYSTEM, task.id))
    assert send(client, "/templates/new", dict(form.lists())).location == "/templates/greet"
    assert 'value="Greet"' in page and 'value="who"' in page and "echo &#34;$who&#34;" in page


def test_another_type_brings_its_fields(sign_in):
    page = text_of(send(sign_in("edith"), "/templates/fields", {"type": "http", "type_was": "shell"}, htmx="1"))
    assert 'name="url"' in page and 'name="command"' not in page


def test_a_spare_row_more_is_to_be_had_without_javascript(sign_in):
    page = text_of(send(sign_in("edith"), "/templates/new", {"type": "shell", "type_was": "shell", "choose": "rows"}))
    assert page.count('name="p-name"') == 3 and not stored()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "field-name-error"),
        ({"p-pattern": ["(", "", "", ""]}, "parameter-1-error"),
        ({"p-default": ["", "z", "", ""]}, "parameter-2-error"),
        ({"url": "https://{{nobody}}/{{folder}}?how={{how}}"}, "field-url-error"),
        ({"rest": "schedule_type: [daily"}, "field-rest-error"),
        ({"rest": "schedule_type: fortnightly\ndescription: '{{times}}'"}, "field-rest-error"),
        ({"auth.token": "hunter2"}, "field-auth-token-error"),
    ],
)
def test_what_is_wrong_with_one_is_said_where_it_stands(sign_in, change, field):
    row = own()
    answer = send(sign_in("edith"), "/templates/pack-a-folder/edit", as_form(row) | change)
    assert answer.status_code == 422 and f'id="{field}"' in text_of(answer) and stored()[0].version == 1
    assert "hunter2" not in text_of(answer)


def test_who_was_slower_may_take_or_overwrite(sign_in):
    row = own()
    form = as_form(row)
    own_recipes.edit(SYSTEM, row.key, {"name": "First"})
    client = sign_in("edith")
    refused = send(client, "/templates/pack-a-folder/edit", form | {"name": "Second"})
    assert refused.status_code == 409 and 'name="over" value="2"' in text_of(refused) and stored()[0].name == "First"
    send(client, "/templates/pack-a-folder/edit", form | {"name": "Second", "over": "2"})
    assert stored()[0].name == "Second"


def test_deleting_asks_first(sign_in):
    own()
    client = sign_in("edith")
    assert "Pack a folder" in text_of(client.get("/templates/pack-a-folder/delete")) and stored()
    assert send(client, "/templates/pack-a-folder/delete").location == "/templates" and not stored()


def test_a_viewer_looks_and_changes_nothing(sign_in):
    own()
    victor = sign_in("victor")
    page = text_of(victor.get("/templates/pack-a-folder"))
    assert "Create the task" not in page and "/edit" not in page.partition("<main")[2]
    for path in ("/templates/new", "/templates/pack-a-folder/edit", "/templates/pack-a-folder/delete"):
        assert victor.get(path).status_code == 403


def test_what_is_private_or_of_another_group_is_not_there(sign_in, ada):
    make_group("reports")
    own_recipes.create(as_actor(ada), OWN | {"private": True})
    own_recipes.create(as_actor(ada), OWN | {"name": "Theirs", "group": "reports"})
    mallory = sign_in("mallory")
    assert mallory.get("/templates/pack-a-folder").status_code == mallory.get("/templates/theirs").status_code == 404


def test_one_goes_out_as_a_file_and_comes_in_again(sign_in):
    own()
    client = sign_in("edith")
    file = client.get("/templates/export?key=pack-a-folder")
    assert 'filename="pack-a-folder.yaml"' in file.headers["Content-Disposition"]
    own_recipes.remove(SYSTEM, "pack-a-folder")
    preview = text_of(send(client, "/tasks/import", {"text": text_of(file), "format": "yaml"}))
    assert "Templates made or changed: Pack a folder" in preview
    assert send(client, "/tasks/import", {"text": text_of(file), "format": "yaml", "sure": "1"}).location == "/templates"
    assert "Templates made or changed: Pack a folder" in text_of(client.get("/templates"))
    assert client.get("/templates/export?key=pack-a-folder").data == file.data
