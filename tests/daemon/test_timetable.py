"""APScheduler as an alarm clock: its jobs follow the tasks, its events lead to the ledger, its memory is trusted with nothing."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobExecutionEvent,
    JobSubmissionEvent,
)
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask

from scheduler.daemon import listeners
from scheduler.daemon.timetable import BREATH, Inline, Nudge, PlanTrigger, Pulse, Timetable
from scheduler.database import db
from scheduler.tasks import definitions, trash
from scheduler.tasks.models import Task
from scheduler.tasks.queries import Timing
from tests.conftest import NOON, FrozenClock
from tests.factories import SYSTEM, at, make_task

MINUTELY = "* * * * *"


@pytest.fixture
def settled() -> list[datetime]:
    return []


@pytest.fixture
def timetable(app: Flask, settled: list[datetime]) -> Iterator[Timetable]:
    """A timetable that fires only when told to: its thread is paused."""
    table = Timetable(app, lambda now: settled.append(now) or 1)
    table._scheduler.start(paused=True)
    yield table
    table.stop()


def jobs(timetable: Timetable) -> dict[int, datetime]:
    timetable.refresh()
    return {int(job.id): job.next_run_time for job in timetable._scheduler.get_jobs()}


def one_pass(timetable: Timetable) -> None:
    """What its thread does at least once a second, but for the jobs."""
    if timetable.rests() is None:
        timetable.beat()


def test_it_has_a_job_for_every_task_that_is_due_some_day(timetable: Timetable) -> None:
    due = make_task(cron=MINUTELY)
    make_task()
    definitions.disable(SYSTEM, make_task(cron=MINUTELY).id)
    assert jobs(timetable) == {due.id: due.next_run_at}


def test_its_jobs_follow_the_tasks(timetable: Timetable, clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY)
    assert jobs(timetable) == {task.id: at("2026-03-02T12:01")}
    clock.move(seconds=10)
    definitions.edit(SYSTEM, task.id, {"schedule_config": {"cron": "0 15 * * *"}})
    assert jobs(timetable) == {task.id: at("2026-03-02T15:00")}
    clock.move(seconds=10)
    definitions.disable(SYSTEM, task.id)
    assert jobs(timetable) == {}
    clock.move(seconds=10)
    definitions.enable(SYSTEM, task.id)
    assert set(jobs(timetable)) == {task.id}
    clock.move(seconds=10)
    trash.remove(SYSTEM, task.id)
    assert jobs(timetable) == {}


def test_it_notices_an_edit_made_within_the_same_second(timetable: Timetable, clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY)
    jobs(timetable)
    definitions.disable(SYSTEM, task.id)
    assert jobs(timetable) == {}


def test_a_task_overdue_at_the_start_is_due_at_once(timetable: Timetable, clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY)
    clock.move(hours=1)
    assert jobs(timetable) == {task.id: at("2026-03-02T12:01")}


def trigger_of(task: Task) -> PlanTrigger:
    row = db.session.execute(db.select(*Timing.columns()).where(Task.id == task.id)).one()
    return PlanTrigger(Timing.of(row))


@pytest.mark.usefixtures("app")
def test_a_schedule_that_broke_ends_and_keeps_no_other_from_firing() -> None:
    broken = make_task(cron=MINUTELY)
    broken.timezone = "Mars/Olympus"
    db.session.commit()
    assert trigger_of(broken).get_next_fire_time(at("2026-03-02T12:00"), at("2026-03-02T12:00")) is None


@pytest.mark.usefixtures("app")
def test_its_trigger_never_enumerates_a_backlog() -> None:
    trigger = trigger_of(make_task(cron="* * * * * *"))
    now = at("2027-03-02T12:00")
    assert trigger.get_next_fire_time(at("2026-03-02T12:00"), now) == now + timedelta(seconds=1)
    assert trigger.get_next_fire_time(None, now) == now + timedelta(seconds=1)


@pytest.mark.usefixtures("app")
def test_its_trigger_keeps_the_beat_of_an_interval_the_ledger_keeps() -> None:
    trigger = trigger_of(make_task(schedule_type="interval", schedule_config="60"))
    found = trigger.get_next_fire_time(at("2026-03-02T12:00"), at("2026-03-02T12:00") + timedelta(seconds=1.3))
    assert found == at("2026-03-02T12:01")


@pytest.mark.usefixtures("app")
def test_its_trigger_ends_with_the_schedule() -> None:
    trigger = trigger_of(make_task(cron=MINUTELY, end_at="2026-03-02T12:02:00Z"))
    assert trigger.get_next_fire_time(at("2026-03-02T12:02"), at("2026-03-02T12:02")) is None


def test_a_pass_over_overdue_jobs_settles_once_for_all(timetable: Timetable, settled: list[datetime]) -> None:
    for _ in range(40):
        make_task(cron=MINUTELY)
    assert len(jobs(timetable)) == 40
    timetable._scheduler.resume()
    timetable._scheduler._process_jobs()
    assert settled == [settled[0]] * len(settled)
    assert 1 <= len(settled) <= 12  # a pass or two of the thread's own beside ours, never one for each job


def test_it_settles_once_a_pass_even_when_no_job_fired(timetable: Timetable, settled: list[datetime], clock: FrozenClock) -> None:
    one_pass(timetable)
    assert settled == [clock.at]
    assert timetable.last_beat == clock.at


def test_it_settles_nothing_when_nobody_wrote_and_nothing_is_due(app: Flask, clock: FrozenClock) -> None:
    settled: list[datetime] = []
    rested: list[datetime] = []
    table = Timetable(app, lambda now: settled.append(now) or 0, lambda now, _steady: rested.append(now))
    make_task(cron=MINUTELY)
    for _ in range(2):
        one_pass(table)
    db.session.rollback()
    for _ in range(3):
        clock.move(seconds=1)
        one_pass(table)
    table.stop()
    if db.engine.dialect.name == "sqlite":  # the other cannot tell whether anybody wrote
        assert (len(settled), len(rested)) == (1, 4)


def test_it_settles_as_soon_as_somebody_wrote_or_something_is_due(
    timetable: Timetable, settled: list[datetime], clock: FrozenClock
) -> None:
    one_pass(timetable)
    make_task(cron=MINUTELY)
    one_pass(timetable)
    assert len(settled) == 2
    clock.move(seconds=60)
    one_pass(timetable)
    assert settled[2:] == [at("2026-03-02T12:01")]


def test_a_look_that_failed_is_made_again(app: Flask) -> None:
    looks: list[datetime] = []

    def settle(now: datetime) -> int:
        looks.append(now)
        if len(looks) == 2:
            raise RuntimeError("the disk is full")
        return 0

    table = Timetable(app, settle)
    one_pass(table)
    make_task(cron=MINUTELY)
    with pytest.raises(RuntimeError):
        one_pass(table)
    one_pass(table)
    assert len(looks) == 3
    table.stop()


def test_it_looks_by_itself_now_and_then(timetable: Timetable, settled: list[datetime], clock: FrozenClock) -> None:
    one_pass(timetable)
    clock.move(seconds=61)
    one_pass(timetable)
    assert len(settled) == 2


def test_it_never_sleeps_longer_than_a_second_and_no_failure_ends_it(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_now: datetime) -> int:
        raise RuntimeError("database gone")

    table = Timetable(app, fail)
    table._scheduler.start(paused=True)
    table._scheduler.resume()
    assert table._scheduler._process_jobs() <= 1.0
    assert "database gone" in caplog.text
    table.stop()


class Wire:
    """A scheduler's listeners, and the ticks they led to."""

    def __init__(self) -> None:
        self.scheduler, self.ticks = BackgroundScheduler(), list[datetime]()
        listeners.listen(self.scheduler, self.ticks.append)

    def event(self, code: int, minute: int = 0) -> None:
        due = at("2026-03-02T12:00") + timedelta(minutes=minute)
        batch = code == EVENT_JOB_MAX_INSTANCES
        event: Any = JobSubmissionEvent(code, "7", "default", [due]) if batch else JobExecutionEvent(code, "7", "default", due)
        self.scheduler._dispatch_event(event)


