"""What the head of a run's page shows: the run, one of its attempts, how far it is, how it went; words come from run_words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from flask import url_for

from scheduler import clock, nodes
from scheduler.accounts.permissions import can
from scheduler.config import settings
from scheduler.runs import handing, history, queue, whereabouts
from scheduler.runs.folders import Progress, attempt_folder, progress
from scheduler.runs.history import Entry
from scheduler.runs.models import Attempt, Run
from scheduler.runs.queue import Place
from scheduler.runs.status import LIVE, AttemptStatus, Status
from scheduler.tasks.models import Task
from scheduler.web import access, live, run_words, runs

GOOD = frozenset({AttemptStatus.SUCCESS, AttemptStatus.RUNNING})
ENDED_BADLY = frozenset({Status.BUSINESS_FAILURE, Status.TECHNICAL_FAILURE, Status.TIMEOUT, Status.LOST})


@dataclass(frozen=True)
class Head:
    """A run and the attempt that was asked for; `pinned` when the address names it, else it is the latest."""

    entry: Entry
    attempts: Sequence[Attempt]
    number: int
    pinned: bool

    @property
    def run(self) -> Run:
        """The run."""
        return self.entry.run

    @property
    def task(self) -> Task:
        """Its task, which may lie in the trash."""
        return self.entry.task

    @cached_property
    def attempt(self) -> Attempt | None:
        """The attempt shown; None before the first."""
        return next((one for one in self.attempts if one.number == self.number), None)

    @property
    def live(self) -> bool:
        """Whether the run waits or runs."""
        return self.run.status in LIVE

    @property
    def standing(self) -> str:
        """The status shown beside its name."""
        return run_words.standing(self.run)

    @cached_property
    def place(self) -> Place | None:
        """Its place in the queue, while it waits."""
        return queue.place_of(self.run)

    @property
    def since(self) -> datetime | None:
        """Since when the attempt shown has been running; None when it is not."""
        shown = self.attempt
        return shown.started_at if shown and shown.status == AttemptStatus.RUNNING else None

    @property
    def passed(self) -> timedelta | None:
        """For how long."""
        return clock.now() - self.since if self.since else None

    @property
    def average(self) -> float | None:
        """Seconds the task's runs took on average."""
        return self.task.total_duration / self.task.total_count if self.task.total_count else None

    @property
    def most_attempts(self) -> int:
        """How many attempts there may be, as the task stands now; one that waits already comes all the same."""
        return max(int(self.task.policy["retry_count"]) + 1, len(self.attempts) + (self.standing == "retrying"))

    @cached_property
    def progress(self) -> Progress | None:
        """How far the attempt says it is: while it runs from its folder, afterwards from its result."""
        if self.attempt is None:
            return None
        if self.since:
            return progress(attempt_folder(settings().instance, self.run.id, self.number))
        kept: Progress | None = (self.attempt.result or {}).get("progress")
        return kept

    @cached_property
    def unheard_since(self) -> datetime | None:
        """When the machine of a running attempt last gave a sign of life, if it is silent now."""
        return nodes.out_of_reach(self.attempt.node) if self.attempt and self.since else None

    @property
    def untaken(self) -> bool:
        """Whether the attempt shown was handed over, and no worker has taken it yet."""
        return handing.is_untaken(self.attempt)

    @cached_property
    def elsewhere(self) -> str:
        """The machine that has the log of the attempt shown, if that is not in our folder; its name, or its node's."""
        return whereabouts.performer(self.attempt)

    @property
    def late(self) -> dict[str, Any] | None:
        """What came of the attempt after it had been given up: its `reason`, `exit_code`, `signal`."""
        return (self.attempt.result or {}).get("late") if self.attempt else None

    @property
    def metrics(self) -> Mapping[str, float]:
        """The numbers the attempt printed, once it is over."""
        kept: Mapping[str, float] | None = (self.attempt.result or {}).get("metrics") if self.attempt else None
        return kept or {}

    @property
    def unwritten(self) -> str:
        """Why the attempt's log could not be written to its end, in the system's words."""
        return str((self.attempt.result or {}).get("log_error") or "") if self.attempt else ""

    @property
    def failed(self) -> bool:
        """Whether what is shown ended, and not well."""
        return (self.attempt.status if self.attempt else self.run.status) in ENDED_BADLY

    @property
    def verdict(self) -> str:
        """Why it counts as failed."""
        return run_words.verdict(self.run, self.attempt, self.task)

    @property
    def error_line(self) -> str:
        """The last thing the attempt complained about."""
        result = (self.attempt.result or {}) if self.attempt else {}
        error = run_words.error(self.attempt.error if self.attempt else self.run.error)
        return str(result.get("last_error_line") or error or self.run.last_line or "")

    @property
    def seen(self) -> str:
        """Changes whenever the head would look different, but for clocks that tick by themselves."""
        shown = self.attempt
        states = [(one.number, one.status, one.started_at, one.pid, one.node) for one in self.attempts]
        waits = self.place and (self.place.position, self.place.hold, self.place.ahead)
        return live.digest(
            runs.facts(self.run),
            states,
            waits,
            self.number,
            shown and shown.finished_at,
            self.progress,
            self.unheard_since,
            self.late,
        )


def of(entry: Entry, number: int | None) -> Head:
    """The head for attempt `number`, or for the latest one when that is None or there is no such attempt."""
    attempts = history.attempts(entry.run)
    known = {one.number for one in attempts}
    pinned = number in known
    return Head(entry, attempts, number if pinned and number else max(known, default=0), pinned)


def context(head: Head) -> dict[str, Any]:
    """What the head's template needs, on the page and when it refreshes itself."""
    actor = access.current_actor()
    gone = head.task.deleted_at is not None
    return {
        "head": head,
        "may_stop": can(actor, "task.stop", head.task),
        "may_run": can(actor, "task.run", head.task) and not gone,
        "may_read_log": can(actor, "log.read", head.task),
        "upstream_runs": history.named(actor, head.run.upstream or ()),
        "task_url": "" if gone else url_for("task_page.show", reference=head.task.id),
    }
