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
    tasks = [site.task(command) for command in TREES.values()]
    runs = [site.run(task) for task in tasks]
    until(lambda: len(site.processes()) >= 10)
    for task in tasks:
        trash.remove(SYSTEM, task.id)
    assert set(site.until_over(*runs, patience=10)) == {"cancelled"}
    until(lambda: not site.processes(), 1)


def test_nothing_survives_a_supervisor(site: Site) -> None:
    site.start()
    runs = [site.run(site.task(command)) for command in TREES.values()]
    until(lambda: len(site.processes()) >= 10)
    for run in runs:
        site.kill_supervisor(run)
    assert set(site.until_over(*runs, patience=10)) == {"lost"}
    until(lambda: not site.processes(), 2)


def test_a_second_stop_kills_at_once(site: Site) -> None:
    site.start()
    run = site.run(site.task(TREES["TERM ignored"], kill_grace_seconds=60))
    until(lambda: len(site.processes()) >= 2)
    site.stop(run)
    site.stop(run)
    assert site.until_over(run, patience=8) == ["cancelled"]
    until(lambda: not site.processes(), 1)
