"""The wall's clock of a real server is set forward and back while it works, and the server is frozen for a while."""

import shutil
import signal
import struct
import subprocess
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from scheduler.tasks.models import Task
from tests.flows.conftest import Site
from tests.servers import missing
from tests.waiting import until

pytestmark = pytest.mark.slow

HOUR = 3600
FROZEN = [pytest.param(20, id="short"), pytest.param(180, id="long", marks=pytest.mark.soak)]  # seconds


class Shift:
    """How far the server's clock is from ours, in seconds."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            missing("no C compiler here: apt-get install gcc libc6-dev")
        self._file, self._library = folder / "shift", folder / "clockshim.so"
        self.by(0)
        source = Path(__file__).with_name("clockshim.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-Wno-nonnull-compare", "-o", self._library, source], check=True)

    def by(self, seconds: int) -> None:
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("@l", seconds))
        self._seconds = seconds

    def now(self) -> datetime:
        """The time as the server sees it."""
        return datetime.now(UTC) + timedelta(seconds=self._seconds)

    @property
    def environ(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self._library), "CLOCK_SHIFT": str(self._file)}


@pytest.fixture
def shift(tmp_path: Path) -> Shift:
    return Shift(tmp_path)


def instants(site: Site, task: Task) -> list[datetime]:
    return [run.scheduled_at for run in site.runs(task)]


def memory(server: "subprocess.Popen[bytes]") -> float:
    """The memory of a process in megabytes."""
    lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def leap(site: Site, tasks: list[Task], shift: Shift, seconds: int) -> None:
    """Set the clock forward, and wait until each of these tasks, due every second, has its row with a count for it."""
    shift.by(seconds)
    until(lambda: all(any(run.missed_count > seconds / 2 for run in site.runs(task)) for task in tasks), 10)


def test_an_hour_forward_what_is_due_begins_at_once_and_the_hour_is_accounted_for(site: Site, shift: Shift) -> None:
    site.start(**shift.environ)
    often = site.task("true", cron="*/5 * * * * *", overlap_policy="queue", misfire_grace_seconds=1)
    soon = site.task("true", cron=f"{(shift.now() + timedelta(minutes=30)).minute} * * * *", misfire_policy="run_once")
    until(lambda: site.runs(often))
    shift.by(HOUR)
    until(lambda: site.runs(soon) and site.runs(soon)[0].started_at, 3)
    assert site.until_over(*site.runs(soon)) == ["success"] and site.runs(soon)[0].late
    until(lambda: instants(site, often)[-1] > shift.now() - timedelta(seconds=10))
    gap = next(run for run in site.runs(often) if run.missed_count > 1)
    assert gap.missed_until is not None and (gap.reason or {})["code"] == "clock"
    assert sum(run.missed_count for run in site.runs(often)) == pytest.approx(HOUR / 5, abs=3)


def test_a_minute_back_an_interval_goes_on_and_no_instant_comes_twice(site: Site, shift: Shift) -> None:
    site.start(**shift.environ)
    steady = site.task("true", schedule_type="interval", schedule_config="2s")
    swift = site.task("true", schedule_type="interval", schedule_config="1s")
    calendar = site.task("true", cron="* * * * * *", overlap_policy="queue")
    until(lambda: len(site.runs(steady)) >= 3)
    counts = [len(site.runs(task)) for task in (steady, swift, calendar)]
    shift.by(-60)
    time.sleep(8)
    steps = [len(site.runs(task)) - count for task, count in zip((steady, swift, calendar), counts, strict=True)]
    assert steps[0] >= 3 and steps[1] >= 5 and steps[2] <= 1
    for task in (steady, swift, calendar):
        assert max(Counter(instants(site, task)).values()) == 1
        site.until_over(*site.runs(task))


def test_a_year_forward_is_one_row_with_a_count_and_costs_no_memory(site: Site, shift: Shift) -> None:
    server = site.start(**shift.environ, SCHEDULER_HISTORY__RETENTION_DAYS="1000")  # nor does the clean-up take the first gap
    tasks = [site.task("true", cron="* * * * * *", misfire_grace_seconds=1) for _ in range(10)]
    until(lambda: all(len(site.runs(task)) >= 2 for task in tasks))
    leap(site, tasks, shift, HOUR)  # makes every statement ready that the year needs
    before = memory(server)
    leap(site, tasks, shift, 365 * 24 * HOUR)
    assert memory(server) - before < 20
    for task in tasks:
        assert len([run for run in site.runs(task) if run.missed_count > 1]) == 2
        assert sum(run.missed_count or 1 for run in site.runs(task)) == pytest.approx(365 * 24 * HOUR, abs=30)


@pytest.mark.parametrize("seconds", FROZEN)
def test_a_server_frozen_for_a_while_writes_down_every_second_of_it(site: Site, seconds: int) -> None:
    server = site.start()
    task = site.task("true", cron="* * * * * *", overlap_policy="queue", misfire_grace_seconds=1)
    until(lambda: len(site.runs(task)) >= 2)
    server.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    server.send_signal(signal.SIGCONT)
    thawed = datetime.now(UTC)
    until(lambda: instants(site, task)[-1] >= thawed, 4)
    assert {after - before for before, after in pairwise(instants(site, task))} == {timedelta(seconds=1)}
    assert sum(run.status == "missed" for run in site.runs(task)) >= seconds - 3
