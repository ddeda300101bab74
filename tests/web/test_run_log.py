"""The log on a run's page: its end first, earlier and later lines, what is new, search, filters, download, and hostile output."""

import os
import re
import shutil
import tracemalloc
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from scheduler import nodes
from scheduler.database import transaction
from scheduler.nodes import Node
from scheduler.runs import handing, lifecycle
from scheduler.runs.logformat import STDERR, STDOUT
from scheduler.runs.models import Attempt, Run
from tests.factories import claim, finish, make_run, make_task, perform
from tests.web.forms import HTMX, text_of
from tests.web.logs import folder_of, growing, numbered, write_log

pytestmark = pytest.mark.any_database

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def browser(sign_in: SignIn) -> FlaskClient:
    return sign_in("victor")


def numbers(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'<li class="line[^>]*id="L(\d+)"', page)]


def sentinel(page: str) -> str:
    found = re.search(r'<li class="log-sentinel"[^>]*hx-get="([^"]+)"', page)
    return found[1].replace("&amp;", "&") if found else ""


def fetch(browser: FlaskClient, path: str) -> str:
    answer = browser.get(path, headers=HTMX)
    assert answer.status_code == 200
    return text_of(answer)


def finished(*chunks: bytes | tuple[int, bytes]) -> Run:
    run = perform(make_run())
    write_log(run, *chunks)
    return run


def running() -> Run:
    run = make_run()
    claim(run)
    return run


def test_it_shows_the_last_thousand_lines(browser: FlaskClient) -> None:
    page = text_of(browser.get(f"/runs/{finished(numbered(2500)).id}"))
    assert (numbers(page)[0], numbers(page)[-1], len(numbers(page))) == (1501, 2500, 1000)
    assert "Load 1,000 earlier lines" in page and sentinel(page) == ""


def test_it_loads_earlier_lines_up_to_the_first(browser: FlaskClient) -> None:
    run = finished(numbered(2500))
    page = fetch(browser, f"/runs/{run.id}/log?before=1501")
    assert (numbers(page)[0], numbers(page)[-1]) == (501, 1500) and "Load 500 earlier lines" in page
    page = fetch(browser, f"/runs/{run.id}/log?before=501")
    assert (numbers(page)[0], numbers(page)[-1]) == (1, 500) and "earlier lines" not in page


def test_it_shows_what_surrounds_a_line(browser: FlaskClient) -> None:
    page = text_of(browser.get(f"/runs/{finished(numbered(5000)).id}?around=2000"))
    assert (numbers(page)[0], numbers(page)[-1]) == (1500, 2499)
    assert "earlier lines" in page and "Load later lines" in page


def test_it_loads_later_lines(browser: FlaskClient) -> None:
    page = fetch(browser, f"/runs/{finished(numbered(3000)).id}/log?behind=2499")
    assert (numbers(page)[0], numbers(page)[-1]) == (2500, 3000) and "later lines" not in page


def test_it_brings_only_what_is_new(browser: FlaskClient) -> None:
    run = running()
    with growing(run) as sink:
        sink.write(STDOUT, b"one\ntwo\n")
        sink.flush()
        page = text_of(browser.get(f"/runs/{run.id}"))
        sink.write(STDOUT, b"three\n")
        sink.flush()
        answer = fetch(browser, sentinel(page))
    assert numbers(page) == [1, 2] and numbers(answer) == [3] and sentinel(answer)


def test_it_replaces_a_line_that_was_not_finished(browser: FlaskClient) -> None:
    run = running()
    with growing(run) as sink:
        sink.write(STDOUT, b"one\ntw")
        sink.flush()
        page = text_of(browser.get(f"/runs/{run.id}"))
        sink.write(STDOUT, b"o\n")
        sink.flush()
        answer = fetch(browser, sentinel(page))
    assert re.search(r'id="L2" hx-swap-oob="outerHTML">.*>two<', answer) and numbers(answer) == [2]


