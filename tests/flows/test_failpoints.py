"""A process dies at every step between tick and finish; afterwards each due instant has one row and at most one start."""

import signal
import socket
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests

from scheduler import failpoints
from scheduler.runs.status import ENDED
from scheduler.tasks.models import Task
from tests.factories import attempts
from tests.flows.conftest import ROOT, Site
from tests.waiting import until

pytestmark = pytest.mark.slow

INSTANTS = 2
APART = ("request_", "unstart_", "claim_delivery_", "take_")  # reached by other ways than a tick
PLACES = sorted(name for name in failpoints.NAMES if not name.startswith(APART))
SWIFT = [name for name in PLACES if not name.startswith(("supervisor_", "child_", "claim_after"))]  # to be mended
KEPT = ("supervisor_before_start", "supervisor_after_start", "supervisor_after_fork")  # where one performs its second attempt
LOST = {"supervisor_after_start", "supervisor_before_fork", "supervisor_after_fork", "supervisor_before_result"}


def every_second(site: Site, **values: Any) -> Task:
    """A task that is due every second, twice, and rather late than missed; it writes down its own starts."""
    command = f'echo "$SCHEDULER_RUN_ID/$SCHEDULER_ATTEMPT" >> {site.instance}/starts'
    rules = {"misfire_grace_seconds": 300, "overlap_policy": "queue", "max_runs": INSTANTS, "cron": "* * * * * *"}
    return site.task(command + values.pop("then", ""), **{**rules, **values})


def die_at(site: Site, name: str, server: "subprocess.Popen[bytes]") -> None:
    """Wait until a process has died at this failpoint, and see that the server has died too."""
    until(lambda: f"event=failpoint name={name} " in site.log())
    if not name.startswith(("settle", "request", "claim", "spec", "hand", "ingest", "finish", "unstart")):
        server.kill()
    assert server.wait(30) == -signal.SIGKILL


def starts(site: Site) -> Counter[str]:
    """How often each attempt was started, by its own account."""
    file = site.instance / "starts"
    return Counter(file.read_text().split() if file.exists() else ())


def ended(site: Site, task: Task, count: int = INSTANTS) -> Counter[str]:
    """Each instant has one row, each attempt at most one start, a success exactly one; answers how the runs ended."""
    until(lambda: len(runs := site.runs(task)) == count and all(run.status in ENDED for run in runs), 40)
    until(lambda: not site.processes(), 3)
    runs, begun = site.runs(task), starts(site)
    assert {after.scheduled_at - before.scheduled_at for before, after in pairwise(runs)} <= {timedelta(seconds=1)}
    assert set(begun.values()) <= {1}
    for run in runs:
        own = [attempt for attempt in begun if attempt.startswith(f"{run.id}/")]
        assert len(own) == 1 if run.status == "success" else len(own) <= 1, (run.status, own)
    return Counter(run.status for run in runs)


@pytest.mark.parametrize(("name", "passing"), [*((name, 1) for name in PLACES), *((name, 2) for name in KEPT)])
def test_a_death_at_each_step_loses_nothing_and_doubles_nothing(site: Site, name: str, passing: int) -> None:
    server = site.start(SCHEDULER_FAILPOINT=f"{name}:kill@{passing}")
    limits = {"open_files": 100} if name.startswith("child") else {}  # it is forked for its limits
    task = every_second(site, limits=limits, then="; sleep 0.6" if passing > 1 else "")  # who is idle for a second leaves
    die_at(site, name, server)
    site.start()
    found = ended(site, task)
    other = "lost" if name in LOST else "technical_failure" if name == "child_before_exec" else "success"
    assert found[other] >= 1 and set(found) <= {"success", other}


