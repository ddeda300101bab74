"""Which instants of one task are due: read off its plan, bounded however wide the gap; their rows are the ledger's business."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scheduler.runs import policy
from scheduler.schedules.plan import Plan
from scheduler.tasks.queries import plan_of

MOST_INSTANTS = 500  # of one task in one settlement, each its own row; a longer gap is one row with a count
JUST_BEFORE = timedelta(microseconds=1)


@dataclass(frozen=True)
class Gap:
    """What was too long to enumerate: its first due instant, the one it ends before, and about how many there were."""

    first: datetime
    until: datetime
    count: int


@dataclass
class Tick:
    """The due instants of one task that a settlement found, and where its schedule goes on."""

    instants: list[datetime]
    next_run_at: datetime | None
    gap: Gap | None = None

    @property
    def count(self) -> int:
        """How many due instants that is in all."""
        return len(self.instants) + (self.gap.count if self.gap else 0)


def due(task: Any, now: datetime, again: bool = False) -> Tick:
    """Every due instant of `task` from its stored next one to `now`; a schedule of elapsed time has no backlog but that one.

    `again` says that this one has its row already, for the clock was set back: time has passed all the same, and it is due now.
    """
    plan = plan_of(task)
    room = MOST_INSTANTS if task.max_runs is None else min(MOST_INSTANTS, max(task.max_runs - task.ticks, 0))
    instants: list[datetime] = [task.next_run_at][:room]
    following = plan.next_after(task.next_run_at)
    if plan.schedule.elapsed:
        instants = [now][:room] if again else instants
        if following is not None and following <= now:
            following = plan.next_after(now)
    else:
        while following is not None and following <= now and len(instants) < room:
            instants.append(following)
            following = plan.next_after(following)
    if task.max_runs is not None and task.ticks + len(instants) >= task.max_runs:
        return Tick(instants, None)
    if following is None or following > now:
        return Tick(instants, following)
    return _bounded(task, plan, instants, now)


def parts(gap: Gap, plan: Plan, edges: Iterable[datetime]) -> Iterator[Gap]:
    """The gap cut at `edges`, the moments its reason changes: each part begins with a due instant, empty ones are left out."""
    firsts = [gap.first]
    for edge in sorted(edges):
        first = plan.next_after(edge - JUST_BEFORE) if firsts[-1] < edge < gap.until else None
        if first is not None and firsts[-1] < first < gap.until:
            firsts.append(first)
    left, whole = gap.count, (gap.until - gap.first).total_seconds()
    for first, until in zip(firsts, [*firsts[1:], gap.until], strict=True):
        share = round(gap.count * (until - first).total_seconds() / whole)
        count = left if until == gap.until else max(min(share, left - 1), 1)
        left -= count
        yield Gap(first, until, max(count, 1))


def _bounded(task: Any, plan: Plan, instants: list[datetime], now: datetime) -> Tick:
    """A gap too long to enumerate: its newest instants stand for themselves, the rest are one row with a count."""
    first, end = instants[0], min(now, plan.end_at or now)
    mean = (instants[-1] - first) / (len(instants) - 1)
    newest = _newest(plan, (first, end), mean * policy.MOST_CAUGHT_UP)
    count = max(round((newest[0] - first) / mean), 1)
    tick = Tick(newest, plan.next_after(now), Gap(first, newest[0], count))
    if task.max_runs is not None and task.ticks + count + len(newest) >= task.max_runs:
        count = min(count, task.max_runs - task.ticks)
        tick = Tick(newest[: task.max_runs - task.ticks - count], None, Gap(first, newest[0], count))
    return tick


def _newest(plan: Plan, span: tuple[datetime, datetime], window: timedelta) -> list[datetime]:
    """The last instants of `span`, some but not too many: a schedule of bursts has none in one window, thousands in another."""
    first, end = span
    empty = timedelta(0)
    while True:
        found = plan.between(max(end - window, first), end, MOST_INSTANTS)
        if not found:
            empty, window = window, window * 4
        elif len(found) == MOST_INSTANTS:
            window = (empty + window) / 2
        else:
            return found