def test_it_goes_on_asking_while_nothing_comes(browser: FlaskClient) -> None:
    run = running()
    with growing(run) as sink:
        sink.write(STDOUT, b"one\n")
        sink.flush()
        page = text_of(browser.get(f"/runs/{run.id}"))
        answer = fetch(browser, sentinel(page))
    assert numbers(answer) == [] and sentinel(answer) == sentinel(page) and len(answer) < 800


def test_it_stops_asking_when_all_is_over(browser: FlaskClient) -> None:
    run = running()
    page = text_of(browser.get(f"/runs/{run.id}"))
    write_log(run, b"one\n")
    finish(run)
    answer = fetch(browser, sentinel(page))
    assert numbers(answer) == [1] and sentinel(answer) == "" and 'id="run-head"' in answer


def test_it_leaves_no_line_out_when_a_run_ends_with_many(browser: FlaskClient) -> None:
    run = running()
    page = text_of(browser.get(f"/runs/{run.id}"))
    write_log(run, numbered(2500))
    finish(run)
    seen: list[int] = []
    while path := sentinel(page):
        page = fetch(browser, path)
        seen += numbers(page)
    assert seen == list(range(1, 2501))


def test_it_jumps_to_the_end_when_output_is_too_fast(browser: FlaskClient) -> None:
    run = running()
    page = text_of(browser.get(f"/runs/{run.id}"))
    write_log(run, numbered(100_000))
    answer = fetch(browser, sentinel(page))
    assert numbers(answer)[-1] == 100_000 and "99,000 lines came too fast" in answer


def test_it_shows_the_next_attempt_when_it_begins(browser: FlaskClient) -> None:
    run = make_run(retry_count=1, retry_delay_seconds=0)
    claim(run)
    page = text_of(browser.get(f"/runs/{run.id}"))
    finish(run, 2)
    claim(run)
    write_log(run, b"second\n", number=2)
    answer = browser.get(sentinel(page), headers=HTMX)
    assert answer.headers["HX-Retarget"] == "#log-lines" and "second" in text_of(answer)


def test_it_stays_with_the_attempt_that_was_asked_for(browser: FlaskClient) -> None:
    run = make_run(retry_count=1, retry_delay_seconds=0)
    perform(run, 2)
    write_log(run, b"first\n")
    claim(run)
    write_log(run, b"second\n", number=2)
    page = text_of(browser.get(f"/runs/{run.id}?attempt=1"))
    assert ">first<" in page and ">second<" not in fetch(browser, sentinel(page))


def test_it_marks_standard_error(browser: FlaskClient) -> None:
    run = finished(b"out\n", (STDERR, b"err\n"))
    page = text_of(browser.get(f"/runs/{run.id}"))
    assert '<li class="line line-err" id="L2"' in page and '<li class="line" id="L1"' in page


def test_it_shows_one_stream_alone(browser: FlaskClient) -> None:
    run = finished(b"out\n", (STDERR, b"err\n"), b"more\n")
    assert numbers(text_of(browser.get(f"/runs/{run.id}?stream=stderr"))) == [2]
    assert numbers(text_of(browser.get(f"/runs/{run.id}?stream=stdout"))) == [1, 3]


def test_it_finds_the_few_lines_of_a_stream_at_the_end_of_many(browser: FlaskClient) -> None:
    run = finished(*[numbered(100_000)] * 3, (STDERR, b"err\nagain\n"), b"out\n", (STDERR, b"last"))
    assert numbers(text_of(browser.get(f"/runs/{run.id}?stream=stderr"))) == [300_001, 300_002, 300_004]


def test_it_shows_warnings_and_errors_alone(browser: FlaskClient) -> None:
    run = finished(b"INFO fine\nWARN hm\nINFO fine\nERROR no\n")
    assert numbers(text_of(browser.get(f"/runs/{run.id}?warn=1"))) == [2, 4]


def test_it_adds_only_lines_that_pass_while_it_runs(browser: FlaskClient) -> None:
    run = running()
    with growing(run) as sink:
        sink.write(STDERR, b"err\n")
        sink.flush()
        page = text_of(browser.get(f"/runs/{run.id}?stream=stderr"))
        sink.write(STDOUT, b"out\n")
        sink.write(STDERR, b"again\n")
        sink.flush()
        answer = fetch(browser, sentinel(page))
    assert numbers(page) == [1] and numbers(answer) == [3]


