"""Servers and supervisors killed at random while ten tasks are due each second; due instants are matched to rows afterwards."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scheduler import clock
from scheduler.execution.protocol import is_locked, read_result, read_start
from scheduler.runs.folders import attempt_folder
from scheduler.runs.models import Run
from scheduler.runs.status import ENDED
from scheduler.tasks.models import Task
from tests.factories import attempts
from tests.flows.conftest import Site, until

pytestmark = pytest.mark.slow

SECOND = timedelta(seconds=1)
LOST_WITHIN = 10.0  # seconds after the death of a supervisor
LENGTHS = [pytest.param(12, id="short"), pytest.param(60, id="long", marks=pytest.mark.soak)]


@pytest.fixture
def chance() -> random.Random:
    """Chance that can be had again: the seed is printed, and taken from $STORM_SEED."""
    seed = os.environ.get("STORM_SEED") or str(random.SystemRandom().randrange(10**9))
    print(f"STORM_SEED={seed}", flush=True)
    return random.Random(seed)


def tasks(site: Site, count: int, seconds: int, **values: Any) -> list[Task]:
    """Tasks due every second for so long, and rather late than missed; each writes down its own starts."""
    command = f'echo "$SCHEDULER_RUN_ID/$SCHEDULER_ATTEMPT" >> {site.instance}/starts; '
    until_then = (clock.now() + timedelta(seconds=seconds)).isoformat()
    rules = {"misfire_grace_seconds": 3600, "overlap_policy": "queue", "cron": "* * * * * *", "end_at": until_then}
    return [site.task(command + values.get("then", "true"), **rules) for _ in range(count)]


def due(task: Task, first: datetime) -> Iterator[datetime]:
    """The seconds from `first` to the end of the schedule."""
    assert task.end_at is not None
    while first <= task.end_at:
        yield first
        first += SECOND


def settled(site: Site, task: Task) -> list[Run]:
    """The task's runs, once its schedule is over and all of them have ended."""
    until(lambda: task.next_run_at is None and all(run.status in ENDED for run in site.runs(task)), 120)
    return site.runs(task)


@pytest.mark.parametrize("seconds", LENGTHS)
def test_a_storm_of_dying_servers_misses_nothing_and_adds_nothing(site: Site, chance: random.Random, seconds: int) -> None:
    server = site.start()
    ours = tasks(site, 10, seconds)
    firsts = {task.id: task.next_run_at for task in ours}
    end, kills = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.5, 4))  # a start takes about two: some die in it
        server.kill()
        server.wait()
        kills += 1
        server = site.start(wait=False)
    missed, extra, runs = Counter[str](), Counter[str](), 0
    begun = Counter((site.instance / "starts").read_text().split())
    for task in ours:
        first = firsts[task.id]
        assert first is not None
        found = settled(site, task)
        begun = Counter((site.instance / "starts").read_text().split())
        rows, wanted = Counter(run.scheduled_at for run in found), Counter(due(task, first))
        missed["row"] += (wanted - rows).total()
        extra["row"] += (rows - wanted).total()
        missed["start"] += sum(not any(begun[f"{run.id}/{no}"] for no in range(1, run.attempts + 1)) for run in found)
        missed["success"] += sum(run.status != "success" for run in found)
        runs += len(found)
    extra["start"] = begun.total() - runs
    print(f"seconds={seconds} kills={kills} runs={runs} missed={dict(missed)} extra={dict(extra)}", flush=True)
    assert kills >= seconds // 5
    assert (set(missed.values()), set(extra.values())) == ({0}, {0})


@pytest.mark.parametrize("seconds", LENGTHS)
def test_a_storm_of_dying_supervisors_is_written_down_and_leaves_no_process(
    site: Site, chance: random.Random, seconds: int
) -> None:
    site.start()
    ours = tasks(site, 4, seconds, then="setsid sleep 60 & (setsid sh -c 'sleep 60 & sleep 60' &) ; sleep 3; kill %1")
    deaths: dict[int, float] = {}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.05, 0.6))
        folders = [path for path in site.instance.glob("runs/*/*") if is_locked(path) and (read_start(path) or {}).get("child")]
        if folders:
            kill_supervisor(chance.choice(folders), deaths)
    lost = 0
    for task in ours:
        for run in settled(site, task):
            assert run.attempts == 1 and run.status == ("lost" if run.id in deaths and no_result(site, run) else "success")
            if run.status == "lost":
                (attempt,) = attempts(run)
                assert attempt.finished_at is not None
                assert attempt.finished_at.timestamp() - deaths[run.id] < LOST_WITHIN
                lost += 1
    print(f"seconds={seconds} kills={len(deaths)} lost={lost}", flush=True)
    assert lost >= seconds // 2
    until(lambda: not site.processes(), 5)


def kill_supervisor(folder: Path, deaths: dict[int, float]) -> None:
    """Kill the supervisor that lives in an attempt's folder, and remember when."""
    supervisor = (read_start(folder) or {}).get("supervisor")
    if supervisor and is_locked(folder):
        os.kill(supervisor, signal.SIGKILL)
        deaths[int(folder.parent.name)] = time.time()


def no_result(site: Site, run: Run) -> bool:
    return read_result(attempt_folder(site.instance, run.id, run.attempts)) is None
