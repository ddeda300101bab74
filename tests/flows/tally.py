"""Due instants matched to rows and to starts: what is missing and what is too many are counted apart; disturbs nothing itself."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from scheduler import clock
from scheduler.runs.models import Run
from scheduler.runs.status import ENDED
from scheduler.tasks.models import Task
from tests.flows.conftest import Site
from tests.waiting import until

SECOND = timedelta(seconds=1)


@dataclass
class Tally:
    """Tasks due every second for so long; each writes down its own starts, and all are rather late than missed."""

    site: Site
    firsts: dict[Task, datetime] = field(default_factory=dict)

    def add(self, count: int, seconds: int, then: str = "true") -> None:
        """Have that many more tasks from now on."""
        command = f'echo "$SCHEDULER_RUN_ID/$SCHEDULER_ATTEMPT" >> {self.site.instance}/starts; {then}'
        end = (clock.now() + timedelta(seconds=seconds)).isoformat()
        rules: dict[str, Any] = {"misfire_grace_seconds": 3600, "overlap_policy": "queue", "cron": "* * * * * *", "end_at": end}
        for _ in range(count):
            task = self.site.task(command, **rules)
            assert task.next_run_at is not None
            self.firsts[task] = task.next_run_at

    def runs(self) -> Iterator[Run]:
        """All runs, once every schedule is over and every run has ended."""
        for task in self.firsts:
            until(partial(self._over, task), 120)
            yield from self.site.runs(task)

    def _over(self, task: Task) -> bool:
        return all(run.status in ENDED for run in self.site.runs(task)) and task.next_run_at is None

    def count(self) -> dict[str, int]:
        """How many rows there are, how many rows and starts are missing, how many too many, how many runs did not succeed."""
        runs = list(self.runs())
        rows = Counter((run.task_id, run.scheduled_at) for run in runs)
        wanted = Counter((task.id, instant) for task, first in self.firsts.items() for instant in _due(task, first))
        begun = Counter(line.partition("/")[0] for line in (self.site.instance / "starts").read_text().split())
        once = Counter(str(run.id) for run in runs)
        return {
            "runs": len(runs),
            "missed rows": (wanted - rows).total(),
            "extra rows": (rows - wanted).total(),
            "missed starts": (once - begun).total(),
            "extra starts": (begun - once).total(),
            "failed": sum(run.status != "success" for run in runs),
        }


def _due(task: Task, first: datetime) -> Iterator[datetime]:
    assert task.end_at is not None
    while first <= task.end_at:
        yield first
        first += SECOND