def test_it_searches_and_counts(browser: FlaskClient) -> None:
    run = finished(numbered(3000), b"Needle one\n", numbered(10), b"needle <two>\n")
    page = text_of(browser.get(f"/runs/{run.id}?q=NEEDLE"))
    assert "1 / 2" in page and '<li class="line is-marked is-current" id="L3001"' in page
    page = text_of(browser.get(f"/runs/{run.id}?q=needle&match=2"))
    assert "2 / 2" in page and "<mark>needle</mark> &lt;two&gt;" in page


def test_it_answers_a_search_with_lines_count_and_address(browser: FlaskClient) -> None:
    run = finished(b"one\ntwo\n")
    answer = browser.get(f"/runs/{run.public_id}/log?q=two", headers=HTMX)
    assert "1 / 1" in text_of(answer) and numbers(text_of(answer)) == [1, 2]
    assert answer.headers["HX-Replace-Url"] == f"/runs/{run.public_id}?q=two"


def test_it_shows_the_end_when_nothing_matches(browser: FlaskClient) -> None:
    page = text_of(browser.get(f"/runs/{finished(numbered(5)).id}?q=nothing"))
    assert "0 / 0" in page and numbers(page) == [1, 2, 3, 4, 5]


def test_it_leads_to_the_page_without_htmx(browser: FlaskClient) -> None:
    run = finished(b"one\n")
    answer = browser.get(f"/runs/{run.public_id}/log?around=1&_external=1&_scheme=javascript")
    assert answer.headers["Location"].startswith(f"/runs/{run.public_id}?around=1")


@pytest.mark.parametrize(
    "output", [b"<script>alert(1)</script>", b"\x1b]8;;javascript:alert(1)\x07<b>x\x1b]8;;\x07", b'" onload="x']
)
def test_it_lets_no_markup_out_of_a_log(browser: FlaskClient, output: bytes) -> None:
    run = finished(output + b"\n")
    for path in (f"/runs/{run.id}", f"/runs/{run.id}?q=x"):
        body = text_of(browser.get(path)).partition('id="log-lines"')[2].partition("</ol>")[0]
        assert "<script" not in body and "<b>" not in body and "javascript:" not in body and '" onload' not in body


def test_it_shows_colours(browser: FlaskClient) -> None:
    run = finished(b"\x1b[32mgreen\x1b[0m")
    page = text_of(browser.get(f"/runs/{run.id}"))
    assert '<span class="ansi-fg2">green</span>' in page


def test_it_survives_bytes_that_are_no_text(browser: FlaskClient) -> None:
    run = finished(os.urandom(4096) + b"\n", "你好 GBK".encode("gbk") + b"\n", "你好".encode() + b"\n")
    assert "你好" in text_of(browser.get(f"/runs/{run.id}"))


def test_it_shows_the_beginning_of_an_endless_line(browser: FlaskClient) -> None:
    page = text_of(browser.get(f"/runs/{finished(b'x' * 1_000_000).id}"))
    assert "this line is longer" in page and len(page) < 40_000


def test_it_bounds_an_answer_full_of_long_lines(browser: FlaskClient) -> None:
    run = finished((b"x" * 8000 + b"\n") * 1000)
    answer = browser.get(f"/runs/{run.id}")
    assert len(answer.data) < 800_000 and numbers(text_of(answer))[-1] == 1000 and "earlier lines" in text_of(answer)


def test_it_says_that_a_log_was_cut_and_how_long_it_was(browser: FlaskClient) -> None:
    run = perform(make_run())
    write_log(run, numbered(100_000), cap=200_000)
    page = text_of(browser.get(f"/runs/{run.id}?around=8000"))
    assert "of 1.2 MB were kept" in page and "of output were not kept here" in page


def test_it_says_that_nothing_was_printed_so_far(browser: FlaskClient) -> None:
    assert "PYTHONUNBUFFERED=1" in text_of(browser.get(f"/runs/{running().id}"))


def test_it_says_that_nothing_was_printed_at_all(browser: FlaskClient) -> None:
    assert "This attempt printed nothing." in text_of(browser.get(f"/runs/{finished().id}"))


