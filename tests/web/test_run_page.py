"""The page of one run: how it stands and why, its attempts, stopping it, running it again, its timeline."""

import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from scheduler import clock, nodes
from scheduler.database import db, transaction
from scheduler.nodes import Node
from scheduler.runs import endings, late, ledger, lifecycle
from scheduler.runs.folders import PROGRESS
from scheduler.runs.models import Attempt, Run
from scheduler.tasks import definitions, secrets, trash
from scheduler.web import run_words
from tests.conftest import FrozenClock
from tests.factories import SYSTEM, claim, finish, make_group, make_run, make_task, outcome, perform, rows
from tests.web.forms import send, text_of
from tests.web.logs import folder_of, write_log

SignIn = Callable[[str], FlaskClient]


def page_of(browser: FlaskClient, run: Run, query: str = "") -> str:
    answer = browser.get(f"/runs/{run.public_id}{query}")
    assert answer.status_code == 200
    return text_of(answer)


def facts(page: str) -> dict[str, str]:
    found = re.findall(r"<div><dt>(.*?)</dt><dd[^>]*>(.*?)</dd></div>", page, re.DOTALL)
    return {name: re.sub(r"\s+", " ", re.sub("<.*?>", "", value)).strip() for name, value in found}


def test_it_shows_how_a_run_went(sign_in: SignIn) -> None:
    run = perform(make_run(), details={"peak_memory_kb": 10240, "cpu_seconds": 0.5, "summary": "3 rows"})
    shown = facts(page_of(sign_in("victor"), run))
    assert shown["Exit code"] == "0" and shown["PID"].startswith("42 ") and shown["Attempt"] == "1 / 1"
    assert (shown["Peak memory"], shown["CPU"], shown["Summary"]) == ("10.0 MB", "0.5 s", "3 rows")


def test_its_timeline_calls_a_signal_a_signal(sign_in: SignIn) -> None:
    page = page_of(sign_in("victor"), perform(make_run(), None, reason="signalled", signal=9))
    assert "Technical failure, signal SIGKILL (9)" in page and "exit code SIGKILL" not in page


def test_it_is_found_by_its_number_too(sign_in: SignIn) -> None:
    run = make_run()
    assert run.public_id in text_of(sign_in("victor").get(f"/runs/{run.id}"))


def test_it_says_who_ended_a_run_whose_last_attempt_had_failed(sign_in: SignIn) -> None:
    run = perform(make_run(retry_count=1), 9)
    ada = sign_in("ada")
    send(ada, f"/runs/{run.public_id}/stop")
    page = page_of(ada, run)
    assert page.index("Stopped by ada.") < page.index("Exit code 9")


@pytest.mark.parametrize("path", ["", "/log", "/download"])
def test_it_is_not_there_for_strangers(sign_in: SignIn, path: str) -> None:
    run = perform(make_run(group=make_group("secret").key))
    browser = sign_in("mallory")
    hidden, missing = browser.get(f"/runs/{run.public_id}{path}"), browser.get(f"/runs/exec-none{path}")
    assert (hidden.status_code, missing.status_code) == (404, 404)


@pytest.mark.parametrize("verb", ["stop", "again"])
def test_a_stranger_can_do_nothing_to_it(sign_in: SignIn, verb: str) -> None:
    run = make_run(group=make_group("secret").key)
    assert send(sign_in("mallory"), f"/runs/{run.public_id}/{verb}").status_code in (403, 404)
    db.session.rollback()
    assert run.status == "pending"


def test_it_tells_a_business_failure_from_a_technical_one(sign_in: SignIn) -> None:
    browser = sign_in("victor")
    assert "A business failure: " in page_of(browser, perform(make_run(), 1))
    assert "127 usually means that a command was not found." in page_of(browser, perform(make_run(), 127))


def test_it_says_when_something_else_killed_it(sign_in: SignIn) -> None:
    run = perform(make_run(), None, reason="signalled", signal=9)
    assert "Killed by signal 9 (out of memory?)" in page_of(sign_in("victor"), run)


def test_it_says_which_limit_ended_it(sign_in: SignIn) -> None:
    run = perform(make_run(), None, reason="signalled", signal=24)
    assert "used up the processor time" in page_of(sign_in("victor"), run)


def test_it_says_which_limits_could_not_be_had(sign_in: SignIn) -> None:
    run = perform(make_run(), details={"unmet_limits": {"processes": None, "open_files": 64}})
    page = page_of(sign_in("victor"), run)
    assert "The limit “Processes” could not be had: root has none." in page
    assert "The limit “Open files” was 64: the machine allows no more." in page


def test_it_says_what_the_task_left_behind(sign_in: SignIn) -> None:
    run = perform(make_run(), details={"left_behind": 2})
    assert "It left 2 processes behind, which were ended." in page_of(sign_in("victor"), run)


def test_a_kill_of_ours_is_no_lack_of_memory(sign_in: SignIn) -> None:
    run = perform(make_run(), None, reason="timeout", signal=9)
    assert "out of memory" not in page_of(sign_in("victor"), run)


