"""Two servers on one installation: one leads, the other waits and takes over, and nothing is done twice."""

import time
from collections import Counter

import pytest

from tests.flows.conftest import Site
from tests.waiting import until

pytestmark = pytest.mark.slow


def test_the_second_waits_and_takes_over(site: Site) -> None:
    first = site.start()
    second = site.start(wait=False)
    task = site.task("sleep 1.5; echo done", cron="* * * * * *", overlap_policy="allow", max_instances=9)
    until(lambda: site.log().count("event=started") == 2 and len(site.runs(task)) >= 3)
    assert site.leads() == 1
    first.kill()
    until(lambda: site.leads() == 2, 15)  # a lease has to run out first
    seen = len(site.runs(task))
    until(lambda: len(site.runs(task)) >= seen + 2)
    assert second.poll() is None
    runs = [run for run in site.runs(task) if run.status != "missed"][:-4]
    assert set(site.until_over(*runs)) <= {"success"}
    assert max(Counter(run.cause_key for run in site.runs(task)).values()) == 1
    assert {run.attempts for run in runs} == {1}


def test_two_that_start_at_once_on_nothing_both_serve(site: Site) -> None:
    servers = [site.start(wait=False) for _ in range(2)]
    until(lambda: site.log().count("event=started") == 2)
    assert [server.poll() for server in servers] == [None, None]
    time.sleep(1.5)
    assert site.leads() == 1
