"""Tasks that run after others, on a whole server: a diamond from one click, across the death of the server."""

import pytest

from scheduler.tasks.models import Task
from tests.flows.conftest import Site
from tests.waiting import until

pytestmark = pytest.mark.slow


def after(site: Site, command: str, *upstreams: Task, mode: str = "all") -> Task:
    return site.task(command, depends_on=[one.key for one in upstreams], depends_mode=mode)


def test_a_diamond_runs_through_and_each_task_once(site: Site) -> None:
    server = site.start()
    first = site.task("sleep 2; echo first")
    left, right = after(site, "exit 1", first), after(site, "true", first)
    both, ended = after(site, "true", left, right), after(site, "echo last", left, right, mode="finished")
    run = site.run(first)
    until(lambda: site.status(run) == "running" and site.processes())
    server.kill()
    server.wait()
    site.start()
    until(lambda: site.runs(ended))
    (last,) = site.runs(ended)
    assert site.until_over(last) == ["success"] and last.started_at is not None
    assert [[one.status for one in site.runs(task)] for task in (first, left, right, both)] == [
        *(["success"], ["business_failure"], ["success"], []),
    ]
    assert sorted(last.upstream or []) == sorted(one.public_id for task in (left, right) for one in site.runs(task))
