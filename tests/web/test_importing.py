"""Bringing tasks in on the page: looked at first, then confirmed; and taking them away."""

import json
import re
from collections.abc import Callable
from io import BytesIO

import pytest
from flask.testing import FlaskClient

from scheduler.accounts.models import User
from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db
from scheduler.notify import rule_verbs
from scheduler.tasks import own_recipes
from scheduler.tasks.models import Task
from scheduler.tasks.transfer import exchange, source
from tests.web.forms import send, task, text_of

SignIn = Callable[[str], FlaskClient]
QUIET = {"name": "Quiet", "command": "true", "schedule_type": "manual", "type": "shell"}
CRONTAB = "MAILTO=me@example.org\n# Nightly backup\n0 2 * * * /opt/backup.sh\n#0 3 * * * old\n"


def names() -> set[str]:
    db.session.expire_all()
    return {one.name for one in db.session.query(Task) if one.deleted_at is None}


def confirmed(client: FlaskClient, page: str) -> str:
    """Press the button of the preview."""
    form = page[page.index('name="packed"') - 300 :].partition("</form>")[0]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    assert "sure" in fields
    return send(client, "/tasks/import", fields).location


def test_it_shows_first_and_does_it_then(sign_in: SignIn) -> None:
    client = sign_in("edith")
    page = text_of(send(client, "/tasks/import", {"text": CRONTAB}))
    assert "New: 1" in page and "14 runs more, 0 less" in page and names() == set()
    for told in ("Nothing is mailed", "A line that is switched off", "Nightly backup"):
        assert told in page
    assert confirmed(client, page) == "/tasks" and names() == {"Nightly backup"}
    assert "One task was created." in text_of(client.get("/tasks"))


def test_a_file_is_uploaded(sign_in: SignIn) -> None:
    client = sign_in("edith")
    form = {"file": (BytesIO(CRONTAB.encode()), "crontab"), "replace": "", "enable": "1"}
    assert confirmed(client, text_of(send(client, "/tasks/import", form))) == "/tasks"
    assert db.session.query(Task).one().enabled


@pytest.mark.slow  # thousands of lines
def test_a_large_file_is_taken(sign_in: SignIn) -> None:
    form = {"file": (BytesIO(CRONTAB.encode() + b"# x\n" * 90_000 + b"#" * 9_000_000), "crontab")}
    assert "New: 1" in text_of(send(sign_in("edith"), "/tasks/import", form))


def test_what_is_wrong_is_shown_by_line(sign_in: SignIn) -> None:
    answer = send(sign_in("edith"), "/tasks/import", {"text": "0 1 * * * fine\n61 * * * * wrong\n", "format": "crontab"})
    page = text_of(answer)
    assert answer.status_code == 422 and "Minute 61" in page
    assert re.search(r"<li>Line 2: <span[^>]*>schedule_config.minute</span>: Minute 61", page)
    assert 'name="sure"' not in page and "61 * * * * wrong" in page


def test_a_change_is_shown_with_before_and_after(sign_in: SignIn) -> None:
    task("backup")
    client = sign_in("edith")
    export = text_of(client.get("/tasks/export?format=yaml"))
    page = text_of(send(client, "/tasks/import", {"text": export.replace("02:00", "03:00"), "format": "yaml"}))
    assert "Changed: 1" in page and "02:00" in page and "03:00" in page
    assert "Nothing would change." in text_of(send(client, "/tasks/import", {"text": export}))


def test_replacing_is_shown_before_it_deletes(sign_in: SignIn) -> None:
    task("old")
    client = sign_in("edith")
    page = text_of(send(client, "/tasks/import", {"text": CRONTAB, "replace": "1"}))
    assert "Deleted: 1" in page and names() == {"old"}
    confirmed(client, page)
    assert names() == {"Nightly backup"}


@pytest.mark.parametrize("form", [{}, {"text": " "}, {"packed": "???"}, {"packed": "aGFsbG8="}, {"text": "{", "format": "json"}])
def test_nothing_and_nonsense_are_told_at_the_field(sign_in: SignIn, form: dict[str, str]) -> None:
    answer = send(sign_in("edith"), "/tasks/import", form)
    assert answer.status_code == 422 and names() == set()


def test_markup_in_a_crontab_stays_text(sign_in: SignIn) -> None:
    page = text_of(
        send(sign_in("edith"), "/tasks/import", {"text": "# <b>bold</b>\n0 1 * * * echo '<script>alert(1)</script>'\n"})
    )
    assert "<script>alert" not in page and "<b>bold" not in page


def test_who_may_do_it(sign_in: SignIn) -> None:
    for name in ("victor", "oscar", "mallory"):
        client = sign_in(name)
        assert client.get("/tasks/import").status_code == 403
        assert send(client, "/tasks/import", {"text": CRONTAB}).status_code == 403