@pytest.mark.parametrize("code", [EVENT_JOB_EXECUTED, EVENT_JOB_MISSED, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_ERROR])
def test_every_event_of_an_instant_leads_to_a_tick(code: int) -> None:
    wire = Wire()
    wire.event(code)
    assert wire.ticks == [at("2026-03-02T12:00")]


def test_events_of_one_instant_are_one_tick() -> None:
    wire = Wire()
    for minute in (0, 0, 1, 1, 1, 0):
        wire.event(EVENT_JOB_EXECUTED, minute)
    assert len(wire.ticks) == 3


def test_every_event_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    wire = Wire()
    with caplog.at_level(logging.DEBUG, "SchedulerEngine"):
        for code in listeners.NAMES:
            wire.event(code)
    assert all(f"event={name} task=7" in caplog.text for name in listeners.NAMES.values())


def test_a_removed_task_that_had_no_job_is_no_trouble(timetable: Timetable) -> None:
    task = make_task()
    trash.remove(SYSTEM, task.id)
    assert jobs(timetable) == {}
    assert db.session.get(Task, task.id) is not None


def test_what_fired_may_begin_before_edits_are_looked_for_but_never_keeps_them_out() -> None:
    beats: list[bool] = []
    pulse = Pulse(lambda: beats.append(pulse.fired))
    for fired, slept in ((True, BREATH), (True, 1.0), (False, 1.0)):
        pulse.fired = fired
        assert pulse._process_jobs() == slept
    assert beats == [False, False]


