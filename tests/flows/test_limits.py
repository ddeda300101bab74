"""Tasks that take more than they may: they fail, say why, and harm nobody; processes of another user are counted."""

import os
import pwd

import pytest

from scheduler.runs.folders import workspace_folder
from scheduler.tasks import identity
from tests.factories import attempts, make_task
from tests.flows.conftest import Site
from tests.waiting import until

pytestmark = pytest.mark.slow

EATER = "x = [bytearray(10 * 1024 * 1024) for _ in range(20)]"
OTHER = "games"


def test_a_task_that_eats_twice_its_memory_harms_nobody(site: Site) -> None:
    server = site.start()
    others = [site.run(site.task("sleep 2; echo done")) for _ in range(5)]
    eater = site.run(make_task(type="python", code=EATER, limits={"memory_mb": 100}))
    assert site.until_over(eater, *others) == ["technical_failure", *["success"] * 5]
    assert (attempts(eater)[0].result or {})["last_error_line"] == "MemoryError"
    assert (eater.peak_memory_kb or 0) < 110 * 1024
    assert server.poll() is None


def test_a_task_somebody_kills_is_not_counted_as_stopped(site: Site) -> None:
    site.start()
    run = site.run(site.task("kill -9 $$"))
    assert (site.until_over(run), run.signal, run.exit_code) == (["technical_failure"], 9, None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_processes_of_another_user_are_limited(site: Site) -> None:
    site.start()
    shell = "for n in $(seq 60); do sleep 1 & done; wait; echo survived"
    run = site.run(site.task(shell, run_as=OTHER, limits={"processes": 20}))
    site.until_over(run)
    assert b"fork" in site.output(run)
    assert len(site.processes()) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_task_runs_as_the_user_it_names(site: Site) -> None:
    site.start()
    run = site.run(site.task("id -un; touch made; cat ../../scheduler.db test.db", run_as=OTHER))
    until(lambda: site.status(run) not in ("pending", "running"))
    made = workspace_folder(site.instance, run.id) / "made"
    assert (site.output(run).splitlines()[0], made.stat().st_uid) == (OTHER.encode(), pwd.getpwnam(OTHER).pw_uid)
    assert identity.may_switch()
