"""Several web processes and daemons, on one machine and on two: one leads, and nothing is done twice, lost or late."""

import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import requests

from scheduler import nodes
from scheduler.database import db
from scheduler.runs.models import Attempt, Run
from scheduler.tasks.models import Task
from tests.factories import attempts
from tests.flows.conftest import PASSWORD, Site
from tests.waiting import until

SHARED = os.environ.get("TEST_DATABASE") == "postgresql"
TAKEOVER = 15.0 if SHARED else 2.0  # seconds, at most

pytestmark = pytest.mark.slow
on_postgres = pytest.mark.skipif(not SHARED, reason="a lease that runs out is PostgreSQL's; a stopped process keeps its lock")


@pytest.fixture
def daemons(site: Site) -> list["subprocess.Popen[bytes]"]:
    """Two daemons, the first of which leads."""
    first = site.daemon()
    until(lambda: site.leads() == 1)
    second = site.daemon()
    until(lambda: site.log().count("event=started web=False") == 2)
    return [first, second]


class Hand:
    """Somebody with a token at one web process."""

    def __init__(self, address: str) -> None:
        self._api = f"{address}/api/v1"
        who = {"username": "admin", "password": PASSWORD}
        token = requests.post(f"{self._api}/auth/login", json=who, timeout=10).json()["data"]["access_token"]
        self._headers = {"Authorization": f"Bearer {token}"}

    def trigger(self, task: Task) -> str:
        return str(self._post(f"tasks/{task.id}/trigger")["execution_id"])

    def stop(self, execution: str) -> None:
        self._post(f"executions/{execution}/stop")

    def _post(self, call: str) -> dict[str, object]:
        answer = requests.post(f"{self._api}/scheduler/{call}", headers=self._headers, timeout=10)
        assert answer.ok, answer.text
        return dict(answer.json()["data"] or {})


def run_called(public_id: str) -> Run:
    db.session.rollback()
    return db.session.scalars(db.select(Run).where(Run.public_id == public_id)).one()


def every_second(site: Site, marks: Path, count: int) -> list[Task]:
    """Tasks due each second that write down which run started."""
    command = f"echo $SCHEDULER_RUN_ID >> {marks}"
    return [site.task(command, cron="* * * * * *", overlap_policy="queue", misfire_policy="run_all") for _ in range(count)]


def gaps(site: Site, task: Task) -> list[float]:
    """The seconds between the due instants of a task's history, where they are not 1."""
    due = [run.scheduled_at for run in site.runs(task) if run.cause == "schedule"]
    apart = [(after - before) / timedelta(seconds=1) for before, after in pairwise(due)]
    return [seconds for seconds in apart if seconds != 1]


def test_four_web_processes_and_two_daemons_do_nothing_twice(
    site: Site, daemons: list["subprocess.Popen[bytes]"], tmp_path: Path
) -> None:
    hands = [Hand(site.web()) for _ in range(4)]
    tasks = every_second(site, tmp_path / "marks", 3)
    by_hand = [hand.trigger(task) for hand in hands for task in tasks]
    until(lambda: len(site.runs(tasks[0])) >= 4)
    daemons[0].kill()
    until(lambda: site.leads() == 2, TAKEOVER)
    by_hand += [hand.trigger(task) for hand in hands for task in tasks]
    until(lambda: len(site.runs(tasks[0])) >= 10)
    daemons[1].terminate()
    daemons[1].wait(30)
    site.start()  # takes in what ended meanwhile
    runs = [run for task in tasks for run in site.runs(task)[:12]]
    assert set(site.until_over(*runs)) == {"success"}
    assert [gaps(site, task) for task in tasks] == [[], [], []]
    started = Counter((tmp_path / "marks").read_text().split())
    assert {run.id: started[str(run.id)] for run in runs} == {run.id: 1 for run in runs}
    assert {run_called(execution).status for execution in by_hand} <= {"success", "pending", "running"}


def test_no_instant_is_lost_or_doubled_when_the_leader_dies(
    site: Site, daemons: list["subprocess.Popen[bytes]"], tmp_path: Path
) -> None:
    (task,) = every_second(site, tmp_path / "marks", 1)
    until(lambda: len(site.runs(task)) >= 3)
    daemons[0].kill()
    until(lambda: site.leads() == 2, TAKEOVER)
    seen = len(site.runs(task))
    until(lambda: len(site.runs(task)) >= seen + 3)
    assert gaps(site, task) == []
    assert max(Counter(run.cause_key for run in site.runs(task)).values()) == 1


def test_a_daemon_that_is_asked_to_leave_is_followed_at_once(site: Site, daemons: list["subprocess.Popen[bytes]"]) -> None:
    daemons[0].terminate()
    assert daemons[0].wait(30) == 0
    until(lambda: site.leads() == 2, 2.5)