def test_it_goes_over_no_jobs_while_none_will_fire_and_wakes_when_one_will() -> None:
    beats: list[str] = []
    answers = iter([0.25, 40.0, None])
    pulse = Pulse(lambda: beats.append("beat"), lambda: next(answers))
    assert [pulse._process_jobs() for _ in range(2)] == [0.25, 1.0] and beats == []
    assert pulse._process_jobs() == 1.0 and beats == ["beat"]


def test_it_rests_until_the_next_instant_and_no_longer(timetable: Timetable, clock: FrozenClock) -> None:
    make_task(cron=MINUTELY)
    assert timetable.rests() is None
    one_pass(timetable)
    clock.move(seconds=58)
    if db.engine.dialect.name == "sqlite":
        assert timetable.rests() == 2.0
    clock.move(seconds=2)
    assert timetable.rests() is None


def test_what_wakes_it_is_heard_once_whenever_it_comes() -> None:
    nudge = Nudge()
    assert not nudge.wait(0)
    nudge.set()
    nudge.set()
    nudge.clear()
    assert nudge.is_set() and nudge.wait(0)
    assert not nudge.is_set() and not nudge.wait(-1)


def test_its_thread_sleeps_on_what_wakes_it_cheaply(timetable: Timetable) -> None:
    assert isinstance(timetable._scheduler._event, Nudge)


def test_jobs_of_one_instant_are_said_once_to_have_fired() -> None:
    scheduler, inline, heard = BackgroundScheduler(), Inline(), list[Any]()
    scheduler.add_listener(heard.append, EVENT_JOB_EXECUTED)
    inline.start(scheduler, "default")
    for minute in (0, 0, 1):
        inline.submit_job(SimpleNamespace(id="7", _jobstore_alias="default"), [NOON + timedelta(minutes=minute)])
    assert [event.scheduled_run_time for event in heard] == [NOON, NOON + timedelta(minutes=1)]
