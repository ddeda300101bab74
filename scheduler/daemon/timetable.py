"""Owns APScheduler: one job per enabled task that only says "wake up"; what is due the ledger decides, from the database."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from apscheduler.events import EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.executors.base import BaseExecutor
from apscheduler.job import Job
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from flask import Flask
from sqlalchemy import Row, bindparam, select

from scheduler import clock
from scheduler.columns import UTCDateTime
from scheduler.daemon import listeners
from scheduler.daemon.agenda import Agenda
from scheduler.daemon.quiet import Quiet
from scheduler.daemon.rest import Rest
from scheduler.database import db, table
from scheduler.errors import SchedulerError, Unavailable
from scheduler.runs import ledger
from scheduler.schedules.plan import Plan
from scheduler.tasks.models import Task
from scheduler.tasks.queries import Timing, plan_of

BREATH = 0.05  # seconds
LONGEST_SLEEP = 1.0  # seconds: a clock that was set, a suspended machine, another process's edit are noticed within it
OVERLAP = timedelta(seconds=2)  # how far each look for edits reaches back behind the last one

_task = table(Task).c
_PLACED = select(_task.id, _task.enabled, _task.deleted_at, _task.next_run_at, *Timing.columns())
_ALL = _PLACED.where(_task.enabled.is_(True), _task.deleted_at.is_(None), _task.next_run_at.is_not(None))
_CHANGED = _PLACED.where(_task.updated_at > bindparam("seen", type_=UTCDateTime))

_TICK = f"{__name__}:_nothing"  # by name: from the function itself APScheduler would make the name anew for every job

_log = logging.getLogger("SchedulerEngine")


class PlanTrigger(BaseTrigger):  # type: ignore[misc]
    """APScheduler's question "when next?", put to our schedule.

    Counted from now where the last time is long past: a backlog is the ledger's business, and enumerating it here
    would hold the job store's lock for as long as the gap is wide.
    """

    __slots__ = ("_plan", "_timing")
    _last: ClassVar[tuple[Any, ...]] = ()  # the question put last, and its answer: of a job that fires each is put twice

    def __init__(self, timing: Timing) -> None:
        """Nothing is parsed before an answer is wanted: most of ten thousand jobs rarely fire."""
        self._timing = timing
        self._plan: Plan | None = None

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        last = PlanTrigger._last
        if last and last[0] is self and last[1] == previous and last[2] is now:
            answer: datetime | None = last[3]
        else:
            answer = self._next(previous, now)
            PlanTrigger._last = self, previous, now, answer
        return answer

    def _next(self, previous: datetime | None, now: datetime) -> datetime | None:
        try:
            plan = self._plan = self._plan or plan_of(self._timing)
            following = plan.next_after(previous.astimezone(UTC)) if previous else None
            return following if following is not None and following > now else plan.next_after(now.astimezone(UTC))
        except (SchedulerError, ValueError, KeyError, TypeError, ArithmeticError) as error:
            # The ledger says so in its history; what escaped from here would keep all other jobs from firing.
            _log.error("event=schedule_broken task=%s reason=%r", self._timing.key, error)
            return None


class Nudge:
    """What the one thread of a scheduler sleeps on: waking from a `threading.Event`, made for many, costs twice as much."""

    def __init__(self) -> None:
        self._taken = threading.Lock()
        self._taken.acquire()

    def wait(self, seconds: float) -> bool:
        """Until it is set, so many seconds at most; whether it was, and then it is so no more."""
        return self._taken.acquire(timeout=max(seconds, 0.0))

    def clear(self) -> None:
        """Nothing: to have waited for it has cleared it, and what was set since is to be heard."""

    def set(self) -> None:
        """End the wait that goes on, or else the next."""
        with suppress(RuntimeError):  # it is set already
            self._taken.release()

    def is_set(self) -> bool:
        """Whether nobody has waited for it since it was set."""
        return not self._taken.locked()


class Pulse(BackgroundScheduler):  # type: ignore[misc]
    """A scheduler that never sleeps longer than a second and calls `beat` after each pass over its jobs.

    It makes no pass while `rests` answers for how many seconds none will fire. After one in which something fired it waits
    for `BREATH` first, so that what is due starts meanwhile.
    """

    def __init__(self, beat: Callable[[], None], rests: Callable[[], float | None] = lambda: None, **options: Any) -> None:
        self._beat, self._rests = beat, rests
        self.fired = False  # whether a job has in this pass
        self._breathed = False
        self._quiet = Quiet(_log, "beat_failed")
        super().__init__(**options)
        self._event = Nudge()

    def _process_jobs(self) -> float:
        wait = None
        try:  # what escaped from here would end the thread, and with it every schedule
            wait = self._rests()
            if wait is not None:
                return min(wait, LONGEST_SLEEP)
            wait = super()._process_jobs()
            fired, self.fired = self.fired, False
            self._breathed = fired and not self._breathed
            if self._breathed:
                return BREATH
            self._beat()
        except Exception as error:
            self._quiet.failed("beat", error)
        else:
            self._quiet.worked("beat")
        return LONGEST_SLEEP if wait is None else min(wait, LONGEST_SLEEP)


class Inline(BaseExecutor):  # type: ignore[misc]
    """Performs the tick, of which there is nothing, on the spot: no pool to starve, no instances to count.

    Of all jobs that fire at one instant it says of the first that it was executed: nobody asks which they were.
    """

    _said: datetime | None = None

    def submit_job(self, job: Job, run_times: list[datetime]) -> None:
        """Say that it was executed, if that is news."""
        if run_times[-1] != self._said:
            self._said = run_times[-1]
            self._do_submit_job(job, run_times)

    def _do_submit_job(self, job: Job, run_times: list[datetime]) -> None:
        self._scheduler._dispatch_event(JobExecutionEvent(EVENT_JOB_EXECUTED, job.id, job._jobstore_alias, run_times[-1]))


class Timetable:
    """The jobs in memory, rebuilt from the tasks table, which is the only truth."""

    def __init__(
        self, app: Flask, settle: Callable[[datetime], int], rest: Callable[[datetime, float], object] = lambda now, steady: None
    ) -> None:
        """`settle` is called when something may be due, `rest` once a second when nothing is, with what both clocks say."""
        self._app = app
        self._settle, self._pause = settle, rest
        with app.app_context():
            self._rest = Rest()
        self._due: datetime | None = None
        self._seen: datetime | None = None
        self._quiet = Quiet(_log, "tick_failed")
        self._scheduler = Pulse(
            self.beat,
            self.rests,
            timezone=UTC,
            jobstores={"default": Agenda()},
            executors={"default": Inline()},
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
        self._rest.close()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def wake(self) -> None:
        """Look at once whether something changed."""
        if self._scheduler.running:
            self._scheduler.wakeup()

    def tick(self, _due: datetime) -> None:
        """A job fired: have everything that is due written down."""
        self._scheduler.fired = True
        try:
            with self._app.app_context():
                self._settle(clock.now())
        except Unavailable as error:  # the next beat does it
            self._quiet.failed("tick", error)
        else:
            self._quiet.worked("tick")

    def beat(self) -> None:
        """Once a pass: take in what others changed, settle what no job woke us for."""
        now = clock.now()
        with self._app.app_context():
            self._settle(now)
            self.refresh()
            self._due = ledger.next_due()
            self._rest.begin()
        self.last_beat = now

    def rests(self) -> float | None:
        """Seconds until something is due, as far as is known; None when that is now, or somebody may have written."""
        now, steady = clock.now(), clock.monotonic()
        left = LONGEST_SLEEP if self._due is None else (self._due - now).total_seconds()
        if not self._rest.holds(steady) or left <= 0:
            return None
        self._pause(now, steady)
        self.last_beat = now
        return left

    def refresh(self) -> None:
        """Bring the jobs in line with the tasks changed since the last look."""
        with self._app.app_context():
            look, first = clock.now(), self._seen is None
            connection = db.session.connection(execution_options={"yield_per": 500})
            count = 0
            for task in connection.execute(_ALL if first else _CHANGED, {"seen": self._seen}):
                self._place(task)
                count += 1
            if first:
                _log.info("event=tasks_loaded count=%s", count)
            db.session.rollback()
            self._seen = look - OVERLAP

    def _place(self, task: Row[Any]) -> None:
        job_id = str(task.id)
        if task.enabled and task.deleted_at is None and task.next_run_at is not None:
            trigger = PlanTrigger(Timing.of(task))
            self._scheduler.add_job(_TICK, trigger, id=job_id, next_run_time=task.next_run_at, replace_existing=True)
            return
        try:
            self._scheduler.remove_job(job_id)
        except JobLookupError:
            _log.debug("event=job_absent task=%s", job_id)


def _nothing() -> None:
    """The tick: that it fired is all there is to it."""
