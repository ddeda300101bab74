"""The history of runs: what is listed, filters in the address, pages by key, refreshing, export."""

import csv
import io
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from scheduler.accounts.models import User
from scheduler.runs import ledger, lifecycle
from scheduler.runs.status import Cause
from scheduler.tasks.models import Task
from tests.conftest import FrozenClock
from tests.factories import as_actor, claim, make_group, make_run, make_task, perform, rows
from tests.web.forms import HTMX, text_of

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def backup(clock: FrozenClock) -> Callable[..., Task]:
    """A task due every minute of whose runs the scheduler has settled the first."""

    def made(**values: object) -> Task:
        task = make_task(name="backup", cron="* * * * *", **values)
        ledger.settle(clock.move(minutes=1))
        return task

    return made


def listed(page: str) -> list[str]:
    return re.findall(r'id="run-(\d+)-row"', page)


def test_it_lists_runs_newest_first(sign_in: SignIn) -> None:
    one, two = make_run(), make_run()
    assert listed(text_of(sign_in("victor").get("/runs"))) == [str(two.id), str(one.id)]


def test_it_says_who_started_a_run_by_hand(sign_in: SignIn, ada: User) -> None:
    make_run(actor=as_actor(ada))
    assert "By hand, ada" in text_of(sign_in("victor").get("/runs"))


def test_it_keeps_strangers_out(sign_in: SignIn) -> None:
    make_run(group=make_group("secret").key)
    assert listed(text_of(sign_in("mallory").get("/runs"))) == []


def test_it_shows_only_the_status_asked_for(sign_in: SignIn) -> None:
    good, bad = perform(make_run()), perform(make_run(), 2)
    browser = sign_in("victor")
    assert listed(text_of(browser.get("/runs?status=success"))) == [str(good.id)]
    assert listed(text_of(browser.get("/runs?status=failed"))) == [str(bad.id)]


def test_it_marks_the_chip_that_is_chosen(sign_in: SignIn) -> None:
    page = text_of(sign_in("victor").get("/runs?status=running&q=x"))
    assert re.search(r'href="/runs\?status=running&amp;q=x" aria-current="true"', page)


def test_it_offers_a_chip_for_a_rarer_status_that_was_asked_for(sign_in: SignIn) -> None:
    assert re.search(r'status=timeout" aria-current="true">Timed out', text_of(sign_in("victor").get("/runs?status=timeout")))


def test_it_finds_text_in_the_last_line(sign_in: SignIn) -> None:
    run, _ = perform(make_run(), details={"last_line": "no space left"}), perform(make_run())
    assert listed(text_of(sign_in("victor").get("/runs?q=SPACE"))) == [str(run.id)]


def test_it_filters_by_cause_task_and_time(sign_in: SignIn, clock: FrozenClock, ada: User) -> None:
    old = make_run(name="nightly")
    clock.move(hours=2)
    run = ledger.request(as_actor(ada), make_task(name="hourly"), Cause.API)
    browser = sign_in("victor")
    assert listed(text_of(browser.get("/runs?cause=api"))) == [str(run.id)]
    assert listed(text_of(browser.get("/runs?task=nightly"))) == [str(old.id)]
    assert listed(text_of(browser.get("/runs?range=1h"))) == [str(run.id)]


def test_it_reads_dates_on_the_viewers_clock(sign_in: SignIn, clock: FrozenClock) -> None:
    run = make_run()  # 20:00 in Shanghai
    clock.move(hours=2)
    make_run()
    page = text_of(sign_in("victor").get("/runs?since=2026-03-02T19:30&until=2026-03-02T20:30"))
    assert listed(page) == [str(run.id)] and '<option value="custom" selected' in page


@pytest.mark.parametrize(
    "query", ["status=nonsense", "cause=nonsense", "range=9y", "since=yesterday", "before=-1", "after=x", "q=%00"]
)
def test_it_takes_no_offence_at_nonsense(sign_in: SignIn, query: str) -> None:
    make_run()
    assert len(listed(text_of(sign_in("victor").get(f"/runs?{query}")))) == 1


def test_it_says_there_is_no_such_task(sign_in: SignIn) -> None:
    make_task(name="secret", group=make_group("secret").key)
    assert sign_in("mallory").get("/runs?task=secret").status_code == 404


