"""Owns APScheduler: one job per enabled task that only says "wake up"; what is due the ledger decides, from the database."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.executors.debug import DebugExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from flask import Flask
from sqlalchemy import Row, select

from scheduler import clock
from scheduler.daemon import listeners
from scheduler.daemon.quiet import Quiet
from scheduler.database import db
from scheduler.errors import SchedulerError, Unavailable
from scheduler.schedules.plan import Plan
from scheduler.tasks.models import Task
from scheduler.tasks.queries import plan_of

LONGEST_SLEEP = 1.0  # seconds: a clock that was set, a suspended machine, another process's edit are noticed within it
OVERLAP = timedelta(seconds=2)  # how far each look for edits reaches back behind the last one

_PLACED = (Task.id, Task.key, Task.enabled, Task.deleted_at, Task.next_run_at, Task.schedule_kind, Task.schedule_config,
           Task.timezone, Task.start_at, Task.end_at)  # fmt: skip

_log = logging.getLogger("SchedulerEngine")


class PlanTrigger(BaseTrigger):  # type: ignore[misc]
    """APScheduler's question "when next?", put to our schedule.

    Counted from now where the last time is long past: a backlog is the ledger's business, and enumerating it here
    would hold the job store's lock for as long as the gap is wide.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        following = self._plan.next_after(previous.astimezone(UTC)) if previous else None
        return following if following is not None and following > now else self._plan.next_after(now.astimezone(UTC))


class Pulse(BackgroundScheduler):  # type: ignore[misc]
    """A scheduler that never sleeps longer than a second and calls `beat` after each pass over its jobs."""

    def __init__(self, beat: Callable[[], None], **options: Any) -> None:
        self._beat = beat
        self._quiet = Quiet(_log, "beat_failed")
        super().__init__(**options)

    def _process_jobs(self) -> float:
        wait = None
        try:  # what escaped from here would end the thread, and with it every schedule
            wait = super()._process_jobs()
            self._beat()
        except Exception as error:
            self._quiet.failed("beat", error)
        else:
            self._quiet.worked("beat")
        return LONGEST_SLEEP if wait is None else min(wait, LONGEST_SLEEP)


class Timetable:
    """The jobs in memory, rebuilt from the tasks table, which is the only truth."""

    def __init__(self, app: Flask, settle: Callable[[datetime], int]) -> None:
        self._app = app
        self._settle = settle
        self._seen: datetime | None = None
        self._quiet = Quiet(_log, "tick_failed")
        self._scheduler = Pulse(
            self.beat,
            timezone=UTC,
            executors={"default": DebugExecutor()},  # runs the empty tick inline: no pool to starve
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        listeners.listen(self._scheduler, self.tick)
        self.last_beat: datetime | None = None

    def start(self) -> None:
        """Fill the timetable and begin to fire."""
        self.refresh()
        self._scheduler.start()

    def stop(self) -> None:
        """Fire no more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def wake(self) -> None:
        """Look at once whether something changed."""
        if self._scheduler.running:
            self._scheduler.wakeup()

    def tick(self, _due: datetime) -> None:
        """A job fired: have everything that is due written down."""
        try:
            with self._app.app_context():
                self._settle(clock.now())
        except Unavailable as error:  # the next beat does it
            self._quiet.failed("tick", error)
        else:
            self._quiet.worked("tick")

    def beat(self) -> None:
        """Once a pass, at least once a second: take in what others changed, settle what no job woke us for."""
        with self._app.app_context():
            self._settle(clock.now())
            self.refresh()
            self.last_beat = clock.now()

    def refresh(self) -> None:
        """Bring the jobs in line with the tasks changed since the last look."""
        with self._app.app_context():
            look = clock.now()
            query = select(*_PLACED)
            if self._seen is None:
                query = query.where(Task.enabled.is_(True), Task.deleted_at.is_(None))
            else:
                query = query.where(Task.updated_at > self._seen)
            tasks = db.session.execute(query).all()
            if self._seen is None:
                _log.info("event=tasks_loaded count=%s", len(tasks))
            for task in tasks:
                try:
                    self._place(task)
                except (SchedulerError, ValueError, KeyError, TypeError, ArithmeticError) as error:
                    _log.error("event=schedule_broken task=%s reason=%r", task.id, error)  # the ledger says so in its history
            db.session.rollback()
            self._seen = look - OVERLAP

    def _place(self, task: Row[Any]) -> None:
        job_id = str(task.id)
        if task.enabled and task.deleted_at is None and task.next_run_at is not None:
            trigger = PlanTrigger(plan_of(task))
            self._scheduler.add_job(_nothing, trigger, id=job_id, next_run_time=task.next_run_at, replace_existing=True)
            return
        try:
            self._scheduler.remove_job(job_id)
        except JobLookupError:
            _log.debug("event=job_absent task=%s", job_id)


def _nothing() -> None:
    """The tick: that it fired is all there is to it."""
