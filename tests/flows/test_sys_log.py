"""The engine's log of a whole server: document 001's format on each line, and a line for each of its key events."""

import re
import signal

import pytest
import requests

from tests.flows.conftest import PASSWORD, Site
from tests.test_enginelog import LINE
from tests.waiting import until

pytestmark = pytest.mark.slow

NEW = {"name": "kept", "command": "exit 7", "schedule_type": "MANUAL", "schedule_config": None}
KEY_EVENTS = {"started", "tasks_loaded", "task.create", "task.edit", "attempt_started", "run_finished", "attempt_lost",
              "stopping", "stopped"}  # fmt: skip


def test_a_day_in_the_life_of_a_server_is_in_its_log(site: Site) -> None:
    server = site.start()
    until(lambda: "event=started" in site.log())
    who = {"username": "admin", "password": PASSWORD}
    api = f"{site.address}/api/v1"
    token = requests.post(f"{api}/auth/login", json=who, timeout=10).json()["data"]["access_token"]
    person = requests.Session()
    person.headers["Authorization"] = f"Bearer {token}"
    task = person.post(f"{api}/scheduler/tasks", json=NEW, timeout=10).json()["data"]
    assert person.put(f"{api}/scheduler/tasks/{task['id']}", json={"priority": 3}, timeout=10).ok
    person.post(f"{api}/scheduler/tasks/{task['id']}/trigger?wait=20", timeout=30)
    run = site.run(site.task("sleep 60"))
    until(lambda: site.processes())
    site.kill_supervisor(run)
    site.until_over(run)
    server.send_signal(signal.SIGTERM)
    assert server.wait(30) == 0
    lines = (site.instance / "logs" / "sys.log").read_text().splitlines()
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert set(re.findall(r"event=([\w.]+)", "\n".join(lines))) >= KEY_EVENTS