def test_those_that_are_ticked_are_exported(sign_in: SignIn) -> None:
    task("a"), task("b")
    answer = send(sign_in("edith"), "/tasks/bulk", {"action": "export", "ids": "2"})
    assert [entry.values["name"] for entry in exchange.read(answer.data, "yaml").entries] == ["b"]


def test_everything_is_exported_from_the_list(sign_in: SignIn) -> None:
    task("a")
    client = sign_in("victor")
    assert "/tasks/export?format=yaml" in text_of(client.get("/tasks"))
    answer = client.get("/tasks/export?format=tasks.json")
    assert answer.mimetype == "application/json" and "tasks.json" in answer.headers["Content-Disposition"]


def test_the_first_page_leads_to_it(sign_in: SignIn) -> None:
    assert 'href="/tasks/import"' in text_of(sign_in("edith").get("/tasks"))


def test_templates_and_rules_are_shown_before_they_come_and_go(sign_in: SignIn) -> None:
    client = sign_in("ada")
    own_recipes.create(SYSTEM, {"name": "Packing", "task": {"command": "true"}})
    channels = [{"type": "inbox", "users": ["ada"]}]
    rule_verbs.create(SYSTEM, {"scope": "all"}, {"name": "Quiet", "triggers": ["lost"], "channels": channels})
    rules = [{"scope": "all", "name": "Loud", "triggers": ["lost"], "channels": channels}]
    text = json.dumps({"format": "scheduler", "version": 1, "templates": [], "rules": rules})
    page = text_of(send(client, "/tasks/import", {"text": text, "replace": "1"}))
    for told in ("Templates deleted: Packing", "rules made or changed: *: Loud", "rules deleted: *: Quiet"):
        assert told in page
    confirmed(client, page)
    assert [known.rule.terms["name"] for known in rule_verbs.listed(SYSTEM)] == ["Loud"] and own_recipes.listed(SYSTEM) == []


@pytest.fixture
def with_a_rule_for_all(ada: User) -> str:
    """A file with a rule that no editor may bring in."""
    told = {"name": "Night watch", "triggers": ["lost"], "channels": [{"type": "inbox", "users": ["ada"]}]}
    return json.dumps({"format": "scheduler", "version": 1, "groups": [], "rules": [{"scope": "all", **told}], "tasks": [QUIET]})


def test_a_rule_that_is_not_an_editor_s_to_make_is_named_with_the_way_round(sign_in: SignIn, with_a_rule_for_all: str) -> None:
    answer = send(sign_in("edith"), "/tasks/import", {"text": with_a_rule_for_all})
    assert answer.status_code == 422
    assert "“Night watch” speaks of all tasks" in text_of(answer) and "have somebody bring it in" in text_of(answer)


def test_an_editor_brings_in_the_rest(sign_in: SignIn, with_a_rule_for_all: str) -> None:
    client = sign_in("edith")
    page = text_of(send(client, "/tasks/import", {"text": with_a_rule_for_all, "allowed_only": "1"}))
    assert "Left out, as you may not do that:" in page and "“Night watch”" in page
    assert confirmed(client, page) == "/tasks" and names() == {"Quiet"}


@pytest.fixture
def in_chinese(sign_in: SignIn, edith: User) -> FlaskClient:
    edith.language = "zh"
    db.session.commit()
    return sign_in("edith")


def test_the_place_is_said_in_the_viewer_s_language(in_chinese: FlaskClient) -> None:
    page = text_of(send(in_chinese, "/tasks/import", {"text": "0 1 * * * fine\n61 * * * * wrong\n"}))
    assert "第 2 行" in page and "line 2" not in page
    page = text_of(send(in_chinese, "/tasks/import", {"text": "format: scheduler\nversion: 1\nversion: 1"}))
    assert "第 3 行：“version” 出现了两次" in page and "line 3" not in page


def test_what_is_not_shown_is_counted(sign_in: SignIn) -> None:
    page = text_of(send(sign_in("edith"), "/tasks/import", {"text": "nonsense\n" * 520}))
    assert page.count("20 more are not listed.") == 2 and "Line 500: " in page and "Line 501" not in page


def test_what_was_not_looked_at_is_said(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "ENOUGH", 5)
    page = text_of(send(sign_in("edith"), "/tasks/import", {"text": "nonsense\n" * 9}))
    assert "the rest was not looked at" in page and page.count("Not looked at") == 4


def test_what_came_to_be_wrong_since_the_preview_is_told(sign_in: SignIn) -> None:
    client = sign_in("edith")
    page = text_of(send(client, "/tasks/import", {"text": json.dumps({"format": "scheduler", "version": 1, "tasks": [QUIET]})}))
    task("Quiet", key="other")
    form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page[page.index('name="packed"') - 10 :]))
    answer = send(client, "/tasks/import", form)
    assert answer.status_code == 422 and "Line 1: tasks[0].name: “Quiet” is taken by another task." in text_of(answer)