def test_it_says_that_the_log_was_removed(browser: FlaskClient) -> None:
    run = finished(b"one\n")
    shutil.rmtree(folder_of(run).parent)
    assert "removed by the retention rule" in text_of(browser.get(f"/runs/{run.id}"))


def test_it_downloads_exactly_what_was_printed(browser: FlaskClient) -> None:
    raw = os.urandom(300_000)
    run = finished(raw)
    answer = browser.get(f"/runs/{run.id}/download")
    assert answer.data == raw and answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_it_gives_the_file_a_safe_name(browser: FlaskClient) -> None:
    run = perform(make_run(make_task(name='每日 "备份"\' ;x', key="daily")))
    write_log(run, b"x")
    name = browser.get(f"/runs/{run.id}/download").headers["Content-Disposition"]
    assert name.startswith(f"attachment; filename=\"daily-{run.id}-1.log\"; filename*=UTF-8''%E6%AF%8F")
    assert name.isascii() and name.count('"') == 2


def test_it_downloads_the_attempt_asked_for(browser: FlaskClient) -> None:
    run = perform(make_run(retry_count=1, retry_delay_seconds=0), 2)
    perform(run)
    write_log(run, b"first")
    write_log(run, b"second", number=2)
    assert browser.get(f"/runs/{run.id}/download").data == b"second"
    assert browser.get(f"/runs/{run.id}/download?attempt=1").data == b"first"


def test_it_downloads_a_tasks_latest_log(browser: FlaskClient) -> None:
    run = finished(b"latest")
    answer = browser.get(f"/tasks/{run.task_id}/logs/download", follow_redirects=True)
    assert answer.data == b"latest"


def test_it_follows_no_link_out_of_the_folder(browser: FlaskClient) -> None:
    run = finished(b"mine\n")
    data = folder_of(run) / "output.log"
    data.unlink()
    data.symlink_to("/etc/passwd")
    for path in ("", "?q=root", "/download"):
        assert b"root:" not in browser.get(f"/runs/{run.id}{path}").data


def test_a_large_log_costs_little_memory(browser: FlaskClient) -> None:
    run = finished(*[numbered(100_000)] * 5)
    browser.get(f"/runs/{run.id}")
    tracemalloc.start()
    browser.get(f"/runs/{run.id}")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000


def test_it_says_that_a_worker_has_yet_to_take_it(browser: FlaskClient) -> None:
    run = make_run()
    lifecycle.claim([run.id], node=handing.NOBODY)
    assert "waits for a worker" in text_of(browser.get(f"/runs/{run.id}"))


@pytest.mark.parametrize("known", [True, False])
def test_it_names_the_machine_that_has_a_log_we_have_not(browser: FlaskClient, known: bool) -> None:
    run = perform(make_run(), host="ran-on")
    with transaction() as session:
        session.get_one(Attempt, (run.id, 1)).node = "elsewhere"
        if known:
            session.add(Node(id="elsewhere", host="is-called", mark="", seen_at=nodes.moment()))
    page = text_of(browser.get(f"/runs/{run.id}"))
    assert f"on the machine that performed it: {'is-called' if known else 'ran-on'}" in page
    write_log(run, b"hello")
    assert "on the machine that performed it" not in text_of(browser.get(f"/runs/{run.id}"))


def test_what_was_put_back_to_wait_has_not_lost_its_log(browser: FlaskClient) -> None:
    run = make_run()
    lifecycle.claim([run.id], node=handing.NOBODY)
    handing.put_back(run.id, 1, "the broker does not answer")
    assert "It has not started yet" in text_of(browser.get(f"/runs/{run.id}"))


def test_a_log_of_another_machine_cannot_be_saved_here(browser: FlaskClient) -> None:
    run = perform(make_run(), host="ran-on")
    with transaction() as session:
        session.get_one(Attempt, (run.id, 1)).node = "elsewhere"
    answer = browser.get(f"/runs/{run.id}/download")
    assert answer.status_code == 409 and "on the machine that performed it: ran-on" in text_of(answer)
