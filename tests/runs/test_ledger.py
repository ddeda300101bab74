"""Every due instant one row, whoever asks, however late, however often."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask

from scheduler import signals
from scheduler.database import db
from scheduler.errors import Invalid
from scheduler.runs import ledger
from scheduler.runs.models import Run
from scheduler.runs.policy import Past
from scheduler.tasks import definitions, pausing, trash
from scheduler.tasks.models import Task
from tests.conftest import NOON, FrozenClock
from tests.factories import SYSTEM, at, claim, make_run, make_task, perform, rows, statuses
from tests.threads import in_threads

pytestmark = pytest.mark.usefixtures("app")

MINUTELY = "* * * * *"


def instants(task: Task) -> list[str]:
    return [f"{run.scheduled_at:%d %H:%M:%S}" for run in rows(task)]


def settle(clock: FrozenClock, **by: float) -> int:
    return ledger.settle(clock.move(**by))


def test_it_writes_nothing_before_an_instant_has_come(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY)
    assert settle(clock, seconds=59) == 0
    assert rows(task) == []


def test_it_writes_a_row_the_moment_an_instant_has_come(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY, priority=5)
    assert settle(clock, minutes=1) == 1
    (run,) = rows(task)
    assert (run.status, run.cause, run.cause_key, run.priority) == ("pending", "schedule", "2026-03-02T12:01:00Z", 5)
    assert (run.scheduled_at, run.queued_at, run.late) == (clock.at, clock.at, False)
    assert task.next_run_at == at("2026-03-02T12:02")


def test_it_writes_each_instant_once_however_often_it_is_asked(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY, overlap_policy="queue")
    for _ in range(12):
        settle(clock, seconds=20)
        ledger.settle(clock.at)
        ledger.settle(clock.at - timedelta(seconds=30))
    assert instants(task) == ["02 12:01:00", "02 12:02:00", "02 12:03:00", "02 12:04:00"]


def test_it_survives_a_next_instant_that_was_set_back(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY, overlap_policy="queue")
    settle(clock, minutes=3)
    task.next_run_at = at("2026-03-02T12:01")
    db.session.commit()
    settle(clock, minutes=1)
    assert len(instants(task)) == len(set(instants(task))) == 4


def test_it_tells_who_waits_after_the_commit(clock: FrozenClock) -> None:
    heard: list[int] = []

    def listen(run_ids: list[int]) -> None:
        heard.extend(run_ids)

    task = make_task(cron=MINUTELY)
    with signals.run_queued.connected_to(listen):
        settle(clock, minutes=1)
    assert heard == [run.id for run in rows(task)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("skip", ["missed"] * 4 + ["pending"]),
        ("run_once", ["missed"] * 4 + ["pending"]),
        ("run_all", ["pending"] * 5),
    ],
)
def test_it_catches_up_by_the_misfire_policy(clock: FrozenClock, wanted: str, found: list[str]) -> None:
    task = make_task(cron=MINUTELY, misfire_policy=wanted, misfire_grace_seconds=50, overlap_policy="queue")
    settle(clock, minutes=5)
    assert statuses(task) == found
    assert {run.reason["code"] for run in rows(task) if run.reason} <= {"late"}


def test_it_runs_the_last_of_a_gap_once(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY, misfire_policy="run_once", misfire_grace_seconds=10)
    settle(clock, minutes=3, seconds=40)
    assert [(run.status, run.late) for run in rows(task)] == [("missed", False), ("missed", False), ("pending", True)]


def test_it_counts_what_was_missed_on_the_task(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY, misfire_grace_seconds=1)
    settle(clock, minutes=3, seconds=40)
    assert [result[0] for result in task.recent] == ["missed"] * 3
    assert (task.last_status, task.total_count, task.ticks) == ("missed", 0, 3)


def test_it_skips_while_an_earlier_run_lives(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY)
    first = make_run(task)
    settle(clock, minutes=1)
    (_, skipped) = rows(task)
    assert (skipped.status, skipped.reason) == ("skipped", {"code": "overlap", "run_id": first.id})
    perform(first)
    settle(clock, minutes=1)
    assert statuses(task) == ["success", "skipped", "pending"]


def test_it_skips_all_but_the_first_of_instants_that_come_together(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY)
    settle(clock, minutes=3)
    assert statuses(task) == ["pending", "skipped", "skipped"]
    assert rows(task)[1].reason == {"code": "overlap"}


def test_it_queues_behind_an_earlier_run(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY, overlap_policy="queue")
    claim(make_run(task))
    settle(clock, minutes=2)
    assert statuses(task) == ["running", "pending", "pending"]


def test_it_replaces_what_waits_and_asks_what_runs_to_stop(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY, overlap_policy="replace")
    settle(clock, minutes=1)
    (first,) = rows(task)
    claim(first)
    settle(clock, minutes=1)
    first = rows(task)[0]
    assert (first.status, first.reason, first.cancel_at) == ("running", {"code": "replaced"}, clock.at)
    settle(clock, minutes=1)
    assert statuses(task) == ["running", "cancelled", "pending"]
    assert rows(task)[0].cancel_count == 1


def test_it_replaces_instants_that_come_together_by_the_newest(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY, overlap_policy="replace")
    settle(clock, minutes=3)
    assert statuses(task) == ["cancelled", "cancelled", "pending"]
    assert rows(task)[0].reason == {"code": "replaced"}


def test_it_lets_runs_overlap_where_that_is_allowed(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY, overlap_policy="allow", max_instances=3)
    claim(make_run(task))
    settle(clock, minutes=3)
    assert statuses(task) == ["running", "pending", "pending", "skipped"]


def test_it_lets_as_many_live_as_the_task_may_have(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY, max_instances=2)
    settle(clock, minutes=3)
    assert statuses(task) == ["pending", "pending", "skipped"]


def test_it_stops_at_the_limit_of_runs(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY, max_runs=3, overlap_policy="queue")
    settle(clock, minutes=2)
    settle(clock, minutes=5)
    assert instants(task) == ["02 12:01:00", "02 12:02:00", "02 12:03:00"]
    assert task.next_run_at is None


def test_it_stops_at_the_end(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY, end_at="2026-03-02T12:02:00Z", overlap_policy="queue")
    settle(clock, minutes=30)
    assert instants(task) == ["02 12:01:00", "02 12:02:00"]
    assert task.next_run_at is None


def test_it_begins_at_the_start(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY, start_at="2026-03-02T12:03:00Z", overlap_policy="queue")
    settle(clock, minutes=4)
    assert instants(task) == ["02 12:03:00", "02 12:04:00"]


def test_an_interval_leaves_no_backlog(clock: FrozenClock) -> None:
    task = make_task(schedule_type="interval", schedule_config={"interval": 10, "unit": "minutes"}, misfire_policy="run_all")
    settle(clock, hours=5)
    assert instants(task) == ["02 12:10:00"]
    assert task.next_run_at == clock.at + timedelta(minutes=10)


def test_an_interval_keeps_its_beat_when_it_is_settled_a_little_late(clock: FrozenClock) -> None:
    task = make_task(schedule_type="interval", schedule_config={"interval": 1, "unit": "minutes"})
    settle(clock, minutes=1, seconds=7)
    assert task.next_run_at == at("2026-03-02T12:02")


def test_a_single_date_is_due_once(clock: FrozenClock) -> None:
    task = make_task(schedule_type="once", schedule_config={"at": "2026-03-02T12:05:00Z"})
    for _ in range(3):
        settle(clock, minutes=5)
    assert instants(task) == ["02 12:05:00"]
    assert task.next_run_at is None


@pytest.mark.parametrize(
    ("day", "found"),
    [("2026-03-29", ["29 01:00:00", "30 00:30:00"]), ("2026-10-25", ["25 00:30:00", "26 01:30:00"])],
)
def test_a_day_on_which_clocks_change_has_one_instant(clock: FrozenClock, day: str, found: list[str]) -> None:
    clock.at = at(f"{day}T00:00")
    task = make_task(schedule_type="cron", schedule_config={"cron": "30 2 * * *"}, timezone="Europe/Berlin")
    for _ in range(48):
        settle(clock, hours=1)
    assert instants(task) == found


def test_a_disabled_or_deleted_task_is_never_due(clock: FrozenClock) -> None:
    disabled, deleted = make_task(cron=MINUTELY), make_task(cron=MINUTELY)
    definitions.disable(SYSTEM, disabled.id)
    trash.remove(SYSTEM, deleted.id)
    assert settle(clock, hours=1) == 0


CHANGES: dict[str, Callable[[int], object]] = {
    "edit": lambda id: definitions.edit(SYSTEM, id, {"schedule_config": {"cron": "0 3 * * *"}}),
    "move": lambda id: definitions.edit(SYSTEM, id, {"timezone": "Asia/Tokyo"}),
    "disable": lambda id: definitions.disable(SYSTEM, id),
    "delete": lambda id: trash.remove(SYSTEM, id),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_no_change_takes_its_row_from_what_was_due(clock: FrozenClock, change: Callable[[int], object]) -> None:
    task = make_task(cron=MINUTELY)
    clock.move(minutes=1, milliseconds=200)
    change(task.id)
    assert (instants(task), statuses(task)) == (["02 12:01:00"], ["pending"])
    assert settle(clock, seconds=1) == 0


def test_a_change_that_is_refused_leaves_what_is_due_to_the_next_settlement(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY)
    clock.move(minutes=1)
    with pytest.raises(Invalid):
        definitions.edit(SYSTEM, task.id, {"schedule_config": {"cron": "nonsense"}})
    assert rows(task) == []
    assert settle(clock) == 1


def test_what_was_due_goes_by_the_rules_it_was_due_under(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY, misfire_grace_seconds=60)
    clock.move(minutes=3)
    definitions.edit(SYSTEM, task.id, {"misfire_grace_seconds": 3600})
    assert codes(task) == ["down", "pending", "overlap"]


def test_what_an_edit_settles_counts_against_the_limit_of_runs(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY, max_runs=1)
    clock.move(minutes=1)
    definitions.edit(SYSTEM, task.id, {"schedule_config": {"cron": "0 3 * * *"}})
    assert (statuses(task), task.ticks, task.next_run_at) == (["pending"], 1, None)


def codes(task: Task) -> list[str]:
    return [str((run.reason or {}).get("code", run.status)) for run in rows(task)]


def test_what_is_due_in_a_pause_is_missed_whatever_the_policy(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY, misfire_policy="run_all", overlap_policy="queue")
    settle(clock, minutes=1)
    pausing.pause(SYSTEM, until=at("2026-03-02T12:04"))
    settle(clock, minutes=1)
    settle(clock, minutes=1)
    settle(clock, minutes=1)
    assert codes(task) == ["pending", "paused", "paused", "pending"]
    assert task.next_run_at == at("2026-03-02T12:05")


def test_a_pause_that_ended_while_nobody_was_there_has_ended(clock: FrozenClock) -> None:
    task = make_task(cron="*/10 * * * *", misfire_policy="skip")
    pausing.pause(SYSTEM, until=at("2026-03-02T12:25"))
    past = Past(watched=clock.at, down=True)
    ledger.settle(clock.move(hours=1), past)
    assert codes(task) == ["paused", "paused", "down", "down", "down", "pending"]


def test_the_last_of_a_gap_is_the_last_before_a_pause(clock: FrozenClock) -> None:
    task = make_task(cron="*/10 * * * *", misfire_policy="run_once")
    clock.move(minutes=35)
    pausing.pause(SYSTEM)
    settle(clock, minutes=20)
    assert codes(task) == ["late", "late", "pending", "paused", "paused"]


def test_a_long_gap_is_one_row_for_each_reason(clock: FrozenClock) -> None:
    task = make_task(cron="* * * * * *")
    clock.move(hours=1)
    pausing.pause(SYSTEM)
    clock.move(hours=2)
    pausing.resume(SYSTEM)
    ledger.settle(clock.move(hours=3), Past(watched=NOON, down=True))
    before, during, after, *_ = rows(task)
    assert codes(task)[:3] == ["down", "paused", "down"]
    assert [(run.scheduled_at, run.missed_until, run.missed_count) for run in (before, during)] == [
        (at("2026-03-02T12:00:01"), at("2026-03-02T13:00"), 3599), (at("2026-03-02T13:00"), at("2026-03-02T15:00"), 7200),
    ]  # fmt: skip
    assert sum(run.missed_count or 1 for run in rows(task)) == task.ticks == 6 * 3600
    assert after.missed_until == rows(task)[3].scheduled_at


def test_two_that_settle_at_once_write_nothing_twice(app: Flask, clock: FrozenClock) -> None:
    tasks = [make_task(cron="*/10 * * * * *", overlap_policy="queue") for _ in range(10)]
    db.session.commit()
    now = clock.move(minutes=2)
    assert in_threads(app, 6, lambda: ledger.settle(now) and None) == []
    assert [len(rows(task)) for task in tasks] == [12] * 10
    assert {task.ticks for task in tasks} == {12}


def test_a_schedule_that_broke_keeps_no_other_task_from_its_time(clock: FrozenClock) -> None:
    broken, sound = make_task(cron=MINUTELY), make_task(cron=MINUTELY)
    broken.timezone = "Mars/Olympus"
    db.session.commit()
    settle(clock, minutes=1)
    settle(clock, minutes=1)
    (row,) = rows(broken)
    assert (row.status, (row.reason or {})["code"]) == ("skipped", "schedule")
    assert len(rows(sound)) == 2


def test_the_database_itself_refuses_a_second_row_of_an_instant(clock: FrozenClock) -> None:
    task = make_task(cron=MINUTELY)
    settle(clock, minutes=1)
    (run,) = rows(task)
    values = {column.name: getattr(run, column.key) for column in Run.__table__.columns if column.name not in ("id", "public_id")}
    with pytest.raises(Exception, match=r"(?i)unique"):
        db.session.execute(db.insert(Run).values(public_id="another", **values))


def test_a_thousand_tasks_at_one_instant_are_one_settlement(clock: FrozenClock) -> None:
    first = make_task(cron=MINUTELY)
    columns = [column for column in Task.__table__.columns if column.name not in ("id", "key", "name")]
    values = db.session.execute(db.select(*columns).where(Task.id == first.id)).one()._mapping
    db.session.execute(db.insert(Task.__table__), [{**values, "key": f"t{n}", "name": f"t{n}"} for n in range(999)])
    db.session.commit()
    assert settle(clock, minutes=1) == 1000
    assert settle(clock, seconds=1) == 0


def test_rows_carry_the_moment_the_schedule_meant(clock: FrozenClock) -> None:
    task = make_task(cron="15 30 12 * * *")
    settle(clock, hours=1)
    assert rows(task)[0].scheduled_at == datetime.fromisoformat("2026-03-02T12:30:15+00:00")