def test_it_shows_the_numbers_it_printed(sign_in: SignIn) -> None:
    run = perform(make_run(), details={"metrics": {"rows": 1000.0, "<b>ms": 3.25}})
    shown = facts(page_of(sign_in("victor"), run))
    assert (shown["<code>rows</code>"], shown["<code>&lt;b&gt;ms</code>"]) == ("1000", "3.25")


def test_it_says_that_its_output_could_not_be_kept(sign_in: SignIn) -> None:
    run = perform(make_run(), details={"log_error": "No space left on device", "log_cut": True})
    assert "could not all be kept: No space left on device" in page_of(sign_in("victor"), run)


def test_it_names_the_signal_that_ended_it(sign_in: SignIn) -> None:
    run = perform(make_run(), None, reason="signalled", signal=11)
    assert "SIGSEGV (11)" in page_of(sign_in("victor"), run)


def test_it_quotes_the_last_error_line(sign_in: SignIn) -> None:
    run = perform(make_run(), 2, details={"last_error_line": "<b>no space left</b>"})
    assert '<code class="error-line">&lt;b&gt;no space left&lt;/b&gt;</code>' in page_of(sign_in("victor"), run)


def test_it_says_that_the_time_limit_was_passed(sign_in: SignIn) -> None:
    run = perform(make_run(timeout_seconds=90), None, reason="timeout", signal=15)
    assert "longer than its time limit (now 1 min 30 s)" in page_of(sign_in("victor"), run)


def test_it_says_when_the_next_attempt_starts(sign_in: SignIn) -> None:
    run = perform(make_run(retry_count=2, retry_delay_seconds=90), 2)
    page = page_of(sign_in("victor"), run)
    assert "Waiting to retry" in page and "The next attempt starts" in page and "in 1 min" in page


def test_a_retry_that_waits_is_counted_though_the_task_allows_none_any_more(sign_in: SignIn) -> None:
    run = perform(make_run(retry_count=2, retry_delay_seconds=90), 2)
    definitions.edit(SYSTEM, run.task_id, {"retry_count": 0})
    assert facts(page_of(sign_in("victor"), run))["Attempt"] == "1 / 2"


def test_one_whose_attempt_never_began_waits_to_run_and_not_to_retry(sign_in: SignIn) -> None:
    run = make_run()
    claim(run)
    lifecycle.unstart(run.id, 1, "nobody there")
    page = page_of(sign_in("victor"), run)
    assert "Queued" in page and "Waiting to retry" not in page


def test_it_shows_the_attempt_asked_for(sign_in: SignIn) -> None:
    run = perform(make_run(retry_count=1, retry_delay_seconds=0), 2)
    perform(run, 0)
    browser = sign_in("victor")
    assert facts(page_of(browser, run))["Exit code"] == "0"
    assert facts(page_of(browser, run, "?attempt=1"))["Exit code"] == "2"
    assert facts(page_of(browser, run, "?attempt=9"))["Exit code"] == "0"


def test_it_explains_why_it_was_skipped(sign_in: SignIn, clock: FrozenClock) -> None:
    task = make_task(cron="* * * * *")
    ledger.settle(clock.move(minutes=1))
    ledger.settle(clock.move(minutes=1))
    first, second = rows(task)
    page = page_of(sign_in("victor"), second)
    assert f'href="/runs/{first.id}"' in page and "It never started, so there is no log." in page


def test_it_shows_how_far_a_running_one_is(sign_in: SignIn) -> None:
    run = make_run()
    claim(run)
    (folder_of(run) / PROGRESS).write_text(json.dumps({"percent": 40, "text": "table 4 of 10"}))
    page = page_of(sign_in("victor"), run)
    assert '<progress class="progress-line" max="100" value="40.0"' in page and "table 4 of 10" in page


@pytest.mark.parametrize("note", ["", "null", "[]", '{"percent": "x"}', '{"percent": 1' + " " * 9000])
def test_it_survives_a_strange_note_of_progress(sign_in: SignIn, note: str) -> None:
    run = make_run()
    claim(run)
    (folder_of(run) / PROGRESS).write_text(note)
    assert "<progress" not in page_of(sign_in("victor"), run)


def test_a_viewer_sees_no_buttons(sign_in: SignIn) -> None:
    page = page_of(sign_in("victor"), make_run())
    assert "/stop" not in page and "/again" not in page


def test_an_operator_stops_a_run_and_then_kills_it(sign_in: SignIn) -> None:
    run, browser = make_run(), sign_in("oscar")
    claim(run)
    assert send(browser, f"/runs/{run.public_id}/stop").headers["Location"] == f"/runs/{run.public_id}"
    page = page_of(browser, run)
    assert "Kill now" in page and "oscar asked it to stop" in page
    send(browser, f"/runs/{run.public_id}/stop")
    db.session.rollback()
    assert run.cancel_count == 2


def test_a_run_that_is_over_cannot_be_stopped(sign_in: SignIn) -> None:
    run = perform(make_run())
    assert send(sign_in("oscar"), f"/runs/{run.public_id}/stop").status_code == 409