def test_it_turns_pages_by_key(sign_in: SignIn) -> None:
    runs = [make_run() for _ in range(53)]
    browser = sign_in("victor")
    first = text_of(browser.get("/runs"))
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older and len(listed(first)) == 50
    second = text_of(browser.get(older[1].replace("&amp;", "&")))
    assert listed(second) == [str(run.id) for run in runs[2::-1]] and 'rel="prev"' in second


def test_it_explains_a_skipped_run_and_links_to_what_was_in_its_way(
    sign_in: SignIn, backup: Callable[..., Task], clock: FrozenClock
) -> None:
    task = backup()
    ledger.settle(clock.move(minutes=1))
    first, _ = rows(task)
    page = text_of(sign_in("victor").get("/runs"))
    assert f"Skipped: run #{first.id} of this task was not over yet." in page and f'href="/runs/{first.id}"' in page


def test_it_explains_a_missed_run(sign_in: SignIn, backup: Callable[..., Task], clock: FrozenClock) -> None:
    backup()
    ledger.settle(clock.move(hours=3))
    assert "Missed: the scheduler was too busy, or was itself held up" in text_of(sign_in("victor").get("/runs"))


def test_it_answers_204_while_nothing_changes(sign_in: SignIn) -> None:
    run = make_run()
    browser = sign_in("victor")
    seen = re.search(r"seen=(\w+)", text_of(browser.get("/runs")))
    assert seen and browser.get(f"/runs?seen={seen[1]}", headers=HTMX).status_code == 204
    claim(run)
    assert "Running" in text_of(browser.get(f"/runs?seen={seen[1]}", headers=HTMX))


def test_it_answers_htmx_with_the_list_and_a_clean_address(sign_in: SignIn) -> None:
    make_run()
    answer = sign_in("victor").get("/runs?q=task&cause=&status=&range=any", headers=HTMX)
    assert "<html" not in text_of(answer) and 'id="run-chips"' in text_of(answer)
    assert answer.headers["HX-Push-Url"] == "/runs?q=task"


def test_it_does_not_refresh_an_older_page(sign_in: SignIn) -> None:
    run = make_run()
    assert "every 3s" not in text_of(sign_in("victor").get(f"/runs?before={run.id + 1}"))


def test_it_exports_the_same_runs_as_csv(sign_in: SignIn) -> None:
    perform(make_run(name="one"))
    run = perform(make_run(name="two"), 3)
    answer = sign_in("victor").get("/runs.csv?status=failed")
    table = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    assert answer.mimetype == "text/csv" and [row["task"] for row in table] == ["two"]
    assert (table[0]["id"], table[0]["exit_code"], table[0]["due"]) == (run.public_id, "3", "2026-03-02T20:00:00+08:00")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)"])
def test_it_keeps_formulas_out_of_spreadsheets(sign_in: SignIn, text: str) -> None:
    perform(make_run(), details={"last_line": text})
    assert f",'{text}," in text_of(sign_in("victor").get("/runs.csv"))


def test_it_exports_more_than_one_chunk(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduler.web.run_export.CHUNK", 2)
    for _ in range(5):
        make_run()
    assert len(text_of(sign_in("victor").get("/runs.csv")).splitlines()) == 6


def test_it_shows_a_waiting_retry_as_such(sign_in: SignIn) -> None:
    perform(make_run(retry_count=1), 2)
    assert "Waiting to retry" in text_of(sign_in("victor").get("/runs"))


def test_it_names_a_signal(sign_in: SignIn) -> None:
    perform(make_run(), None, reason="signalled", signal=9)
    assert "SIGKILL (9)" in text_of(sign_in("victor").get("/runs"))


def test_it_says_who_stopped_a_run(sign_in: SignIn, ada: User) -> None:
    run = make_run()
    lifecycle.cancel(as_actor(ada), run)
    assert "Stopped by ada." in text_of(sign_in("victor").get("/runs"))


@pytest.mark.parametrize(("query", "hidden"), [("", True), ("?status=failed", False), ("?q=x", False)])
def test_it_offers_to_clear_filters_only_where_there_are_some(sign_in: SignIn, query: str, hidden: bool) -> None:
    page = text_of(sign_in("victor").get(f"/runs{query}"))
    (link,) = re.findall(r'<a id="runs-clear"[^>]*>', page)
    assert (" hidden" in link) == hidden


def test_filtering_without_a_reload_brings_the_way_back_along(sign_in: SignIn) -> None:
    make_run()
    assert re.search(r'<a id="runs-clear" href="/runs" hx-swap-oob', text_of(sign_in("victor").get("/runs?q=t", headers=HTMX)))
