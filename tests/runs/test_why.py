"""Every cause there is, each met by a real task; what lies around an instant; whom it is told."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from scheduler import config, heartbeat
from scheduler.database import db
from scheduler.errors import NotFound
from scheduler.runs import handing, ledger, lifecycle, why
from scheduler.runs.models import Run
from scheduler.runs.policy import Past
from scheduler.runs.why import Because, Explanation
from scheduler.tasks import definitions, pausing, trash
from scheduler.tasks.models import Task
from tests.conftest import NOON, FrozenClock
from tests.factories import SYSTEM, as_actor, at, claim, finish, make_group, make_run, make_task, perform, rows

QUARTERS = "*/15 * * * *"
DAY = "2026-03-02T"


@pytest.fixture(autouse=True)
def beating(app: Flask) -> None:
    heartbeat.beat(config.settings().instance)


def asked(task: Task, moment: str | datetime) -> Explanation:
    db.session.rollback()
    return why.explain(SYSTEM, task, at(DAY + moment) if isinstance(moment, str) else moment)


def cause(task: Task, moment: str | datetime) -> str:
    return asked(task, moment).because


def said(task: Task, moment: str | datetime) -> str:
    found = asked(task, moment).sentence
    return found.text % found.params


def settle(clock: FrozenClock, **by: float) -> None:
    ledger.settle(clock.move(**by))
    heartbeat.beat(config.settings().instance)


def test_it_ran(clock: FrozenClock) -> None:
    task = make_task(cron=QUARTERS)
    settle(clock, minutes=15)
    run = perform(rows(task)[0])
    found = asked(task, "12:15")
    assert (found.because, found.run, found.due) == ("run", run, at(DAY + "12:15"))
    assert (found.before, found.after) == (None, at(DAY + "12:30"))
    assert found.sentence.text == "It ran, beginning at %(at)s, and succeeded."


@pytest.mark.parametrize(("code", "words"), [(1, "reported a business failure"), (2, "and failed"), (None, "and failed")])
def test_it_ran_and_failed(clock: FrozenClock, code: int | None, words: str) -> None:
    run = perform(make_run(), code)
    assert words in said(db.session.get_one(Task, run.task_id), NOON)


def test_it_runs_and_waits(clock: FrozenClock) -> None:
    task = make_task(cron=QUARTERS, overlap_policy="queue", retry_count=1, retry_delay_seconds=600)
    settle(clock, minutes=15)
    settle(clock, minutes=15)
    first, _ = rows(task)
    claim(first)
    assert [cause(task, time) for time in ("12:15", "12:30")] == ["running", "waiting-slot"]
    finish(first, 7)
    assert cause(task, "12:15") == "waiting-retry"
    pausing.pause(SYSTEM)
    assert cause(task, "12:30") == "waiting-paused"
    pausing.resume(SYSTEM)
    clock.move(minutes=1)
    assert cause(task, "12:30") == "waiting-scheduler"


@pytest.mark.parametrize(
    ("past", "because"),
    [(Past(), "missed-late"), (Past(NOON, down=True), "missed-down"), (Past(NOON, jumped=True), "missed-clock")],
)
def test_it_was_missed(clock: FrozenClock, past: Past, because: str) -> None:
    task = make_task(cron=QUARTERS)
    ledger.settle(clock.move(minutes=40), past)
    assert cause(task, "12:15") == because


def test_it_was_missed_in_a_pause(clock: FrozenClock) -> None:
    task = make_task(cron=QUARTERS)
    pausing.pause(SYSTEM, "a new disk")
    settle(clock, minutes=15)
    found = asked(task, "12:15")
    assert (found.because, found.notes[0].params["reason"]) == ("missed-paused", "a new disk")


def test_it_was_in_a_gap(clock: FrozenClock) -> None:
    task = make_task(cron="* * * * *")
    ledger.settle(clock.move(days=5), Past(NOON, down=True))
    found = asked(task, at("2026-03-03T08:47"))
    assert found.because == "missed-down" and found.run and found.run.missed_count > 1
    assert (found.due, found.before) == (at("2026-03-03T08:47"), at("2026-03-03T08:46"))
    weekly = make_task(cron="* * * * 0")
    ledger.settle(clock.move(days=50), Past(NOON, down=True))
    assert cause(weekly, at("2026-03-12T08:47")) == "not-due"


def test_it_was_skipped_replaced_or_stopped(clock: FrozenClock) -> None:
    task, newest = make_task(cron=QUARTERS), make_task(cron=QUARTERS, overlap_policy="replace")
    settle(clock, minutes=15)
    claim(rows(task)[0])
    settle(clock, minutes=15)
    assert cause(task, "12:30") == "skipped-overlap" and f"#{rows(task)[0].id}" in said(task, "12:30")
    assert cause(newest, "12:15") == "replaced-by-newer"
    lifecycle.cancel(SYSTEM, rows(newest)[1])
    assert (cause(newest, "12:30"), said(newest, "12:30")) == ("stopped", "Stopped by system.")


@pytest.mark.parametrize(
    ("code", "because"), [("upstream", "blocked-dependency"), ("schedule", "skipped-schedule"), ("new", "blocked-dependency")]
)
def test_it_was_skipped_for_another_reason(clock: FrozenClock, code: str, because: str) -> None:
    run = make_run()
    db.session.execute(db.update(Run).values(status="skipped", reason={"code": code}))
    db.session.commit()
    assert cause(db.session.get_one(Task, run.task_id), NOON) == because


def test_it_was_not_due(clock: FrozenClock) -> None:
    task = make_task(cron=QUARTERS)
    settle(clock, hours=3)
    found = asked(task, "13:20")
    assert (found.because, found.due, found.before, found.after) == ("not-due", None, at(DAY + "13:15"), at(DAY + "13:30"))
    assert cause(task, "12:15:30") == "not-due"
    assert cause(task, clock.at + timedelta(minutes=1)) == "not-due"


def test_it_was_not_there_yet(clock: FrozenClock) -> None:
    task = make_task(cron=QUARTERS)
    assert [cause(task, time) for time in ("11:45", "12:00")] == ["before-creation", "before-creation"]


def test_it_was_disabled(edith: Any, clock: FrozenClock) -> None:
    task = make_task(cron=QUARTERS)
    clock.move(minutes=5)
    definitions.disable(as_actor(edith), task.id)
    clock.move(minutes=30)
    assert cause(task, "12:45") == "disabled-by"
    definitions.enable(SYSTEM, task.id)
    settle(clock, minutes=15)
    assert [cause(task, time) for time in ("12:15", "12:30", "12:45")] == ["disabled-by", "disabled-by", "waiting-slot"]
    assert said(task, "12:15") == "It was disabled: by edith, at 2026-03-02 12:05:00+00:00."


def test_it_was_in_the_trash(edith: Any, clock: FrozenClock) -> None:
    task = make_task(cron=QUARTERS)
    clock.move(minutes=20)
    trash.remove(as_actor(edith), task.id)
    clock.move(minutes=20)
    trash.restore(SYSTEM, task.id)
    assert [cause(task, time) for time in ("12:15", "12:30", "12:45")] == ["waiting-scheduler", "deleted", "disabled-by"]
    assert "edith" in said(task, "12:30")


def test_its_schedule_was_another_one(edith: Any, clock: FrozenClock) -> None:
    task = make_task(cron=QUARTERS)
    clock.move(minutes=20)
    definitions.edit(as_actor(edith), task.id, {"schedule_type": "cron", "schedule_config": {"cron": "10 * * * *"}})
    settle(clock, minutes=20)
    assert [cause(task, time) for time in ("12:10", "12:30", "12:31", "12:15")] == [
        "replaced-by-edit", "replaced-by-edit", "not-due", "waiting-slot",
    ]  # fmt: skip
    assert "edith changed that" in said(task, "12:10") and "edith changed that" in said(task, "12:30")


def test_its_row_is_not_there_any_more(clock: FrozenClock) -> None:
    task = make_task(cron=QUARTERS)
    settle(clock, minutes=20)
    db.session.execute(db.delete(Run))
    db.session.commit()
    assert cause(task, "12:15") == "no-record"


def test_it_was_outside_its_window(clock: FrozenClock) -> None:
    task = make_task(cron=QUARTERS, start_at="2026-03-02T12:20:00Z", end_at="2026-03-02T13:05:00Z")
    settle(clock, hours=2)
    assert [cause(task, time) for time in ("12:15", "12:25", "13:15", "15:15", "15:16")] == [
        "outside-window", "not-due", "outside-window", "outside-window", "not-due",
    ]  # fmt: skip


def test_it_had_run_often_enough(clock: FrozenClock) -> None:
    task = make_task(cron=QUARTERS, max_runs=2)
    assert [cause(task, time) for time in ("12:15", "12:30", "12:45")] == ["will-run", "will-run", "max-runs"]
    settle(clock, hours=1)
    assert [cause(task, time) for time in ("12:45", "13:15")] == ["max-runs", "max-runs"]


def test_it_waits_for_the_scheduler(clock: FrozenClock) -> None:
    task = make_task(cron=QUARTERS)
    clock.move(minutes=15, seconds=3)
    assert (cause(task, "12:15"), asked(task, "12:15").due) == ("waiting-scheduler", at(DAY + "12:15"))


def test_it_has_no_schedule(clock: FrozenClock) -> None:
    task = make_task(schedule_type="manual", schedule_config={})
    clock.move(hours=1)
    heartbeat.beat(config.settings().instance)
    run = make_run(task)
    assert [cause(task, time) for time in ("12:15", "13:15", "13:00")] == ["not-scheduled", "not-scheduled", "waiting-slot"]
    assert asked(task, "13:00").run == run


def test_it_runs_after_another(clock: FrozenClock) -> None:
    make_task(key="first", name="First")
    task = make_task(schedule_type="manual", schedule_config={}, depends_on=["first"])
    clock.move(hours=1)
    assert [cause(task, time) for time in ("12:15", "13:15")] == ["blocked-dependency", "blocked-dependency"]
    assert "runs after First" in said(task, "13:15")


def test_it_says_which_of_those_it_waits_for_failed(clock: FrozenClock) -> None:
    good, bad, never = make_task(name="Good"), make_task(name="Bad"), make_task(name="Never")
    task = make_task(schedule_type="manual", schedule_config={}, depends_on=[one.key for one in (good, bad, never)])
    runs = [perform(make_run(good)), perform(make_run(bad), 2)]
    clock.move(hours=1)
    going = make_run(never)
    notes = [note.text % note.params for note in asked(task, "12:15").notes]
    assert notes == [
        f"Run #{runs[1].id} of “Bad” failed at 2026-03-02 12:00:00+00:00.",
        f"Run #{runs[0].id} of “Good” succeeded at 2026-03-02 12:00:00+00:00.",
        "“Never” had not run by then.",
    ]
    clock.move(hours=1)
    assert [note.params["number"] for note in asked(task, "13:30").notes] == [runs[1].id, runs[0].id, going.id]


def test_it_will_run(clock: FrozenClock) -> None:
    task = make_task(cron=QUARTERS)
    found = asked(task, "18:30")
    assert (found.because, found.due, found.before, found.after, found.notes) == (
        "will-run", at(DAY + "18:30"), at(DAY + "18:15"), at(DAY + "18:45"), [],
    )  # fmt: skip
    assert cause(task, at("2031-01-01T00:00")) == "will-run"


@pytest.mark.parametrize(("overlap", "words"), [("skip", "is skipped"), ("queue", "may have to wait"), ("replace", "is stopped")])
def test_it_says_what_may_be_in_the_way(clock: FrozenClock, overlap: str, words: str) -> None:
    task = make_task(cron=QUARTERS, overlap_policy=overlap)
    claim(make_run(task))
    clock.move(minutes=1)
    down, going = asked(task, "12:15").notes
    assert "not running now" in down.text and words in going.text
    assert len(asked(task, "12:30").notes) == 1


def test_it_will_not_run(edith: Any, clock: FrozenClock) -> None:
    task = make_task(cron=QUARTERS, end_at="2026-03-02T20:00:00Z")
    pausing.pause(SYSTEM, until=at(DAY + "13:00"))
    times = ("12:15", "13:00", "13:01", "20:15")
    assert [cause(task, time) for time in times] == ["paused", "will-run", "not-due", "outside-window"]
    definitions.disable(as_actor(edith), task.id)
    assert [cause(task, time) for time in times] == ["disabled-by", "disabled-by", "not-due", "outside-window"]
    assert "edith" in said(task, "12:15")


def test_an_interval_goes_by_its_rows_and_its_next_instant(clock: FrozenClock) -> None:
    task = make_task(schedule_type="interval", schedule_config={"interval": 10, "unit": "minutes"}, max_runs=5)
    settle(clock, minutes=10)
    settle(clock, minutes=5)
    assert [cause(task, time) for time in ("12:10", "12:12", "12:16", "12:20", "12:40", "12:50", "13:00")] == [
        "waiting-slot", "not-due", "not-due", "will-run", "will-run", "will-run", "max-runs",
    ]  # fmt: skip
    found = asked(task, "12:12")
    assert (found.before, found.after) == (at(DAY + "12:10"), at(DAY + "12:20"))
    definitions.disable(SYSTEM, task.id)
    assert cause(task, "12:20") == "disabled-by"


@pytest.mark.parametrize(("policy", "because", "notes"), [("skip", "missed-late", 1), ("run_once", "not-due", 0)])
def test_an_interval_that_nobody_came_to_says_so(clock: FrozenClock, policy: str, because: str, notes: int) -> None:
    interval = {"interval": 10, "unit": "minutes"}
    task = make_task(schedule_type="interval", schedule_config=interval, misfire_policy=policy)
    settle(clock, hours=2)
    found = asked(task, "13:00")
    assert (found.because, found.run, len(found.notes)) == (because, rows(task)[0], notes)
    assert "It had been due at 2026-03-02 12:10:00" in said(task, "13:00") and "before 2026-03-02 14:00:00" in said(task, "13:00")
    assert asked(task, "14:05").run is None


def test_a_schedule_of_bursts_is_looked_back_on_quickly(clock: FrozenClock) -> None:
    task = make_task(cron="* * * 4 3 *")
    clock.move(days=365)
    found = asked(task, at("2027-02-01T12:00"))
    assert (found.because, found.before, found.after) == ("not-due", at("2026-03-04T23:59:59"), at("2027-03-04T00:00"))


def test_the_nearest_are_those_around_the_one_that_is_meant(clock: FrozenClock) -> None:
    found = asked(make_task(cron="*/20 * * * * *"), "13:00")
    assert (found.before, found.due, found.after) == (at(DAY + "12:59:40"), at(DAY + "13:00"), at(DAY + "13:00:20"))


def test_it_is_told_to_those_who_may_see_the_task(victor: Any, mallory: Any) -> None:
    task = make_task(cron=QUARTERS, group=make_group("hidden").key)
    assert why.explain(as_actor(victor), task, NOON).because == "before-creation"
    with pytest.raises(NotFound):
        why.explain(as_actor(mallory), task, NOON)


def test_every_cause_is_met_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [because for because in Because if f'"{because}"' not in text] == []


@pytest.mark.usefixtures("handed_over")
def test_it_waits_for_a_worker(clock: FrozenClock) -> None:
    task = make_task(cron=QUARTERS)
    settle(clock, minutes=15)
    assert cause(task, "12:15") == "waiting-worker" and "No worker takes runs" in said(task, at(DAY + "12:15"))
    lifecycle.claim([rows(task)[0].id], node=handing.NOBODY)
    assert cause(task, "12:15") == "waiting-worker" and "handed over" in said(task, at(DAY + "12:15"))
    handing.take(rows(task)[0].id, 1)
    assert cause(task, "12:15") == "running"
