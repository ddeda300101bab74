"""The job store, held against APScheduler's own: both are told the same and must answer the same."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from apscheduler.jobstores.base import ConflictingIdError, JobLookupError
from apscheduler.jobstores.memory import MemoryJobStore
from hypothesis import given
from hypothesis import strategies as st

from scheduler.daemon.agenda import MOST_STALE, Agenda
from tests.conftest import NOON


@dataclass
class Job:
    id: str
    next_run_time: datetime | None

    def __lt__(self, other: object) -> bool:
        raise AssertionError("jobs have no order")


TIMES = st.none() | st.integers(0, 9).map(lambda minute: NOON + timedelta(minutes=minute))
ACTS = st.tuples(st.sampled_from(["add_job", "update_job", "remove_job", "move"]), st.sampled_from("abcde"), TIMES)


@given(st.lists(ACTS, max_size=40))
def test_it_answers_as_the_memory_store_does(acts: list[tuple[str, str, datetime | None]]) -> None:
    ours, theirs = Agenda(), MemoryJobStore()
    for minute, (act, name, time) in enumerate(acts):
        assert told(ours, act, name, time) == told(theirs, act, name, time)
        now = NOON + timedelta(minutes=minute % 12)
        due, expected = ours.get_due_jobs(now), theirs.get_due_jobs(now)
        assert sorted(job.id for job in due) == sorted(job.id for job in expected)
        assert [job.next_run_time for job in due] == [job.next_run_time for job in expected]
        assert ours.get_next_run_time() == theirs.get_next_run_time()
        assert sorted(job.id for job in ours.get_all_jobs()) == sorted(job.id for job in theirs.get_all_jobs())


def told(store: Any, act: str, name: str, time: datetime | None) -> object:
    """What comes of one act: the error it raised, or nothing. To move a job is what a pass does: it is changed in place."""
    try:
        if act == "remove_job":
            return store.remove_job(name)
        job = (store.lookup_job(name) if act == "move" else None) or Job(name, time)
        job.next_run_time = time
        return getattr(store, "add_job" if act == "add_job" else "update_job")(job)
    except (ConflictingIdError, JobLookupError) as error:
        return type(error)


def test_what_is_due_and_not_moved_is_due_again() -> None:
    agenda = Agenda()
    agenda.add_job(Job("a", NOON))
    assert [agenda.get_due_jobs(NOON)[0].id, agenda.get_due_jobs(NOON)[0].id] == ["a", "a"]


def test_it_does_not_grow_with_what_is_moved() -> None:
    agenda = Agenda()
    agenda.add_job(Job("a", NOON))
    for minute in range(3 * MOST_STALE):
        agenda.update_job(Job("a", NOON + timedelta(minutes=minute)))
    assert len(agenda._heap) <= MOST_STALE + 1


@pytest.mark.parametrize("time", [NOON, None])
def test_it_can_be_emptied(time: datetime | None) -> None:
    agenda = Agenda()
    agenda.add_job(Job("a", time))
    agenda.remove_all_jobs()
    assert (agenda.get_all_jobs(), agenda.get_due_jobs(NOON), agenda.get_next_run_time()) == ([], [], None)
