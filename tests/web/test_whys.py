"""The question why a task ran or not, asked on its page, by a link of its history, or by address."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from scheduler.runs import ledger
from scheduler.tasks import trash
from scheduler.tasks.models import Task
from tests.conftest import FrozenClock
from tests.factories import SYSTEM, make_group, make_task, perform, rows
from tests.web.forms import HTMX, text_of

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def task(app: object, clock: FrozenClock) -> Task:
    """A task with a run at 12:15 and one that was skipped because of it at 12:30."""
    made = make_task(name="nightly", cron="*/15 * * * *")
    ledger.settle(clock.move(minutes=15))
    ledger.settle(clock.move(minutes=15))
    return made


def test_the_page_of_a_task_asks(sign_in: SignIn, task: Task) -> None:
    page = text_of(sign_in("victor").get(f"/tasks/{task.id}"))
    assert f'action="/tasks/{task.id}/why"' in page and 'type="datetime-local"' in page
    assert f"/tasks/{task.id}/why?at=2026-03-02T12:15:00%2B00:00" in page


def test_it_answers_on_the_viewers_clock(sign_in: SignIn, task: Task) -> None:
    first, skipped = rows(task)
    page = text_of(sign_in("victor").get(f"/tasks/{task.id}/why?at=2026-03-02T20:30"))
    assert "It did not run" in page and f"run #{first.id} of this task was not over yet" in page
    assert f'href="/runs/{skipped.public_id}"' in page and f'href="/runs/{first.id}"' in page
    assert "at=2026-03-02T12:15:00%2B00:00" in page and "at=2026-03-02T12:45:00%2B00:00" in page


@pytest.mark.parametrize(
    ("at", "words"),
    [("12:15", "It ran"), ("12:45", "It will run"), ("13:01", "It will not run"), ("11:45", "It did not run")],
)
def test_it_says_what_it_amounts_to(sign_in: SignIn, task: Task, at: str, words: str) -> None:
    perform(rows(task)[0])
    assert f"<span>{words}</span>" in text_of(sign_in("victor").get(f"/tasks/{task.id}/why?at=2026-03-02T{at}:00%2B00:00"))


def test_it_answers_in_place(sign_in: SignIn, task: Task) -> None:
    page = text_of(sign_in("victor").get(f"/tasks/{task.id}/why?at=2026-03-02T20:30:00", headers=HTMX))
    assert page.lstrip().startswith('<section id="why"') and 'value="2026-03-02T20:30"' in page


@pytest.mark.parametrize(("at", "status"), [("", 200), ("soon", 422), ("99999-01-01T00:00", 422), ("0001-01-01T00:00", 422)])
def test_it_asks_again_when_there_is_no_time(sign_in: SignIn, task: Task, at: str, status: int) -> None:
    answer = sign_in("victor").get(f"/tasks/{task.id}/why?at={at}")
    assert answer.status_code == status and ("is not a date and time" in text_of(answer)) is (status == 422)


def test_it_is_not_there_for_strangers(sign_in: SignIn) -> None:
    hidden = make_task(group=make_group("hidden").key)
    assert sign_in("mallory").get(f"/tasks/{hidden.id}/why").status_code == 404


def test_the_history_of_a_deleted_task_asks_nothing(sign_in: SignIn, task: Task) -> None:
    trash.remove(SYSTEM, task.id)
    assert "/why?at=" not in text_of(sign_in("ada").get("/runs"))