@pytest.mark.parametrize("name", ["finish_before_commit", "finish_after_commit", "claim_before_commit", "claim_after_commit"])
def test_a_death_at_a_retry_makes_it_neither_vanish_nor_come_twice(site: Site, name: str) -> None:
    server = site.start(SCHEDULER_FAILPOINT=f"{name}:kill@{2 if name.startswith('claim') else 1}")
    task = every_second(site, cron="* * * * * *", max_runs=1, retry_count=1, retry_delay_seconds=0, then="; exit 7")
    die_at(site, name, server)
    site.start()
    until(lambda: [run.status for run in site.runs(task)] == ["technical_failure"])
    (run,) = site.runs(task)
    began = [attempt for attempt in attempts(run) if attempt.status != "unstarted"]
    assert starts(site) == {f"{run.id}/{attempt.number}": 1 for attempt in began} and len(began) == 2


@pytest.mark.parametrize("name", sorted(name for name in failpoints.NAMES if name.startswith("request_")))
def test_a_call_cut_off_by_a_death_may_be_made_again_and_runs_once(site: Site, name: str) -> None:
    server = site.start(SCHEDULER_FAILPOINT=f"{name}:kill")
    task = every_second(site, cron="0 0 1 1 *")
    until(lambda: listens(site))
    with pytest.raises(requests.ConnectionError):
        trigger(site, task)
    die_at(site, name, server)
    site.start()
    until(lambda: listens(site))
    for _ in range(2):
        trigger(site, task)
    assert ended(site, task, 1) == {"success": 1}


@pytest.mark.parametrize("name", sorted(name for name in failpoints.NAMES if name.startswith("unstart_")))
def test_a_death_while_a_run_is_put_back_starts_it_once(site: Site, name: str) -> None:
    server = site.start(SCHEDULER_FAILPOINT="supervisor_before_start:kill")
    task = every_second(site, max_runs=1)
    die_at(site, "supervisor_before_start", server)
    die_at(site, name, site.start(SCHEDULER_FAILPOINT=f"{name}:kill"))
    site.start()
    assert ended(site, task, 1) == {"success": 1}


def test_a_step_that_fails_once_keeps_none_from_being_done(site: Site) -> None:
    server = site.start(SCHEDULER_FAILPOINT=",".join(f"{name}:error@2" for name in SWIFT))
    assert ended(site, every_second(site, max_runs=4), 4) == {"success": 4}
    assert server.poll() is None


@pytest.mark.parametrize("name", ["hand_over_sent", "settle_before_commit"])
def test_a_server_frozen_in_the_middle_of_a_step_goes_on_where_it_was(site: Site, name: str) -> None:
    server = site.start(SCHEDULER_FAILPOINT=f"{name}:stop")
    task = every_second(site)
    until(lambda: f"event=failpoint name={name} " in site.log())
    until(lambda: b") T " in Path(f"/proc/{server.pid}/stat").read_bytes())
    server.send_signal(signal.SIGCONT)
    assert ended(site, task) == {"success": INSTANTS}


def test_a_name_that_is_none_is_refused_at_the_start() -> None:
    environ = {"SCHEDULER_FAILPOINT": "after_lunch:kill", "PATH": "/usr/bin:/bin"}
    server = subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert (server.returncode, server.stderr) == (1, "SCHEDULER_FAILPOINT: there is no failpoint 'after_lunch'\n")


def test_a_task_sees_nothing_of_it(site: Site) -> None:
    site.start(SCHEDULER_FAILPOINT="unstart_after:kill")
    run = site.run(site.task("env"))
    assert site.until_over(run) == ["success"]
    assert b"FAILPOINT" not in site.output(run) and b"SCHEDULER_RUN_ID" in site.output(run)


def listens(site: Site) -> bool:
    """Whether the server answers requests yet."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(site.address.rpartition(":")[2]))) == 0


def trigger(site: Site, task: Task) -> None:
    """Ask for one run by the API, always with the same key."""
    api = f"{site.address}/api/v1"
    person = {"username": "admin", "password": "a long enough password"}
    token = requests.post(f"{api}/auth/login", json=person, timeout=10).json()["data"]["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "the same"}
    answer = requests.post(f"{api}/scheduler/tasks/{task.id}/trigger", headers=headers, timeout=10)
    assert answer.status_code == 200
