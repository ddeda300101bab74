"""What others do with a real server: the example client over HTTP, and the command line beside it."""

import json
import os
import re
import subprocess
import sys
import time

import pytest

from tests import warm
from tests.flows.conftest import ROOT, Site
from tests.waiting import until

pytestmark = pytest.mark.slow


def scheduler(site: Site, *words: str, text: str = "", cold: bool = False) -> "subprocess.CompletedProcess[str]":
    """The command line, as somebody types it on the server's machine."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SCHEDULER_")}
    environ |= {"SCHEDULER_INSTANCE": str(site.instance), "SCHEDULER_STORAGE__DATABASE__URL": site._url}
    command = ["-m", "flask", "--app", "app", "scheduler", *words]
    if not cold:
        return warm.run(command, environ, text)
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60)


def test_the_example_client_runs_a_command_and_prints_its_log(site: Site) -> None:
    site.start()
    found = re.search(r"Scheduler: (http\S+)", site.log())
    assert found is not None
    command = [sys.executable, "examples/client.py", found[1], "admin", "echo hello; echo 世界; exit 3"]
    environ = {**os.environ, "SCHEDULER_PASSWORD": "a long enough password", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 3, done.stderr
    assert done.stdout == "hello\n世界\n" and "FAILED after" in done.stderr


def test_a_crontab_is_brought_in_and_its_task_followed_to_the_end(site: Site) -> None:
    site.start()
    assert scheduler(site, "import", "-", text="# Report\n0 2 * * * echo one; sleep 1; echo two; exit 1\n").returncode == 0
    done = scheduler(site, "run", "report", "--follow")
    assert (done.returncode, done.stdout) == (10, "one\ntwo\n")
    waited = scheduler(site, "run", "report", "--wait", "--json")
    assert waited.returncode == 10 and json.loads(waited.stdout)["status"] == "business_failure"
    assert scheduler(site, "run", "nobody", cold=True).returncode == 1


def test_waiting_ends_when_patience_does(site: Site) -> None:
    site.start()
    task = site.task("sleep 120", key="long")
    assert scheduler(site, "run", "long", "--wait", "--timeout", "1").returncode == 16
    assert [run.status for run in site.runs(task)] == ["running"]


def test_a_backup_is_taken_while_tasks_run_and_comes_back(site: Site) -> None:
    server = site.start()
    task = site.task("sleep 0.2", key="busy", schedule_type="interval", schedule_config={"interval": 1, "unit": "seconds"})
    time.sleep(3)
    done = scheduler(site, "backup", "--json")
    assert done.returncode == 0, done.stderr
    assert scheduler(site, "restore", "--yes", json.loads(done.stdout)["backup"]).returncode == 1
    server.terminate()
    server.wait(30)
    restored = scheduler(site, "restore", "--yes", json.loads(done.stdout)["backup"])
    assert restored.returncode == 0, restored.stderr
    site.start()
    before = len(site.runs(task))
    until(lambda: len(site.runs(task)) > before >= 2, 40)
    assert scheduler(site, "check").returncode == 0
