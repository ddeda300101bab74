"""The pages on secrets: kept, replaced, removed, each without a value on any page; what a task's form says of them."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from scheduler.accounts.permissions import SYSTEM
from scheduler.errors import NotFound
from scheduler.tasks import secrets
from tests.factories import make_group, make_task
from tests.web.test_account import send

SignInAs = Callable[[str], FlaskClient]
VALUE = "hunter2-canary"
NEW = "/admin/secrets/new"
GOOD = {"name": "TOKEN", "value": VALUE, "groups": "default"}
TOKEN = "${secret:TOKEN}"


def value(name: str = "TOKEN", group: int = 1) -> str:
    return secrets.opened(group, "", [name])[name]


def test_it_keeps_one_and_shows_it_never_again(sign_in: SignInAs) -> None:
    client = sign_in("ada")
    assert send(client, NEW, **GOOD)[0] == 303 and value() == VALUE
    pages = [client.get(path).text for path in ("/admin/secrets", "/admin/secrets/1", "/admin/secrets/1/remove", "/tasks/new")]
    assert all("TOKEN" in page and VALUE not in page for page in pages)


def test_it_takes_the_lines_of_a_key_as_they_are_and_no_stray_line_break(sign_in: SignInAs) -> None:
    client = sign_in("ada")
    send(client, NEW, **GOOD | {"value": "line one\r\nline two\r\n"})
    send(client, NEW, **GOOD | {"name": "OTHER", "value": "one line\r\n"})
    assert (value(), value("OTHER")) == ("line one\nline two\n", "one line")


@pytest.mark.parametrize(("change", "field"), [
    ({"name": "no name"}, "name"), ({"value": "abc"}, "value"), ({"value": ""}, "value"), ({"groups": "nowhere"}, "groups"),
])  # fmt: skip
def test_it_says_beside_the_field_why_not_and_shows_no_value(sign_in: SignInAs, change: dict[str, str], field: str) -> None:
    status, page = send(sign_in("ada"), NEW, **GOOD | change)
    assert status == 422 and f'id="field-{field}' in page and 'role="alert"' in page
    assert VALUE not in page and ("type it once more" in page or field == "value") and not secrets.listed(SYSTEM)


def test_a_name_that_is_taken_replaces_nothing(sign_in: SignInAs) -> None:
    client = sign_in("ada")
    send(client, NEW, **GOOD)
    assert send(client, NEW, **GOOD | {"value": "another one"})[0] == 409 and value() == VALUE


def test_an_empty_value_leaves_the_one_that_is_kept(sign_in: SignInAs) -> None:
    client, group = sign_in("ada"), make_group("ops")
    send(client, NEW, **GOOD)
    assert send(client, "/admin/secrets/1", value="", groups="ops")[0] == 303 and value(group=group.id) == VALUE
    send(client, "/admin/secrets/1", value="another one", groups="ops")
    assert value(group=group.id) == "another one"


def test_it_asks_before_removing_and_names_the_tasks(sign_in: SignInAs) -> None:
    client = sign_in("ada")
    send(client, NEW, **GOOD)
    assert "No task names it." in client.get("/admin/secrets/1/remove").text
    make_task(name="deploy", env={"T": TOKEN})
    assert "One task names it and fails without it: deploy." in client.get("/admin/secrets/1/remove").text
    assert "deploy" in client.get("/admin/secrets").text
    assert send(client, "/admin/secrets/1/remove")[0] == 303
    with pytest.raises(NotFound):
        secrets.found(SYSTEM, "TOKEN")


def test_a_hostile_name_of_a_task_stays_text(sign_in: SignInAs) -> None:
    send(client := sign_in("ada"), NEW, **GOOD)
    make_group("g", description="").name = "x"
    make_task(name='"onload=alert(1) x="', env={"T": TOKEN})
    assert '"onload=' not in client.get("/admin/secrets").text + client.get("/admin/secrets/1/remove").text


@pytest.mark.parametrize("name", ["edith", "oscar", "victor", "mallory"])
def test_it_is_for_administrators(sign_in: SignInAs, name: str) -> None:
    client = sign_in(name)
    assert client.get("/admin/secrets").status_code == 403 and "/admin/secrets" not in client.get("/tasks").text
    assert send(client, NEW, **GOOD)[0] == 403 and not secrets.listed(SYSTEM)


def test_a_tasks_form_names_those_that_may_be_named(sign_in: SignInAs) -> None:
    make_group("ops")
    secrets.put(SYSTEM, "OPS", {"value": VALUE, "groups": ["ops"]})
    secrets.put(SYSTEM, "NOBODYS", {"value": VALUE, "groups": []})
    page = sign_in("edith").get("/tasks/new").text
    assert "${secret:OPS}" in page and "NOBODYS" not in page and VALUE not in page


def test_a_form_that_names_an_unknown_one_is_told_at_its_field(sign_in: SignInAs) -> None:
    form = {
        "name": "t",
        "type": "shell",
        "command": "env",
        "shell": "sh",
        "schedule_type": "manual",
        "env-key": "T",
        "env-value": TOKEN,
    }
    status, page = send(sign_in("edith"), "/tasks/new", **form)
    assert status == 422 and "There is no secret “TOKEN” that tasks of the group “default” may name." in page
    assert 'id="field-env-error"' in page


def test_a_name_typed_into_a_secret_field_stays_there_a_value_does_not(sign_in: SignInAs) -> None:
    form = {"name": "", "type": "http", "url": "http://x", "schedule_type": "manual", "auth.type": "bearer"}
    page = send(sign_in("edith"), "/tasks/new", **form, **{"auth.token": TOKEN})[1]
    assert f'value="{TOKEN}"' in page and "type it once more" not in page
    assert VALUE not in send(sign_in("edith"), "/tasks/new", **form, **{"auth.token": VALUE})[1]
