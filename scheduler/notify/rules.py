"""When a rule speaks, as pure functions of how runs ended: streaks, thresholds, recovery, quiet hours; knows no table."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

from scheduler.notify.terms import Event
from scheduler.runs.status import FAILED, RAN, Status

EVENTS: tuple[str, ...] = get_args(Event)
RECOVERED = "recovered"
# What a run's end means to rules; the first is what it is called when it meets several.
MEANINGS: dict[str, tuple[str, ...]] = {
    Status.SUCCESS: ("success",),
    Status.BUSINESS_FAILURE: ("business_failure",),
    Status.TECHNICAL_FAILURE: ("technical_failure",),
    Status.TIMEOUT: ("timeout", "technical_failure"),
    Status.LOST: ("lost",),
    Status.MISSED: ("missed",),
    Status.SKIPPED: ("skipped",),
}


@dataclass(frozen=True)
class When:
    """The part of a rule that decides when it speaks."""

    triggers: frozenset[str]
    threshold: int = 1
    repeat: bool = False


@dataclass(frozen=True)
class Streak:
    """What a rule has seen of a task so far: events in a row, and failures since the last success."""

    count: int = 0
    failures: int = 0


@dataclass(frozen=True)
class Said:
    """What a rule says of a run: which event it was, and how many in a row."""

    event: str
    count: int


def heard(when: When, before: Streak, status: str, weight: int = 1) -> tuple[Streak, Said | None]:
    """The streak after a run that ended so, and what is to be said of it, if anything; never more than one thing.

    A run that never ran, or was cancelled, neither goes on with a streak of other events nor breaks it. `weight` is how many
    due instants the run stands for. A recovery is told when the failures before it were as many as the rule waits for.
    """
    event = next((name for name in MEANINGS.get(status, ()) if name in when.triggers), None)
    count = before.count + weight if event else 0 if status in RAN else before.count
    failures = _failures(when.triggers, before.failures, status)
    after = Streak(count, failures)
    if status == Status.SUCCESS and RECOVERED in when.triggers and before.failures >= when.threshold:
        return after, Said(RECOVERED, before.failures)
    return after, Said(event, count) if event and _reached(when, before.count, count) else None


def _failures(triggers: Collection[str], before: int, status: str) -> int:
    """How many failures there were since the last success, of the kinds the rule names, or of any where it names none."""
    if status == Status.SUCCESS:
        return 0
    named = [name for name in triggers if name in FAILED]
    counts = status in FAILED and (not named or any(name in triggers for name in MEANINGS[status]))
    return before + counts


def _reached(when: When, before: int, count: int) -> bool:
    """At a threshold of 1 each event speaks; above it the streak that reaches it, and with `repeat` each multiple."""
    if when.threshold == 1:
        return True
    if when.repeat:
        return count // when.threshold > before // when.threshold
    return before < when.threshold <= count


def quiet_until(now: datetime, begin: time, end: time, zone: ZoneInfo) -> datetime:
    """`now`, or the end of the quiet hours it lies in; they may go over midnight, and empty ones never are."""
    here = now.astimezone(zone)
    at = here.time().replace(tzinfo=None)
    inside = begin <= at < end if begin <= end else at >= begin or at < end
    if not inside:
        return now
    day = here.date() + timedelta(days=1 if at >= end else 0)
    return datetime.combine(day, end, zone).astimezone(now.tzinfo)
