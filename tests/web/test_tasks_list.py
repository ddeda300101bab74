"""The list of tasks: who sees what, filters, pages, the refresh that costs nothing."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from scheduler.accounts.models import User
from scheduler.accounts.permissions import SYSTEM, actor_of
from scheduler.runs import ledger, lifecycle
from scheduler.runs.policy import Outcome
from scheduler.tasks import definitions, trash
from scheduler.tasks.models import Task
from scheduler.web import task_rows
from tests.conftest import FrozenClock
from tests.factories import make_group
from tests.web.forms import HTMX, task, text_of

SignIn = Callable[[str], FlaskClient]


def run(one: Task) -> int:
    """A run of `one` that is running."""
    started = ledger.request(SYSTEM, one)
    lifecycle.claim([started.id])
    return started.id


def made(values: dict[str, object], owner: User | None = None) -> Task:
    return definitions.create(actor_of(owner) if owner else SYSTEM, values)


def end(run_id: int, code: int = 0) -> None:
    lifecycle.finish([lifecycle.Report(run_id, 1, Outcome("exited", code, duration=4.0))])


def test_it_sends_strangers_to_the_sign_in_page(app: object) -> None:
    assert app.test_client().get("/tasks").location == "/login?next=/tasks"  # type: ignore[attr-defined]


def test_it_begins_with_the_example_when_there_is_no_task(sign_in: SignIn) -> None:
    page = text_of(sign_in("edith").get("/tasks"))
    assert "/tasks/examples" in page and "/tasks/new" in page


def test_it_offers_a_viewer_nothing_to_begin_with(sign_in: SignIn) -> None:
    page = text_of(sign_in("victor").get("/tasks"))
    assert "There is no task yet." in page and "/tasks/new" not in page


def test_it_shows_name_schedule_and_next_run(sign_in: SignIn) -> None:
    task("nightly", tags=["prod"])
    page = text_of(sign_in("victor").get("/tasks"))
    for words in ("nightly", "Every day at 02:00", "0 2 * * *", "prod", "Never run", 'id="task-1-row"'):
        assert words in page


def test_it_shows_the_region_alone_to_htmx(sign_in: SignIn) -> None:
    task()
    answer = sign_in("victor").get("/tasks?q=back&group=", headers=HTMX)
    assert text_of(answer).lstrip().startswith('<div id="task-list"')
    assert answer.headers["HX-Push-Url"] == "/tasks?q=back" and "HX-Request" in answer.headers["Vary"]


def test_a_running_task_shows_its_progress_and_can_be_stopped(sign_in: SignIn, clock: FrozenClock) -> None:
    one = task()
    end(run(one))
    run(one)
    clock.move(seconds=2)
    page = text_of(sign_in("oscar").get("/tasks"))
    assert "Running" in page and re.search(r'<progress [^>]*value="2.0" max="4.0"', page) and "/tasks/1/stop" in page


def test_a_task_that_waits_says_so(sign_in: SignIn) -> None:
    ledger.request(SYSTEM, task())
    assert "Queued" in text_of(sign_in("victor").get("/tasks/rows"))


def test_a_task_that_is_late_says_so(sign_in: SignIn, clock: FrozenClock) -> None:
    task()
    clock.move(days=1)
    assert "overdue" in text_of(sign_in("victor").get("/tasks"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"alpha", "beta", "gamma"}),
        ("q=ALPH", {"alpha"}),
        ("q=echo+b", {"beta"}),
        ("q=%25", set()),
        ("tag=prod", {"alpha"}),
        ("type=python", {"gamma"}),
        ("group=nowhere", set()),
        ("status=disabled", {"beta"}),
        ("status=never", {"beta", "gamma"}),
        ("status=failed", {"alpha"}),
        ("status=running", set()),
        ("status=nonsense", {"alpha", "beta", "gamma"}),
        ("page=99", {"alpha", "beta", "gamma"}),
        ("page=-1", {"alpha", "beta", "gamma"}),
        ("q=%00", {"alpha", "beta", "gamma"}),
    ],
)
def test_it_filters_by_the_address(sign_in: SignIn, query: str, found: set[str]) -> None:
    alpha = task("alpha", tags=["prod"])
    task("beta", command="echo b", is_active=False)
    made({"name": "gamma", "type": "python", "code": "print(1)"})
    end(run(alpha), 2)
    page = text_of(sign_in("victor").get(f"/tasks?{query}"))
    assert {name for name in ("alpha", "beta", "gamma") if f">{name}</a>" in page} == found


CHANGES: dict[str, Callable[[Task], object]] = {
    "renamed": lambda one: definitions.edit(SYSTEM, one.id, {"name": "renamed"}),
    "tagged": lambda one: definitions.edit(SYSTEM, one.id, {"tags": ["fresh"]}),
    "planned otherwise": lambda one: definitions.edit(SYSTEM, one.id, {"schedule_config": {"times": ["03:00"]}}),
    "disabled": lambda one: definitions.disable(SYSTEM, one.id),
    "queued": lambda one: ledger.request(SYSTEM, one),
    "failed": lambda one: end(run(one), 2),
    "moved": lambda one: definitions.edit(SYSTEM, one.id, {"group": make_group("elsewhere").key}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_row_drawn_before_is_drawn_anew_when_it_changes(sign_in: SignIn, change: Callable[[Task], object]) -> None:
    end(run(one := task()))
    client = sign_in("edith")
    before = seen_by(client)
    change(one)
    after = seen_by(client)
    task_rows._drawn.clear()
    assert before != after == seen_by(client)


def seen_by(client: FlaskClient) -> str:
    """The list without its tokens, of which each second has another."""
    return re.sub(r'name="csrf_token" value="[^"]*"', "", text_of(client.get("/tasks", headers=HTMX)))


def test_a_row_drawn_for_one_is_not_what_another_sees(sign_in: SignIn) -> None:
    task()
    assert "/tasks/1/edit" in text_of(sign_in("edith").get("/tasks"))
    assert "/tasks/1/edit" not in text_of(sign_in("victor").get("/tasks"))


def test_a_row_drawn_before_grows_old(sign_in: SignIn, clock: FrozenClock) -> None:
    end(run(task()))
    client = sign_in("victor")
    client.get("/tasks")
    clock.move(minutes=5)
    assert "5 min ago" in text_of(client.get("/tasks"))


def test_it_says_when_no_task_matches(sign_in: SignIn) -> None:
    task()
    assert "No task matches these filters." in text_of(sign_in("victor").get("/tasks?q=zzz"))


def test_it_turns_pages_and_keeps_the_filters(sign_in: SignIn) -> None:
    for number in range(51):
        task(f"task {number:02}")
    client = sign_in("victor")
    first, second = text_of(client.get("/tasks?q=task")), text_of(client.get("/tasks?q=task&page=2"))
    assert "1–50 of 51" in first and 'href="/tasks?q=task&amp;page=2"' in first
    assert "51–51 of 51" in second and "task 50" in second


def test_a_refresh_with_nothing_new_is_empty(sign_in: SignIn) -> None:
    one, client = task(), sign_in("oscar")
    address = re.search(r'hx-get="(/tasks/rows[^"]+)"', text_of(client.get("/tasks")))
    assert address is not None
    again = address[1].replace("&amp;", "&")
    assert client.get(again, headers=HTMX).status_code == 204
    ledger.request(SYSTEM, one)
    assert client.get(again, headers=HTMX).status_code == 200


def test_a_viewer_is_offered_nothing_that_acts(sign_in: SignIn) -> None:
    task()
    page = text_of(sign_in("victor").get("/tasks"))
    for way in ("/run", "/disable", "/edit", "/delete", "/clone", "bulk"):
        assert f"/tasks/1{way}" not in page and "select-row" not in page


def test_an_operator_runs_and_switches_but_does_not_edit(sign_in: SignIn) -> None:
    task()
    page = text_of(sign_in("oscar").get("/tasks"))
    assert "/tasks/1/run" in page and "/tasks/1/disable" in page
    assert "/tasks/1/edit" not in page and "/tasks/1/delete" not in page


def test_a_stranger_sees_nothing(sign_in: SignIn) -> None:
    task("secret plan")
    assert "secret plan" not in text_of(sign_in("mallory").get("/tasks"))


def test_a_private_task_is_for_its_owner(sign_in: SignIn, edith: User) -> None:
    made({"name": "diary", "type": "shell", "command": "true", "private": True}, edith)
    assert "diary" in text_of(sign_in("edith").get("/tasks"))
    assert "diary" not in text_of(sign_in("oscar").get("/tasks"))


def test_names_are_text_and_nothing_else(sign_in: SignIn) -> None:
    task("R&D \"q\" 'x' {{7*7}}", description="<script>alert(1)</script>")
    page = text_of(sign_in("edith").get("/tasks"))
    assert "R&amp;D &#34;q&#34;" in page and "<script>alert" not in page and "{{7*7}}" in page


def test_every_id_on_the_page_is_there_once(sign_in: SignIn) -> None:
    task("a"), task("b")
    ids = re.findall(r'\sid="([^"]+)"', text_of(sign_in("edith").get("/tasks")))
    assert len(ids) == len(set(ids))


def test_the_start_page_is_the_list(sign_in: SignIn) -> None:
    assert sign_in("victor").get("/").location == "/tasks"


def test_the_first_page_speaks_of_the_trash_only_when_something_lies_in_it(sign_in: SignIn) -> None:
    browser = sign_in("edith")
    assert "Look into the trash" not in text_of(browser.get("/tasks"))
    trash.remove(SYSTEM, task("gone").id)
    assert "Look into the trash" in text_of(browser.get("/tasks"))