def test_it_runs_again_and_goes_there(sign_in: SignIn) -> None:
    run = perform(make_run(), 2)
    answer = send(sign_in("oscar"), f"/runs/{run.public_id}/again")
    again = db.session.scalars(db.select(Run).order_by(Run.id.desc())).first()
    assert again and again.id != run.id and answer.headers["Location"] == f"/runs/{again.public_id}"


def test_a_run_of_a_deleted_task_can_be_read_but_not_repeated(sign_in: SignIn) -> None:
    run = perform(make_run(name="gone"))
    trash.remove(SYSTEM, run.task_id)
    page = page_of(sign_in("oscar"), run)
    assert "/again" not in page and "gone" in page
    assert send(sign_in("oscar"), f"/runs/{run.public_id}/again").status_code == 404


def test_it_tells_the_story_of_the_run(sign_in: SignIn) -> None:
    run = perform(make_run(retry_count=1, retry_delay_seconds=0), 2)
    perform(run, 0)
    story = re.findall(r"<li><span class=\"dot.*?<span>(.*?)</span></li>", page_of(sign_in("victor"), run), re.DOTALL)
    assert [event.partition(":")[0] for event in story][-1] == "Ended"
    assert {"Queued", "Attempt 1 started", "Attempt 2 started", "Attempt 1 ended: Technical failure, exit code 2"} <= set(story)


def test_it_opens_at_the_first_error(sign_in: SignIn) -> None:
    run = perform(make_run(), 2)
    write_log(run, b"one\ntwo\n", (2, b"bad\n"), b"three\n")
    answer = sign_in("victor").get(f"/runs/{run.public_id}?find=error")
    assert answer.headers["Location"] == f"/runs/{run.public_id}?around=3#L3"


def test_it_leads_to_the_runs_before_and_after(sign_in: SignIn) -> None:
    task = make_task()
    one, two, three = (perform(make_run(task)) for _ in range(3))
    page = page_of(sign_in("victor"), two)
    assert f'rel="prev" href="/runs/{one.public_id}"' in page and f'rel="next" href="/runs/{three.public_id}"' in page


def test_it_lets_the_head_be_fetched_with_the_log_when_a_run_ends(sign_in: SignIn) -> None:
    run, browser = make_run(), sign_in("victor")
    claim(run)
    sentinel = re.search(r'hx-get="([^"]+after=[^"]+)"', page_of(browser, run))
    assert sentinel
    finish(run)
    answer = text_of(browser.get(sentinel[1].replace("&amp;", "&"), headers={"HX-Request": "true"}))
    assert 'id="run-head"' in answer and "Success" in answer and "hx-get" not in answer


def test_it_says_when_the_machine_of_a_run_is_silent(sign_in: SignIn) -> None:
    run = make_run()
    claim(run)
    with transaction() as session:
        session.get_one(Attempt, (run.id, 1)).node = "far"
        session.add(Node(id="far", host="far", mark="", seen_at=nodes.moment() - timedelta(minutes=2)))
    assert "Not heard of since" in page_of(sign_in("victor"), run)
    with transaction() as session:
        session.get_one(Node, "far").seen_at = nodes.moment()
    assert "Not heard of since" not in page_of(sign_in("victor"), run)


def test_it_shows_what_came_after_a_run_had_been_given_up(sign_in: SignIn) -> None:
    run = make_run()
    claim(run)
    finish(run, None, reason="lost")
    late.keep(run.id, 1, outcome(7))
    shown = facts(page_of(sign_in("victor"), run))
    assert shown["Came too late"] == "7"


def test_it_calls_a_signal_a_signal_and_leads_to_no_error_in_an_empty_log(sign_in: SignIn) -> None:
    page = page_of(sign_in("victor"), perform(make_run(), None, signal=9))
    assert "Signal SIGKILL (9)" in page and "Exit code SIGKILL" not in page
    assert "Open at the first error" not in page


def test_it_leads_to_the_first_error_of_a_log(sign_in: SignIn) -> None:
    page = page_of(sign_in("victor"), perform(make_run(), 3, details={"log_bytes": 80}))
    assert "Exit code 3" in page and "Open at the first error" in page


def test_what_could_not_begin_for_want_of_a_secret_says_so(sign_in: SignIn) -> None:
    why = secrets.MISSING % {"name": "TOKEN", "group": "夜间"}
    run = make_run()
    claim(run)
    lifecycle.finish([endings.unbegun(run.id, 1, why, clock.now(), hopeless=True)])
    page = page_of(sign_in("victor"), run)
    assert why in page and "It never started, so there is no log." in page


def test_an_error_that_names_something_is_found_in_the_catalogue_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_words, "gettext", lambda text, **places: (text, places))
    places = {"name": "TOKEN", "group": "夜间"}
    assert run_words.error(secrets.MISSING % places) == str((secrets.MISSING, places))
    assert run_words.error("100% gone.") == str(("100% gone.", {}))
