"""What is done to one task from its row: run, stop, switch, clone, delete; each with and without htmx, each for whom it may."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db
from scheduler.runs import ledger, lifecycle
from scheduler.runs.models import Run
from scheduler.runs.status import Status
from scheduler.tasks.models import Task
from tests.web.forms import HTMX, send, task, text_of

SignIn = Callable[[str], FlaskClient]
WAYS = ("run", "stop", "enable", "disable", "delete", "clone")


def test_run_now_answers_the_row_and_the_way_to_the_log(sign_in: SignIn) -> None:
    one = task()
    page = text_of(send(sign_in("oscar"), f"/tasks/{one.id}/run", htmx="1"))
    run = db.session.query(Run).one()
    assert page.lstrip().startswith('<tr id="task-1-row"') and "Queued" in page
    assert f'<a href="/runs/{run.id}">View log</a>' in page and run.triggered_by == "oscar"


def test_run_now_without_script_comes_back(sign_in: SignIn) -> None:
    answer = send(sign_in("oscar"), f"/tasks/{task().id}/run", {"next": "/tasks?status=failed"})
    assert (answer.status_code, answer.location) == (303, "/tasks?status=failed")


def test_run_now_never_leads_to_another_site(sign_in: SignIn) -> None:
    answer = send(sign_in("oscar"), f"/tasks/{task().id}/run", {"next": "//evil.example/"})
    assert answer.location == "/"


@pytest.mark.parametrize("htmx", ["", "1"])
def test_run_now_can_land_on_the_log(sign_in: SignIn, htmx: str) -> None:
    answer = send(sign_in("oscar"), f"/tasks/{task().id}/run", {"then": "log"}, htmx=htmx)
    where = f"/runs/{db.session.query(Run).one().id}"
    assert (answer.headers.get("HX-Redirect") if htmx else answer.location) == where


def test_stop_ends_what_waits_and_asks_what_runs(sign_in: SignIn) -> None:
    one = task(max_instances=2)
    runs = [ledger.request(SYSTEM, one) for _ in range(2)]
    lifecycle.claim([runs[0].id])
    send(sign_in("oscar"), f"/tasks/{one.id}/stop")
    db.session.expire_all()
    assert (runs[0].status, runs[0].cancel_by, runs[1].status) == (Status.RUNNING, "oscar", Status.CANCELLED)


def test_stopping_nothing_is_said(sign_in: SignIn) -> None:
    answer = send(sign_in("oscar"), f"/tasks/{task().id}/stop", htmx="1")
    assert answer.status_code == 409 and "Nothing of this task is running." in text_of(answer)


def test_a_switch_answers_the_row_and_can_be_undone(sign_in: SignIn) -> None:
    one, client = task(), sign_in("oscar")
    token = {"HX-Current-URL": "http://localhost/tasks?q=back"}
    page = text_of(send(client, f"/tasks/{one.id}/disable", htmx="1", **token))
    assert 'aria-checked="false"' in page and 'action="/tasks/1/enable?next=/tasks?q%3Dback"' in page
    answer = send(client, f"/tasks/{one.id}/enable?next=/tasks?q%3Dback")
    assert one.enabled and answer.location == "/tasks?q=back"


def test_a_switch_without_script_leads_to_the_task(sign_in: SignIn) -> None:
    assert send(sign_in("oscar"), f"/tasks/{task().id}/disable").location == "/tasks/1"


def test_deleting_asks_first_and_counts_what_goes(sign_in: SignIn) -> None:
    one = task()
    ledger.request(SYSTEM, one)
    page = text_of(sign_in("edith").get(f"/tasks/{one.id}/delete"))
    for words in ("Delete “backup”?", "One run and its log leave the lists.", "is stopped.", "for 30 days", 'href="/tasks"'):
        assert words in page
    assert one.deleted_at is None


def test_the_question_is_a_dialog_for_htmx(sign_in: SignIn) -> None:
    page = text_of(sign_in("edith").get(f"/tasks/{task().id}/delete", headers=HTMX))
    assert page.lstrip().startswith("<dialog")


def test_deleting_can_be_undone(sign_in: SignIn) -> None:
    one, client = task(), sign_in("edith")
    assert send(client, f"/tasks/{one.id}/delete").location == "/tasks"
    assert 'action="/trash/1/restore?next=/tasks"' in text_of(client.get("/trash"))
    assert send(client, "/trash/1/restore?next=/tasks").location == "/tasks"
    db.session.expire_all()
    assert one.deleted_at is None and not one.enabled


def test_a_clone_gets_a_name_and_is_disabled(sign_in: SignIn) -> None:
    one, client = task(), sign_in("edith")
    assert "backup (copy)" in text_of(client.get(f"/tasks/{one.id}/clone"))
    answer = send(client, f"/tasks/{one.id}/clone", {"name": "second"})
    copy = db.session.query(Task).filter_by(name="second").one()
    assert answer.location == f"/tasks/{copy.id}/edit" and not copy.enabled


@pytest.mark.parametrize(("name", "status"), [("backup", 409), ("", 422), ("<x>", 422)])
def test_a_clone_with_a_wrong_name_is_asked_again(sign_in: SignIn, name: str, status: int) -> None:
    answer = send(sign_in("edith"), f"/tasks/{task().id}/clone", {"name": name})
    assert answer.status_code == status and "field-name-error" in text_of(answer)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("who", ["victor", "mallory"])
def test_who_may_only_look_does_nothing(sign_in: SignIn, who: str, way: str) -> None:
    answer = send(sign_in(who), f"/tasks/{task().id}/{way}", {"name": "x"})
    assert answer.status_code == 403


@pytest.mark.parametrize("way", ["delete", "clone"])
def test_an_operator_neither_deletes_nor_clones(sign_in: SignIn, way: str) -> None:
    assert send(sign_in("oscar"), f"/tasks/{task().id}/{way}", {"name": "x"}).status_code == 403


@pytest.mark.parametrize("number", ["999", "9" * 30])
@pytest.mark.parametrize("way", WAYS)
def test_a_task_there_is_not_is_not_found(sign_in: SignIn, way: str, number: str) -> None:
    assert send(sign_in("ada"), f"/tasks/{number}/{way}", {"name": "x"}).status_code in (404, 405)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_happens_without_the_token(sign_in: SignIn, way: str) -> None:
    one = task()
    assert sign_in("ada").post(f"/tasks/{one.id}/{way}").status_code in (400, 419)
    assert one.enabled and one.deleted_at is None and not db.session.query(Run).count()


def test_the_example_lands_on_its_live_log(sign_in: SignIn) -> None:
    client = sign_in("edith")
    answer = send(client, "/tasks/examples")
    assert answer.location == f"/runs/{db.session.query(Run).one().id}"
    assert send(client, "/tasks/examples").location == "/tasks"
    assert db.session.query(Task).count() == 1
