"""Servers and supervisors killed at random while many tasks are due each second: nothing is missed, nothing comes twice."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from scheduler.execution.protocol import is_locked, read_result, read_start
from scheduler.runs.folders import attempt_folder
from tests.factories import attempts
from tests.flows.conftest import Site
from tests.flows.tally import Tally
from tests.waiting import until

pytestmark = pytest.mark.slow

LOST_WITHIN = 10.0  # seconds after the death of a supervisor
LENGTHS = [pytest.param(10, id="short"), pytest.param(60, id="long", marks=pytest.mark.soak)]
LEAVES_MUCH = "setsid sleep 60 & (setsid sh -c 'sleep 60 & sleep 60' &) ; sleep 1"


@pytest.fixture
def chance() -> random.Random:
    """Chance that can be had again: the seed is printed, and taken from $STORM_SEED."""
    seed = os.environ.get("STORM_SEED") or str(random.SystemRandom().randrange(10**9))
    print(f"STORM_SEED={seed}", flush=True)
    return random.Random(seed)


@pytest.mark.parametrize("seconds", LENGTHS)
def test_a_storm_of_dying_servers_misses_nothing_and_adds_nothing(site: Site, chance: random.Random, seconds: int) -> None:
    server, tally, kills = site.start(), Tally(site), 0
    tally.add(10, seconds)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.5, 4))  # a start takes about two: some die in it
        server.kill()
        server.wait()
        kills += 1
        server = site.start(wait=False)
    found = tally.count()
    print(f"seconds={seconds} kills={kills} {found}", flush=True)
    assert kills >= seconds // 6 and found.pop("runs") >= 10 * seconds * 0.6  # their making takes its time
    assert set(found.values()) == {0}, found


@pytest.mark.parametrize("seconds", LENGTHS)
def test_a_storm_of_dying_supervisors_is_written_down_and_leaves_no_process(
    site: Site, chance: random.Random, seconds: int
) -> None:
    site.start()
    tally, deaths = Tally(site), dict[int, float]()
    tally.add(4, seconds, LEAVES_MUCH)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.05, 0.6))
        folders = [path for path in site.instance.glob("runs/*/*") if is_locked(path) and (read_start(path) or {}).get("child")]
        if folders:
            kill_supervisor(chance.choice(folders), deaths)
    runs = list(tally.runs())
    lost = [run for run in runs if run.status == "lost"]
    assert {run.id for run in lost} == {run for run in deaths if read_result(attempt_folder(site.instance, run, 1)) is None}
    assert {(run.status, run.attempts) for run in runs} <= {("lost", 1), ("success", 1)}
    late = [(moment.timestamp() - deaths[run.id]) for run in lost if (moment := attempts(run)[0].finished_at)]
    print(f"seconds={seconds} kills={len(deaths)} lost={len(lost)} of {len(runs)}, noticed after {max(late):.1f} s", flush=True)
    assert len(late) >= seconds // 2 and max(late) < LOST_WITHIN
    until(lambda: not site.processes(), 5)


def kill_supervisor(folder: Path, deaths: dict[int, float]) -> None:
    """Kill the supervisor that lives in an attempt's folder, and remember when."""
    supervisor = (read_start(folder) or {}).get("supervisor")
    if supervisor and is_locked(folder):
        os.kill(supervisor, signal.SIGKILL)
        deaths[int(folder.parent.name)] = time.time()
