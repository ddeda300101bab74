"""The page of the clean-up: when, what was freed, and both buttons, for administrators alone."""

import re

import pytest

from scheduler.accounts.permissions import SYSTEM
from scheduler.runs import upkeep
from scheduler.runs.folders import workspace_folder
from tests.factories import make_run, make_task, perform
from tests.web.forms import HTMX, send, text_of


def do(clock) -> None:
    number = upkeep.take(clock.now())
    assert number
    upkeep.perform(number, lambda _seconds: None, lambda _run: False)


def test_it_says_when_it_is_due_and_what_is_kept(sign_in):
    page = text_of(sign_in("ada").get("/settings/upkeep"))
    assert "Nothing has been cleaned yet." in page and "03-03 03:40" in page
    assert "30 days" in page and "the newest 10,000" in page and "24 hours" in page


def test_it_says_what_was_freed(sign_in, clock):
    task = make_task()
    for _ in range(3):
        perform(make_run(task))
    clock.move(days=40)
    do(clock)
    page = text_of(sign_in("ada").get("/settings/upkeep"))
    assert "Success" in page and "2 runs" in page


def test_it_has_everything_cleaned_now(sign_in, clock):
    client = sign_in("ada")
    send(client, "/settings/upkeep/run")
    assert "Asked for by ada" in text_of(client.get("/settings/upkeep"))
    assert send(client, "/settings/upkeep/run").status_code == 409
    do(clock)
    assert "Success" in text_of(client.get("/settings/upkeep"))


def test_it_removes_workspaces_by_hand(sign_in, clock, instance):
    run = perform(make_run())
    folder = workspace_folder(instance, run.id)
    folder.mkdir(parents=True)
    clock.move(hours=5)
    client = sign_in("ada")
    send(client, "/settings/upkeep/workspaces", {"hours": "6"})
    assert folder.exists()
    send(client, "/settings/upkeep/workspaces", {"hours": "4"})
    assert not folder.exists() and "One workspace was removed" in text_of(client.get("/settings/upkeep"))


@pytest.mark.parametrize("hours", ["", "-1", "three", "٣", "9" * 30])
def test_it_refuses_hours_that_are_none(sign_in, hours):
    answer = send(sign_in("ada"), "/settings/upkeep/workspaces", {"hours": hours})
    assert answer.status_code == 422 and "is not a number of hours" in text_of(answer)


def test_its_list_refreshes_itself_only_when_it_changed(sign_in, clock):
    client = sign_in("ada")
    region = client.get("/settings/upkeep", headers=HTMX).text
    again = region.partition('hx-get="')[2].partition('"')[0]
    assert client.get(again, headers=HTMX).status_code == 204
    upkeep.request(SYSTEM)
    assert "Asked for by system" in client.get(again, headers=HTMX).text


@pytest.mark.parametrize("name", ["edith", "oscar", "victor"])
def test_it_is_for_administrators(sign_in, name):
    client = sign_in(name)
    assert client.get("/settings/upkeep").status_code == 403 and "/settings/upkeep" not in client.get("/tasks").text


def test_a_form_says_how_long_a_task_keeps_its_runs(sign_in):
    task = make_task(retention_days=7)
    page = sign_in("ada").get(f"/tasks/{task.id}/edit").text
    field = re.search(r'<input[^>]*name="retention_days"[^>]*>|<input[^>]*value="7"[^>]*name="retention_days"[^>]*>', page)
    assert field and 'value="7"' in field[0] and 'name="max_records"' in page
