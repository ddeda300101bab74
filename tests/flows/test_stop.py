"""Stop means stop: of six kinds of process trees nothing is alive after a stop, a timeout, a delete."""

import pytest

from scheduler.tasks import trash
from tests.factories import SYSTEM
from tests.flows.conftest import Site, until

pytestmark = pytest.mark.slow

TREES = {
    "child": "sleep 60",
    "background": "sleep 60 & sleep 60 & wait",
    "setsid": "setsid sleep 60 & sleep 60",
    "double fork": "(setsid sh -c 'sleep 60 & sleep 60' &) ; sleep 60",
    "TERM ignored": "trap '' TERM; (trap '' TERM; while :; do sleep 0.2; done) & while :; do sleep 0.2; done",
    "nohup": "nohup sleep 60 >/dev/null 2>&1 & nohup setsid sleep 60 >/dev/null 2>&1 & sleep 60",
}


def test_nothing_survives_a_stop(site: Site) -> None:
    site.start()
    runs = {shape: site.run(site.task(command)) for shape, command in TREES.items()}
    until(lambda: len(site.processes()) >= 10)
    for run in runs.values():
        site.stop(run)
    assert set(site.until_over(*runs.values(), patience=10)) == {"cancelled"}
    until(lambda: not site.processes(), 1)


def test_nothing_survives_a_timeout(site: Site) -> None:
    site.start()
    runs = {shape: site.run(site.task(command, timeout_seconds=1)) for shape, command in TREES.items()}
    assert set(site.until_over(*runs.values(), patience=10)) == {"timeout"}
    until(lambda: not site.processes(), 1)
    assert all(run.duration is not None and run.duration < 4 for run in runs.values())


def test_nothing_survives_a_delete_even_by_another_process(site: Site) -> None:
    site.start()
    task = site.task(TREES["double fork"])
    run = site.run(task)
    until(lambda: len(site.processes()) >= 4)
    trash.remove(SYSTEM, task.id)
    assert site.until_over(run, patience=10) == ["cancelled"]
    until(lambda: not site.processes(), 1)


def test_nothing_survives_a_supervisor(site: Site) -> None:
    site.start()
    run = site.run(site.task(TREES["double fork"]))
    until(lambda: len(site.processes()) >= 4)
    site.kill_supervisor(run)
    assert site.until_over(run, patience=12) == ["lost"]
    until(lambda: not site.processes(), 2)


def test_a_second_stop_kills_at_once(site: Site) -> None:
    site.start()
    run = site.run(site.task(TREES["TERM ignored"], kill_grace_seconds=60))
    until(lambda: len(site.processes()) >= 2)
    site.stop(run)
    site.stop(run)
    assert site.until_over(run, patience=8) == ["cancelled"]
    until(lambda: not site.processes(), 1)
