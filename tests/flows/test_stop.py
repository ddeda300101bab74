"""Stop means stop: of six kinds of process trees nothing is alive after a stop, a timeout, a delete."""

from typing import Any

import pytest

from scheduler.runs.models import Run
from scheduler.tasks import trash
from tests.factories import SYSTEM
from tests.flows.conftest import Site
from tests.waiting import until

pytestmark = pytest.mark.slow

TREES = {  # how many processes each has at least, once it stands
    "sleep 60": 2,
    "sleep 60 & sleep 60 & wait": 3,
    "setsid sleep 60 & sleep 60": 3,
    "(setsid sh -c 'sleep 60 & sleep 60' &) ; sleep 60": 5,
    "trap '' TERM; (trap '' TERM; while :; do sleep 0.2; done) & while :; do sleep 0.2; done": 2,
    "nohup sleep 60 >/dev/null 2>&1 & nohup setsid sleep 60 >/dev/null 2>&1 & sleep 60": 4,
}
STUBBORN = list(TREES)[4]


def grown(site: Site, *trees: str, **values: Any) -> list[Run]:
    """A run of each tree, every one of which stands."""
    runs = [site.run(site.task(tree, **values)) for tree in trees]
    until(lambda: all(len(site.processes(run)) >= TREES[tree] for run, tree in zip(runs, trees, strict=True)))
    return runs


def test_nothing_survives_a_stop(site: Site) -> None:
    site.start()
    runs = grown(site, *TREES)
    for run in runs:
        site.stop(run)
    assert set(site.until_over(*runs, patience=10)) == {"cancelled"}
    until(lambda: not site.processes(), 1)


def test_nothing_survives_a_timeout(site: Site) -> None:
    site.start()
    runs = [site.run(site.task(command, timeout_seconds=1)) for command in TREES]
    assert set(site.until_over(*runs, patience=10)) == {"timeout"}
    until(lambda: not site.processes(), 1)


def test_nothing_survives_a_delete_even_by_another_process(site: Site) -> None:
    site.start()
    runs = grown(site, *TREES)
    for run in runs:
        trash.remove(SYSTEM, run.task_id)
    assert set(site.until_over(*runs, patience=10)) == {"cancelled"}
    until(lambda: not site.processes(), 1)


def test_nothing_survives_a_supervisor(site: Site) -> None:
    site.start()
    runs = grown(site, *TREES)
    for run in runs:
        site.kill_supervisor(run)
    assert set(site.until_over(*runs, patience=10)) == {"lost"}
    until(lambda: not site.processes(), 2)


def test_a_second_stop_kills_at_once(site: Site) -> None:
    site.start()
    (run,) = grown(site, STUBBORN, kill_grace_seconds=60)
    site.stop(run)
    site.stop(run)
    assert site.until_over(run, patience=8) == ["cancelled"]
    until(lambda: not site.processes(), 1)
