"""Every second for a while: one row an instant, none doubled, each in time."""

from datetime import timedelta
from itertools import pairwise

import pytest

from tests.flows.conftest import Site
from tests.waiting import until

pytestmark = pytest.mark.slow


def test_every_second_has_its_row_and_its_process(site: Site) -> None:
    site.start()
    ledger = site.instance / "ledger"
    task = site.task(f"echo $SCHEDULER_SCHEDULED_AT >> {ledger}", cron="* * * * * *", overlap_policy="queue")
    until(lambda: len(site.runs(task)) >= 8)
    runs = site.runs(task)
    steps = {after.scheduled_at - before.scheduled_at for before, after in pairwise(runs)}
    assert steps == {timedelta(seconds=1)}
    assert max(run.queued_at - run.scheduled_at for run in runs) < timedelta(seconds=1)
    site.until_over(*runs)
    lines = ledger.read_text().split()
    assert len(lines) == len(set(lines)) >= 8


def test_an_edit_in_another_process_is_heard_within_seconds(site: Site) -> None:
    site.start()
    task = site.task("true", schedule_type="interval", schedule_config="1s")
    until(lambda: len(site.runs(task)) >= 2, 6)
