"""Finding runs again: pages that leave nothing out and show nothing twice, filters, and who may see what."""

from datetime import timedelta
from itertools import chain
from typing import Any

import pytest

from scheduler.accounts.models import Grant
from scheduler.database import db
from scheduler.errors import NotFound
from scheduler.runs import history
from scheduler.runs.history import Wanted
from scheduler.runs.models import Run
from scheduler.runs.status import Status
from tests.conftest import FrozenClock
from tests.factories import SYSTEM, as_actor, claim, make_group, make_run, make_task, perform

pytestmark = pytest.mark.usefixtures("app")


def ids(wanted: Wanted = Wanted(), actor: Any = SYSTEM) -> list[int]:  # noqa: B008
    return [entry.run.id for entry in history.page(actor, wanted, 100).entries]


@pytest.fixture
def eleven() -> list[int]:
    """The numbers of eleven runs, newest first."""
    task = make_task()
    return sorted((perform(make_run(task)).id for _ in range(11)), reverse=True)


def test_pages_backward_are_complete_and_disjoint(eleven: list[int]) -> None:
    found, before = [], None
    while True:
        page = history.page(SYSTEM, Wanted(), 4, before=before)
        found.append([entry.run.id for entry in page.entries])
        before = page.older
        if before is None:
            break
    assert [len(part) for part in found] == [4, 4, 3]
    assert [*chain(*found)] == eleven


def test_pages_forward_are_the_same_pages(eleven: list[int]) -> None:
    older = history.page(SYSTEM, Wanted(), 4, before=eleven[7])
    newer = history.page(SYSTEM, Wanted(), 4, after=older.newer)
    assert [entry.run.id for entry in newer.entries] == eleven[4:8]
    newest = history.page(SYSTEM, Wanted(), 4, after=newer.newer)
    assert [entry.run.id for entry in newest.entries] == eleven[:4]
    assert newest.newer is None
    assert newest.older == eleven[3]


def test_a_page_stays_the_same_while_new_runs_come(eleven: list[int]) -> None:
    first = history.page(SYSTEM, Wanted(), 4)
    make_run()
    second = history.page(SYSTEM, Wanted(), 4, before=first.older)
    assert [entry.run.id for entry in second.entries] == eleven[4:8]


def test_numbered_pages_say_how_many_there_are(eleven: list[int]) -> None:
    entries, total = history.numbered(SYSTEM, Wanted(), 8, 4)
    assert ([entry.run.id for entry in entries], total) == (eleven[8:], 11)


def test_an_empty_history_is_one_empty_page() -> None:
    assert history.page(SYSTEM, Wanted(), 4) == history.Page([])


def test_it_filters_by_task_status_and_cause() -> None:
    done, failed, waiting = perform(make_run()), perform(make_run(), 7), make_run()
    assert ids(Wanted(task_id=failed.task_id)) == [failed.id]
    assert ids(Wanted(statuses=frozenset({"success", "pending"}))) == [waiting.id, done.id]
    assert ids(Wanted(cause="schedule")) == []


def test_it_filters_by_the_due_instant_since_included_until_not(clock: FrozenClock) -> None:
    runs = [make_run()]
    for _ in range(2):
        clock.move(hours=1)
        runs.append(make_run())
    start = clock.at - timedelta(hours=2)
    assert ids(Wanted(since=start, until=clock.at)) == [runs[1].id, runs[0].id]
    assert ids(Wanted(since=clock.at)) == [runs[2].id]


@pytest.mark.parametrize(
    ("text", "found"), [("备份", True), ("100%_", True), ("100x", False), ("%", True), ("LAST", True), ("\\", False)]
)
def test_it_finds_text_as_it_is_written(text: str, found: bool) -> None:
    task = make_task(name="备份 100%_done")
    perform(make_run(task), details={"last_line": "the last words"})
    make_run(make_task(name="another"))
    assert ([entry.task.id for entry in history.page(SYSTEM, Wanted(text=text), 9).entries] == [task.id]) is found


def test_it_finds_a_run_by_its_public_id_and_by_its_number() -> None:
    run = make_run()
    assert history.find(SYSTEM, run.public_id).run.id == history.find(SYSTEM, str(run.id)).run.id == run.id


@pytest.mark.parametrize("reference", ["", "exec-nothing", "0", "9" * 18, "9" * 400, "-1", "a\0b"])
def test_it_says_not_found_for_anything_else(reference: str) -> None:
    with pytest.raises(NotFound):
        history.find(SYSTEM, reference)


def test_a_private_task_shows_its_runs_to_its_owner_and_administrators(ada: Any, edith: Any, oscar: Any) -> None:
    run = make_run(make_task(as_actor(edith), private=True), as_actor(edith))
    assert ids(actor=as_actor(edith)) == ids(actor=as_actor(ada)) == [run.id]
    assert ids(actor=as_actor(oscar)) == []
    with pytest.raises(NotFound):
        history.find(as_actor(oscar), run.public_id)
    assert history.count(Status.PENDING, as_actor(oscar)) == 0


def test_a_limited_user_sees_the_runs_of_granted_groups_only(mallory: Any) -> None:
    group = make_group("ops")
    run = make_run(make_task(group="ops"))
    make_run()
    assert ids(actor=as_actor(mallory)) == []
    mallory.grants.append(Grant(group_id=group.id, role="viewer"))
    db.session.commit()
    assert ids(actor=as_actor(mallory)) == [run.id]
    assert history.numbered(as_actor(mallory), Wanted(), 0, 9)[1] == history.count(Status.PENDING, as_actor(mallory)) == 1


def test_it_lists_the_tries_of_a_run_in_order() -> None:
    run = make_run(retry_count=2, retry_delay_seconds=0)
    for code in (5, 5, 0):
        perform(run, code)
    assert [attempt.exit_code for attempt in history.attempts(run)] == [5, 5, 0]


def test_it_tells_who_is_alive() -> None:
    task = make_task()
    running, waiting = make_run(task), make_run(task)
    claim(running)
    perform(make_run())
    assert {key: [run.id for run in runs] for key, runs in history.alive([task.id, 99]).items()} == {
        task.id: [running.id, waiting.id]
    }
    assert history.tasks_with(Status.RUNNING) == {task.id}


def test_it_finds_the_runs_before_and_after_within_the_task() -> None:
    task = make_task()
    first, _other, second = make_run(task), make_run(), make_run(task)
    assert history.neighbours(first) == (None, second.public_id)
    assert history.neighbours(second) == (first.public_id, None)


def test_it_finds_the_last_failure() -> None:
    task = make_task()
    assert history.last_failure(task, ["technical_failure"]) is None
    runs: list[Run] = [perform(make_run(task), code) for code in (7, 7, 0)]
    found = history.last_failure(task, ["technical_failure"])
    assert found is not None and found.id == runs[1].id


def test_the_number_of_all_runs_leaves_out_those_that_are_hidden(app, edith, mallory):
    perform(make_run(make_task(name="open")))
    perform(make_run(make_task(name="hidden", private=True)))
    for person, number in ((edith, 1), (mallory, 0)):
        for wanted in (Wanted(), Wanted(statuses=frozenset({"success"})), Wanted(cause="manual"), Wanted(text="e")):
            assert history.numbered(as_actor(person), wanted, 0, 5)[1] == number
    assert history.numbered(SYSTEM, Wanted(), 0, 5)[1] == 2 and history.numbered(SYSTEM, Wanted(), 7, 5) == ([], 2)
