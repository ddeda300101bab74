"""The decisions about runs, as pure functions: late or not, overlap, admission, success or failure, retry; does nothing."""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from scheduler.runs.status import ASKED_FOR, RETRIED, Status
from scheduler.tasks.pausing import Span

MOST_CAUGHT_UP = 100  # runs that `run_all` makes of one gap
MOST_QUEUED = 100  # runs of one task that wait at once
LONGEST_EXPONENT = 30
HOPELESS = "hopeless"  # in an outcome's details: another attempt would fail in the same way
STEP = 300  # seconds of waiting that weigh as much as one step of priority


class Verdict(StrEnum):
    """What becomes of a due instant."""

    RUN = "run"
    RUN_LATE = "run_late"
    MISSED = "missed"


@dataclass(frozen=True)
class Outcome:
    """What an attempt's process left, as the engine reports it; times in epoch seconds, `duration` in steady seconds."""

    reason: str  # exited | signalled | timeout | cancelled | start_failed | lost
    exit_code: int | None = None
    signal: int | None = None
    error: str | None = None
    started_at: float | None = None
    finished_at: float | None = None
    duration: float | None = None
    pid: int | None = None
    host: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


class Missed(StrEnum):
    """Why nothing ran at a due instant."""

    PAUSED = "paused"
    DOWN = "down"
    CLOCK = "clock"
    LATE = "late"


@dataclass(frozen=True)
class Past:
    """What is known of the time before a settlement; known to nobody, it counts as the scheduler's being late."""

    watched: datetime | None = None  # until then somebody settled every second
    down: bool = False  # and since then nobody has
    jumped: bool = False  # or the clock was set forward since, or the machine slept
    back: timedelta = timedelta(0)  # by how much the clock was set back since
    pauses: tuple[Span, ...] = ()


UNKNOWN = Past()


def misfire(instants: Sequence[datetime], now: datetime, rules: Mapping[str, Any], pauses: Sequence[Span] = ()) -> list[Verdict]:
    """A verdict for each of `instants` (oldest first, all due): within its grace it runs; later, the misfire policy says.

    What lies in a pause is missed whatever the policy: a pause means that nothing of it shall run.
    """
    grace = timedelta(seconds=rules["misfire_grace_seconds"])
    if instants and now - instants[0] <= grace and not pauses:
        return [Verdict.RUN] * len(instants)
    verdicts = [Verdict.RUN if now - instant <= grace else Verdict.MISSED for instant in instants]
    paused = {index for index, instant in enumerate(instants) if any(pause.covers(instant) for pause in pauses)}
    late = [index for index, verdict in enumerate(verdicts) if verdict is Verdict.MISSED and index not in paused]
    if rules["misfire_policy"] == "run_all":
        for index in late[-MOST_CAUGHT_UP:]:
            verdicts[index] = Verdict.RUN_LATE
    elif rules["misfire_policy"] == "run_once" and len(late) == len(verdicts) - len(paused) > 0:
        verdicts[late[-1]] = Verdict.RUN_LATE
    return [Verdict.MISSED if index in paused else verdict for index, verdict in enumerate(verdicts)]


def missed(instant: datetime, past: Past) -> Missed:
    """Why a due instant that nobody came to in time was missed."""
    if any(pause.covers(instant) for pause in past.pauses):
        return Missed.PAUSED
    if past.watched is not None and instant <= past.watched:
        return Missed.LATE
    if past.down:
        return Missed.DOWN
    return Missed.CLOCK if past.jumped else Missed.LATE


def edges(past: Past) -> list[datetime]:
    """The moments at which the reason for missing what was due changes."""
    known = [past.watched, *(moment for pause in past.pauses for moment in (pause.since, pause.end))]
    return [moment for moment in known if moment is not None]


class Overlap(StrEnum):
    """What a new run does about those of its task that are still alive."""

    QUEUE = "queue"
    SKIP = "skip"
    REPLACE = "replace"


def overlap(alive: int, rules: Mapping[str, Any]) -> Overlap:
    """`alive` runs of the task wait or run already: may another join them?"""
    if alive < rules["max_instances"]:
        return Overlap.QUEUE
    if rules["overlap_policy"] == "queue":
        return Overlap.QUEUE if alive < rules["max_instances"] + MOST_QUEUED else Overlap.SKIP
    return Overlap.REPLACE if rules["overlap_policy"] == "replace" else Overlap.SKIP


@dataclass(frozen=True)
class Waiting:
    """A run that waits to be started; `limit` is its task's max_instances, `group_limit` its group's, if any."""

    run_id: int
    task_id: int
    group_id: int
    limit: int
    group_limit: int | None = None
    paused: bool = False  # by a pause of everything


@dataclass
class Slots:
    """How many run now: in all, by task, by group; and how many may in all."""

    most: int
    running: int = 0
    by_task: Counter[int] = field(default_factory=Counter)
    by_group: Counter[int] = field(default_factory=Counter)


def waits_for_the_pause(cause: str, is_retry: bool, hastened: bool) -> bool:
    """Whether a waiting run would begin by itself, which a pause forbids; what somebody asked for begins all the same."""
    return not hastened and (cause not in ASKED_FOR or is_retry)


def weight(priority: int, since: datetime) -> float:
    """Where a run stands among those that wait since `since`, least first: a step of priority is worth five minutes of waiting.

    So what waits longest comes first in the end, whatever is queued above it meanwhile, and nothing starves.
    """
    return since.timestamp() - priority * STEP


def admit(waiting: Iterable[Waiting], slots: Slots) -> tuple[list[int], dict[int, str]]:
    """Which of the `waiting` (best first) may start now, and what holds each of the others: paused, task, group or all."""
    admitted: list[int] = []
    held: dict[int, str] = {}
    for run in waiting:
        if run.paused:
            held[run.run_id] = "paused"
        elif slots.by_task[run.task_id] >= run.limit:
            held[run.run_id] = "task"
        elif run.group_limit is not None and slots.by_group[run.group_id] >= run.group_limit:
            held[run.run_id] = "group"
        elif slots.running >= slots.most:
            held[run.run_id] = "all"
        else:
            admitted.append(run.run_id)
            slots.running += 1
            slots.by_task[run.task_id] += 1
            slots.by_group[run.group_id] += 1
    return admitted, held


def judge(outcome: Outcome, rules: Mapping[str, Any]) -> Status:
    """What an outcome means: 0 is a success, 1 a business failure (or the task's own sets), anything else technical."""
    if outcome.reason in ("timeout", "cancelled", "lost"):
        return Status(outcome.reason)
    if outcome.reason == "exited" and outcome.exit_code in rules["success_exit_codes"]:
        return Status.SUCCESS
    if outcome.reason == "exited" and outcome.exit_code in rules["business_exit_codes"]:
        return Status.BUSINESS_FAILURE
    return Status.TECHNICAL_FAILURE


def retry(status: Status, tries: int, rules: Mapping[str, Any], chance: float | None = None) -> timedelta | None:
    """How long to wait before another attempt after `tries` that ran; None when there is none to come.

    An exponential delay doubles with each try up to its maximum, less up to a quarter at random (`chance`, 0–1),
    so that tasks that failed together do not come back together.
    """
    if status not in RETRIED or tries > rules["retry_count"]:
        return None
    delay = float(rules["retry_delay_seconds"])
    if rules["retry_backoff"] == "exponential":
        delay = min(delay * 2 ** min(tries - 1, LONGEST_EXPONENT), rules["retry_max_delay_seconds"])
        delay *= 1 - (random.random() if chance is None else chance) / 4
    return timedelta(seconds=delay)
