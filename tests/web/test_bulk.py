"""One thing done to many tasks, with a summary, a question before deleting, and a way back."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from scheduler.accounts.audit import entries
from scheduler.accounts.models import User
from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db
from scheduler.runs import ledger
from scheduler.runs.models import Run
from scheduler.tasks.models import Task
from tests.web.forms import send, task, text_of

SignIn = Callable[[str], FlaskClient]


def enabled() -> set[str]:
    db.session.expire_all()
    return {one.name for one in db.session.query(Task) if one.enabled}


def told(client: FlaskClient) -> str:
    return text_of(client.get("/tasks"))


def test_it_does_it_to_the_ticked_ones_and_sums_up(sign_in: SignIn) -> None:
    task("a"), task("b"), task("c")
    client = sign_in("edith")
    answer = send(client, "/tasks/bulk", {"action": "disable", "ids": ["1", "2"], "next": "/tasks?q=x"})
    assert answer.location == "/tasks?q=x" and enabled() == {"c"}
    page = told(client)
    assert "2 tasks were disabled." in page and "/tasks/bulk?action=enable&amp;ids=1,2" in page


def test_it_can_be_undone(sign_in: SignIn) -> None:
    task("a"), task("b")
    client = sign_in("oscar")
    send(client, "/tasks/bulk", {"action": "disable", "ids": ["1", "2"]})
    send(client, "/tasks/bulk?action=enable&ids=1,2")
    assert enabled() == {"a", "b"}


def test_undoing_touches_only_what_was_changed(sign_in: SignIn) -> None:
    task("a"), task("b", is_active=False)
    client = sign_in("edith")
    send(client, "/tasks/bulk", {"action": "disable", "ids": ["1", "2"]})
    page = told(client)
    assert "One task was disabled." in page and "ids=1&amp;" in page


def test_it_does_it_to_all_that_match(sign_in: SignIn) -> None:
    for name in ("report a", "report b", "other"):
        task(name)
    send(sign_in("edith"), "/tasks/bulk", {"action": "disable", "all": "1", "q": "report", "ids": ["3"]})
    assert enabled() == {"other"}


def test_it_runs_them(sign_in: SignIn) -> None:
    task("a"), task("b")
    send(sign_in("oscar"), "/tasks/bulk", {"action": "run", "ids": "1,2"})
    assert db.session.query(Run).count() == 2


def test_it_asks_before_deleting_and_then_deletes(sign_in: SignIn) -> None:
    task("a"), task("b")
    client = sign_in("edith")
    page = text_of(send(client, "/tasks/bulk", {"action": "delete", "ids": ["1", "2"]}))
    assert "Delete 2 tasks?" in page and "“a”, “b”" in page and 'name="ids" value="1,2"' in page and enabled() == {"a", "b"}
    send(client, "/tasks/bulk", {"action": "delete", "ids": "1,2", "sure": "1"})
    assert enabled() == set() and "2 tasks were deleted." in told(client)


def test_deleting_many_can_be_undone(sign_in: SignIn) -> None:
    task("a"), task("b")
    client = sign_in("edith")
    send(client, "/tasks/bulk", {"action": "delete", "ids": "1,2", "sure": "1"})
    send(client, "/tasks/bulk?action=restore&ids=1,2")
    assert all(one.deleted_at is None for one in db.session.query(Task))


def test_the_question_is_a_dialog_for_htmx(sign_in: SignIn) -> None:
    task("a")
    page = text_of(send(sign_in("edith"), "/tasks/bulk", {"action": "delete", "ids": "1"}, htmx="1"))
    assert page.lstrip().startswith("<dialog") and "Delete one task?" in page


def test_one_that_refuses_does_not_keep_the_others_back(sign_in: SignIn) -> None:
    task("a")
    full = task("b")
    for _ in range(100):
        ledger.request(SYSTEM, full)
    client = sign_in("oscar")
    send(client, "/tasks/bulk", {"action": "run", "ids": "1,2"})
    page = text_of(client.get("/tasks"))
    assert "One task begins to run." in page and "One task was left as it is: 100 runs of this task wait already" in page


def test_an_operator_deletes_nothing(sign_in: SignIn) -> None:
    task("a")
    client = sign_in("oscar")
    send(client, "/tasks/bulk", {"action": "delete", "ids": "1", "sure": "1"})
    assert enabled() == {"a"} and "One task was left as it is" in text_of(client.get("/tasks"))


NOTHING = [{}, {"ids": ""}, {"ids": "999"}, {"ids": "x,-1,1e3"}, {"ids": "9" * 30}, {"all": "1", "q": "zzz"}]


@pytest.mark.parametrize("form", NOTHING, ids=str)
def test_nothing_chosen_is_said(sign_in: SignIn, form: dict[str, str]) -> None:
    task("a")
    client = sign_in("edith")
    send(client, "/tasks/bulk", {"action": "disable", **form})
    assert enabled() == {"a"} and "Nothing to do" in told(client)


def test_an_action_there_is_not_is_refused(sign_in: SignIn) -> None:
    assert send(sign_in("edith"), "/tasks/bulk", {"action": "explode", "ids": "1"}).status_code == 400


def test_a_stranger_reaches_nothing(sign_in: SignIn) -> None:
    task("a")
    assert send(sign_in("mallory"), "/tasks/bulk", {"action": "disable", "ids": "1"}).status_code == 403
    assert enabled() == {"a"}


def test_each_is_in_the_audit_log(sign_in: SignIn, edith: User) -> None:
    task("a"), task("b")
    send(sign_in("edith"), "/tasks/bulk", {"action": "disable", "ids": "1,2"})
    found = [entry for entry in entries(SYSTEM) if entry.action == "task.disable"]
    assert {entry.object_name for entry in found} == {"a", "b"} and {entry.actor_id for entry in found} == {edith.id}
