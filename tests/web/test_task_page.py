"""The page of one task: how it stands, its runs, its configuration, its audit trail, the ways that led here before."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from scheduler.accounts.models import User
from scheduler.runs import ledger
from scheduler.tasks import definitions, pausing, trash
from tests.conftest import FrozenClock
from tests.factories import SYSTEM, as_actor, claim, make_group, make_run, make_task, perform, rows
from tests.web.forms import HTMX, text_of

SignIn = Callable[[str], FlaskClient]
PATHS = ("", "/view", "/executions", "/logs", "/history", "/logs/download")


def page_of(browser: FlaskClient, path: str, **headers: str) -> str:
    answer = browser.get(path, headers=headers)
    assert answer.status_code == 200
    return text_of(answer)


def test_it_shows_name_schedule_and_next_run(sign_in: SignIn) -> None:
    task = make_task(name="nightly", cron="0 2 * * 1-5", tags=["prod"])
    page = page_of(sign_in("victor"), f"/tasks/{task.id}")
    assert "<h1>nightly</h1>" in page and "0 2 * * 1-5" in page and "Never run" in page and ">prod</a>" in page
    assert "03-03 Tue 10:00" in page and "in 14 h" in page


def test_it_promises_no_run_that_a_pause_covers(sign_in: SignIn) -> None:
    task, browser = make_task(cron="0 13 * * *"), sign_in("victor")
    assert "will be missed" not in page_of(browser, f"/tasks/{task.id}")
    pausing.pause(SYSTEM)
    page = page_of(browser, f"/tasks/{task.id}")
    assert "will be missed: everything is paused" in page and 'data-relative="until"' not in page


def test_it_says_of_a_disabled_task_that_what_was_started_by_hand_still_begins(sign_in: SignIn) -> None:
    task = make_task()
    make_run(task)
    definitions.disable(SYSTEM, task.id)
    assert "what was started by hand still runs (1)" in page_of(sign_in("victor"), f"/tasks/{task.id}")


def test_it_says_so_of_no_retry_that_will_not_come(sign_in: SignIn, clock: FrozenClock) -> None:
    task = make_task(cron="0 13 * * *", retry_count=1)
    ledger.settle(clock.move(hours=1))
    perform(rows(task)[0], 9)
    definitions.disable(SYSTEM, task.id)
    assert "what waits already" not in page_of(sign_in("victor"), f"/tasks/{task.id}")


def test_one_that_follows_others_is_not_said_to_be_started_by_hand_only(sign_in: SignIn) -> None:
    make_task(key="first", name="First")
    task = make_task(schedule_type="manual", schedule_config={}, depends_on=["first"])
    browser = sign_in("victor")
    for path in (f"/tasks/{task.id}", f"/tasks?q={task.name}"):
        page = page_of(browser, path)
        assert "After other tasks, or when started by hand" in page and "Only when started by hand" not in page
    assert "none planned" not in page_of(browser, f"/tasks/{task.id}")


def test_it_is_found_by_its_key(sign_in: SignIn) -> None:
    make_task(name="nightly")
    assert "<h1>nightly</h1>" in page_of(sign_in("victor"), "/tasks/nightly")


@pytest.mark.parametrize("path", PATHS)
def test_it_is_not_there_for_strangers(sign_in: SignIn, path: str) -> None:
    task = perform(make_run(make_task(name="hidden", group=make_group("secret").key))).task_id
    browser = sign_in("mallory")
    assert [browser.get(f"/tasks/{one}{path}").status_code for one in (task, "hidden", 4711)] == [404, 404, 404]


def test_the_old_addresses_lead_here(sign_in: SignIn) -> None:
    task, browser = make_task(), sign_in("victor")
    assert browser.get(f"/tasks/{task.id}/view").headers["Location"] == f"/tasks/{task.id}"
    assert browser.get(f"/tasks/{task.id}/executions").headers["Location"] == f"/tasks/{task.id}?tab=runs"


def test_the_log_of_a_task_is_that_of_its_latest_run(sign_in: SignIn) -> None:
    task = make_task()
    perform(make_run(task))
    latest = perform(make_run(task))
    assert sign_in("victor").get(f"/tasks/{task.id}/logs").headers["Location"] == f"/runs/{latest.public_id}"


def test_a_task_that_never_ran_has_no_log(sign_in: SignIn) -> None:
    task = make_task()
    answer = sign_in("victor").get(f"/tasks/{task.id}/logs", follow_redirects=True)
    assert answer.request.path == f"/tasks/{task.id}" and "has not run yet: there is no log." in text_of(answer)


def test_a_viewer_gets_no_buttons(sign_in: SignIn) -> None:
    task = make_task()
    page = page_of(sign_in("victor"), f"/tasks/{task.id}")
    assert not re.search(rf"/tasks/{task.id}/(run|stop|enable|disable|edit|clone|delete)\b", page)


def test_an_operator_may_run_and_switch(sign_in: SignIn) -> None:
    task = make_task()
    page = page_of(sign_in("oscar"), f"/tasks/{task.id}")
    assert f'action="/tasks/{task.id}/run"' in page and f'action="/tasks/{task.id}/disable"' in page
    assert f"/tasks/{task.id}/edit" not in page


def test_it_offers_to_stop_what_runs(sign_in: SignIn) -> None:
    task, browser = make_task(), sign_in("oscar")
    assert f'action="/tasks/{task.id}/stop"' not in page_of(browser, f"/tasks/{task.id}")
    claim(make_run(task))
    assert f'action="/tasks/{task.id}/stop"' in page_of(browser, f"/tasks/{task.id}")


def test_it_counts_successes_and_averages(sign_in: SignIn) -> None:
    task = make_task()
    for code in (0, 0, 0, 2):
        perform(make_run(task), code, duration=4.0)
    page = page_of(sign_in("victor"), f"/tasks/{task.id}")
    assert "75.0 %" in page and "of 4" in page and "Average" in page and "4 s" in page


def test_it_draws_the_last_runs_and_says_the_same_in_words(sign_in: SignIn) -> None:
    task = make_task()
    for code in (0, 2, 0):
        perform(make_run(task), code)
    page = page_of(sign_in("victor"), f"/tasks/{task.id}")
    assert 'aria-label="Last 3 runs: Success 2, Technical failure 1"' in page
    assert page.count('<path class="fill-good"') == 2 and page.count('<path class="fill-bad"') == 1


def test_it_draws_at_most_sixty(sign_in: SignIn) -> None:
    task = make_task()
    for _ in range(61):
        perform(make_run(task))
    page = page_of(sign_in("victor"), f"/tasks/{task.id}")
    assert page.count('<path class="fill-') == 60 and len(re.findall(r'id="run-\d+-row"', page)) == 20


def test_it_turns_pages_by_key(sign_in: SignIn) -> None:
    task = make_task()
    runs = [perform(make_run(task)) for _ in range(23)]
    browser = sign_in("victor")
    older = re.search(r'rel="next" href="([^"]+)"', page_of(browser, f"/tasks/{task.id}"))
    assert older
    second = page_of(browser, older[1].replace("&amp;", "&"))
    assert re.findall(r'id="run-(\d+)-row"', second) == [str(run.id) for run in runs[2::-1]]


def test_it_quotes_the_last_failure(sign_in: SignIn) -> None:
    task = make_task()
    run = perform(make_run(task), 2, details={"last_error_line": "no <space> left"})
    perform(make_run(task), 0)
    page = page_of(sign_in("victor"), f"/tasks/{task.id}")
    assert "no &lt;space&gt; left</pre>" in page and f"#{run.id} · exit code 2" in page


def test_it_answers_204_while_nothing_changes(sign_in: SignIn) -> None:
    task, browser = make_task(), sign_in("victor")
    seen = re.search(r"seen=(\w+)", page_of(browser, f"/tasks/{task.id}"))
    assert seen and browser.get(f"/tasks/{task.id}?seen={seen[1]}", headers=HTMX).status_code == 204
    make_run(task)
    answer = page_of(browser, f"/tasks/{task.id}?seen={seen[1]}", **HTMX)
    assert "Queued" in answer and "<html" not in answer


def test_an_open_page_leaves_when_its_task_is_deleted(sign_in: SignIn) -> None:
    task, browser = make_task(), sign_in("victor")
    trash.remove(SYSTEM, task.id)
    assert browser.get(f"/tasks/{task.id}?seen=x", headers=HTMX).headers["HX-Redirect"] == "/tasks"
    assert browser.get(f"/tasks/{task.id}").status_code == 404


def test_it_shows_every_value_of_the_configuration(sign_in: SignIn) -> None:
    task = make_task(command="echo <hi>", cron="*/5 * * * *", timeout_seconds=77, params={"day": "today"}, private=False)
    page = page_of(sign_in("victor"), f"/tasks/{task.id}?tab=config")
    for text in ("echo &lt;hi&gt;", "*/5 * * * *", "Every 5 minutes", "77 seconds", "today", "Skip the new run", task.key):
        assert text in page


def test_it_shows_environment_values_to_those_alone_who_may_see_them(sign_in: SignIn) -> None:
    task = make_task(env={"PGPASSWORD": "hunter2"})
    path = f"/tasks/{task.id}?tab=config"
    assert "hunter2" not in page_of(sign_in("oscar"), path) and "PGPASSWORD" in page_of(sign_in("oscar"), path)
    assert "hunter2" in page_of(sign_in("edith"), path)


def test_it_never_shows_a_secret(sign_in: SignIn) -> None:
    auth = {"type": "basic", "username": "u", "password": "hunter2"}
    task = make_task(type="http", url="http://example.test/", auth=auth)
    for tab in ("config", "audit"):
        assert "hunter2" not in page_of(sign_in("ada"), f"/tasks/{task.id}?tab={tab}")


def test_it_tells_who_changed_what(sign_in: SignIn, edith: User) -> None:
    task = make_task(as_actor(edith), description="old")
    definitions.edit(as_actor(edith), task.id, {"description": "new"})
    page = page_of(sign_in("ada"), f"/tasks/{task.id}?tab=audit")
    assert "Created it" in page and "Changed it" in page and "<del>old</del> → <ins>new</ins>" in page


def test_it_tells_others_only_of_their_own_changes(sign_in: SignIn, edith: User) -> None:
    task = make_task(as_actor(edith))
    assert "Created it" not in page_of(sign_in("oscar"), f"/tasks/{task.id}?tab=audit")
    assert "Created it" in page_of(sign_in("edith"), f"/tasks/{task.id}?tab=audit")


def test_its_history_opens_as_a_dialog_and_as_a_page(sign_in: SignIn) -> None:
    run, browser = perform(make_run()), sign_in("victor")
    dialog = page_of(browser, f"/tasks/{run.task_id}/history", **HTMX)
    assert dialog.lstrip().startswith("<dialog") and f'id="run-{run.id}-row"' in dialog
    assert "<html" in page_of(browser, f"/tasks/{run.task_id}/history")


def test_it_ticks_while_a_run_goes_on(sign_in: SignIn, clock: FrozenClock) -> None:
    task = make_task()
    perform(make_run(task), duration=10.0)
    claim(make_run(task))
    clock.move(seconds=4)
    page = page_of(sign_in("victor"), f"/tasks/{task.id}")
    assert "Running now" in page and 'data-elapsed="2026-03-02T12:00:00+00:00"' in page and "0:04" in page