def test_a_web_process_wakes_the_daemon_at_once(site: Site, daemons: list["subprocess.Popen[bytes]"]) -> None:
    hand, task = Hand(site.web()), site.task("sleep 60")
    waited, ended = [], []
    for _ in range(4):
        run = run_called(hand.trigger(task))
        until(lambda run=run: site.status(run) == "running")  # type: ignore[misc]
        waited.append((attempts(run)[0].claimed_at - run.queued_at).total_seconds())
        time.sleep(0.3)
        asked = time.monotonic()
        hand.stop(run.public_id)
        until(lambda run=run: site.status(run) == "cancelled")  # type: ignore[misc]
        ended.append(time.monotonic() - asked)
    assert sorted(waited)[1] < 0.3 and sorted(ended)[1] < 0.7  # looking once a second would take half a second more


@on_postgres
def test_a_leader_that_was_frozen_writes_nothing_when_it_thaws(
    site: Site, daemons: list["subprocess.Popen[bytes]"], tmp_path: Path
) -> None:
    (task,) = every_second(site, tmp_path / "marks", 1)
    until(lambda: len(site.runs(task)) >= 3)
    daemons[0].send_signal(signal.SIGSTOP)
    until(lambda: site.leads() == 2, TAKEOVER)
    time.sleep(5)
    daemons[0].send_signal(signal.SIGCONT)
    until(lambda: "event=daemon_deposed epoch=1" in site.log())
    seen = len(site.runs(task))
    until(lambda: len(site.runs(task)) >= seen + 3)
    lease = db.session.get(nodes.Lease, nodes.LEADER)
    assert lease and (lease.epoch, lease.pid, site.leads()) == (2, daemons[1].pid, 2)
    assert (daemons[0].poll(), gaps(site, task)) == (None, [])
    runs = site.runs(task)[:-3]
    assert set(site.until_over(*runs)) == {"success"}
    started = Counter((tmp_path / "marks").read_text().split())
    assert {run.id: started[str(run.id)] for run in runs} == {run.id: 1 for run in runs}


@on_postgres
def test_another_machine_takes_over_and_leaves_what_runs_to_its_own(site: Site, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    shutil.copytree(site.instance / "keys", there / "keys")
    first = site.daemon(there)
    until(lambda: site.leads() == 1)
    run = site.run(site.task(f"echo begun >> {tmp_path}/marks; sleep 20; exit 3"))
    until(lambda: site.status(run) == "running" and (tmp_path / "marks").exists())
    first.kill()
    site.start()
    time.sleep(6)  # longer than an attempt of one's own may take to begin
    (attempt,) = attempts(run)
    assert (site.status(run), attempt.status, attempt.node) == ("running", "running", (there / "node").read_text().strip())
    site.daemon(there)
    until(lambda: "event=daemon_follows" in site.log())
    assert site.until_over(run) == ["technical_failure"]
    assert (tmp_path / "marks").read_text() == "begun\n"
    assert db.session.scalar(db.select(db.func.count()).select_from(Attempt)) == 1


@pytest.mark.skipif(SHARED, reason="two folders on one PostgreSQL have one leader")
def test_even_with_two_leaders_nothing_is_done_twice(site: Site, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    shutil.copytree(site.instance / "keys", there / "keys")
    site.daemon()
    until(lambda: site.leads() == 1)
    site.daemon(there)
    until(lambda: site.leads() == 2)
    tasks = every_second(site, tmp_path / "marks", 5)
    until(lambda: len(site.runs(tasks[0])) >= 8)
    runs = [run for task in tasks for run in site.runs(task)[:6]]
    assert set(site.until_over(*runs)) == {"success"}
    started = Counter((tmp_path / "marks").read_text().split())
    assert {run.id: started[str(run.id)] for run in runs} == {run.id: 1 for run in runs}
    assert [gaps(site, task) for task in tasks] == [[]] * 5


@on_postgres
def test_a_database_that_hangs_longer_than_the_lease_costs_no_instant(site: Site, tmp_path: Path) -> None:
    site.daemon()
    until(lambda: site.leads() == 1)
    (task,) = every_second(site, tmp_path / "marks", 1)
    until(lambda: len(site.runs(task)) >= 3)
    others = db.text("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
    backends = list(db.session.scalars(others))
    for backend in backends:
        os.kill(backend, signal.SIGSTOP)
    time.sleep(12)
    thawed = datetime.now(UTC)
    for backend in backends:
        os.kill(backend, signal.SIGCONT)
    until(lambda: site.runs(task)[-1].scheduled_at > thawed + timedelta(seconds=3))
    first = next(run for run in site.runs(task) if run.scheduled_at > thawed)
    assert first.queued_at - thawed < timedelta(seconds=3)
    assert (gaps(site, task), site.leads()) == ([], 1)


@on_postgres
def test_two_machines_that_start_at_once_on_nothing_both_serve(site: Site, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    shutil.copytree(site.instance / "keys", there / "keys")
    daemons = [site.daemon(), site.daemon(there)]
    until(lambda: site.log().count("event=started") == 2)
    assert [daemon.poll() for daemon in daemons] == [None, None]
    until(lambda: "event=daemon_follows" in site.log())
    assert site.leads() == 1
