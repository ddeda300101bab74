"""The user of the machine a task runs as: who may choose one, which names are refused, what the way to a workspace opens."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from scheduler.accounts.models import User
from scheduler.errors import Forbidden, Invalid
from scheduler.tasks import definitions, identity
from scheduler.tasks.transfer import exchange, native
from scheduler.tasks.transfer.changes import PLAIN
from tests.factories import as_actor, make_task

SignIn = Callable[[str], FlaskClient]
OURS = identity.pwd.getpwuid(os.geteuid()).pw_name


def test_an_administrator_chooses_a_user(app: Flask, ada: User) -> None:
    task = make_task(as_actor(ada), run_as=OURS)
    assert (task.policy["run_as"], definitions.written(task)["run_as"]) == (OURS, OURS)


def test_an_editor_may_not_choose_one(app: Flask, edith: User) -> None:
    with pytest.raises(Forbidden, match="only administrators"):
        make_task(as_actor(edith), run_as=OURS)


def test_an_editor_may_not_change_what_runs_as_another(app: Flask, ada: User, edith: User) -> None:
    task = make_task(as_actor(ada), run_as=OURS)
    for change in ({"command": "id"}, {"run_as": ""}, {"env": {"PATH": "/tmp"}}):
        with pytest.raises(Forbidden):
            definitions.edit(as_actor(edith), task.id, change)
    with pytest.raises(Forbidden):
        definitions.clone(as_actor(edith), task.id, "mine")


def test_a_file_brings_no_other_user_in_for_an_editor(app: Flask, ada: User, edith: User) -> None:
    task = make_task(as_actor(ada), run_as=OURS)
    for change in ({"command": "id"}, {"command": "id", "run_as": ""}):
        values = definitions.written(task) | change
        document = native.as_json(native.document((), ({name: value for name, value in values.items() if value is not None},)))
        with pytest.raises(Invalid, match="only administrators"):
            exchange.bring_in(as_actor(edith), exchange.read(document.encode(), "json"), PLAIN)


def test_an_operator_still_pauses_it(app: Flask, ada: User, oscar: User) -> None:
    task = make_task(as_actor(ada), run_as=OURS, cron="0 2 * * *")
    assert definitions.disable(as_actor(oscar), task.id).enabled is False


@pytest.mark.parametrize("name", ["nobody-of-that-name", "with space", "0"])
def test_a_name_nobody_has_is_refused(app: Flask, ada: User, name: str) -> None:
    with pytest.raises(Invalid, match="There is no user"):
        make_task(as_actor(ada), run_as=name)


def test_a_server_that_may_not_switch_says_so(app: Flask, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "may_switch", lambda: False)
    monkeypatch.setattr(identity.os, "geteuid", lambda: 4242)
    with pytest.raises(Invalid, match="may not run tasks as other users"):
        make_task(as_actor(ada), run_as="root")


def test_a_task_whose_user_has_gone_can_still_be_disabled(app: Flask, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    task = make_task(as_actor(ada), run_as=OURS, cron="0 2 * * *")
    monkeypatch.setattr(identity, "of", _gone)
    assert definitions.disable(as_actor(ada), task.id).enabled is False


def _gone(_name: str) -> None:
    raise Invalid.because("There is no user.")


def test_the_way_to_workspaces_opens_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "scheduler.db").write_text("")
    (tmp_path / "scheduler.db").chmod(0o644)
    (tmp_path / "keys").mkdir(0o755)
    tmp_path.chmod(0o700)
    identity.open_way(tmp_path)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path, *tmp_path.iterdir())}
    assert modes == {tmp_path.name: 0o711, "workspaces": 0o711, "scheduler.db": 0o600, "keys": 0o700}


def test_the_form_says_at_the_field_who_may_choose(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in("edith")
    page = browser.get("/tasks/new").get_data(as_text=True)
    token = page.partition('name="csrf-token" content="')[2].partition('"')[0]
    form = {"name": "as root", "type": "shell", "type_was": "shell", "schedule_type": "manual", "schedule_was": "manual",
            "command": "id", "run_as": "root", "csrf_token": token}  # fmt: skip
    answer = browser.post("/tasks/new", data=form)
    assert (answer.status_code, "only administrators may choose" in answer.get_data(as_text=True)) == (403, True)
