"""Trying out a form: its run in a dialog, what is wrong at its fields, nothing saved, nothing lost."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from scheduler.database import db
from scheduler.runs.models import Run
from scheduler.tasks.models import Task
from tests.web.forms import filled, send, task, text_of

SignIn = Callable[[str], FlaskClient]
TRY = "/tasks/try"


def trials() -> list[Task]:
    return db.session.query(Task).filter_by(trial=True).all()


def test_without_script_it_leads_to_the_run(sign_in: SignIn) -> None:
    answer = send(sign_in("edith"), TRY, filled(name=""))
    (run,) = db.session.query(Run)
    assert answer.status_code == 303 and answer.location == f"/runs/{run.public_id}"
    assert [one.name for one in trials()] == ["Test run"]


def test_with_script_it_shows_the_run_on_top_of_the_form(sign_in: SignIn) -> None:
    page = text_of(send(sign_in("edith"), TRY, filled(), htmx="1"))
    assert '<dialog class="dialog dialog-history" id="trial"' in page and "log-sentinel" in page and "<html" not in page


def test_a_schedule_half_written_is_no_hindrance(sign_in: SignIn) -> None:
    form = filled(schedule_type="cron", schedule_was="cron", schedule_config__minute="61", schedule_config__hour="")
    assert send(sign_in("edith"), TRY, form).status_code == 303


@pytest.mark.parametrize(("fields", "sentence"), [({"command": ""}, "must not be empty"), ({"name": "x" * 101}, "100")])
def test_what_is_wrong_is_said_at_the_field_and_what_was_typed_stays(
    sign_in: SignIn, fields: dict[str, str], sentence: str
) -> None:
    answer = send(sign_in("edith"), TRY, filled(description="typed with care", **fields), htmx="1")
    assert answer.status_code == 422 and answer.headers["HX-Retarget"] == answer.headers["HX-Reselect"] == "#task-form"
    assert sentence in text_of(answer) and "typed with care" in text_of(answer)
    assert not trials() and not db.session.query(Run).count()


def test_a_saved_task_is_tried_with_its_changes_and_stays_as_it_is(sign_in: SignIn) -> None:
    saved = task(env={"CITY": "Oslo"})
    form = filled(name="backup", command="echo changed", task_id=str(saved.id), version="1")
    assert send(sign_in("edith"), TRY, form).status_code == 303
    (trial,) = trials()
    assert trial.content["command"] == "echo changed" and saved.content["command"] == "true" and saved.version == 1


@pytest.mark.parametrize("who", ["oscar", "victor"])
def test_it_is_for_those_who_may_create(sign_in: SignIn, who: str) -> None:
    assert send(sign_in(who), TRY, filled()).status_code == 403
    assert not trials()


def test_the_run_says_that_it_was_a_test(sign_in: SignIn) -> None:
    browser = sign_in("edith")
    page = text_of(browser.get(send(browser, TRY, filled()).location))
    assert '<span class="tag">Test run</span>' in page and "Run again" not in page
    assert "Test run</span>" in text_of(browser.get("/runs"))


def test_stopping_it_leaves_the_form_open(sign_in: SignIn) -> None:
    browser = sign_in("edith")
    place = send(browser, TRY, filled()).location
    answer = send(browser, f"{place}/stop", htmx="1")
    assert answer.status_code == 200 and "HX-Redirect" not in answer.headers and "being stopped" in text_of(answer)
    assert db.session.query(Run).one().status == "cancelled"
