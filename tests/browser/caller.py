"""Setting the scene over HTTP, without a browser: people, tasks, runs; what is tested goes through the browser."""

import re
from dataclasses import dataclass
from itertools import count
from typing import Any

import requests

from tests.waiting import until

PASSWORD = "a long walk at noon"
API = "/api/v1/scheduler"
_numbers = count(1)


@dataclass
class Made:
    """A task that was made for a test."""

    id: int
    name: str

    @property
    def path(self) -> str:
        return f"/tasks/{self.id}"


class Caller:
    """Somebody signed in without a browser."""

    def __init__(self, address: str, username: str = "admin", password: str = PASSWORD) -> None:
        self.address = address
        self.session = requests.Session()
        self.session.headers["Accept-Language"] = "en"
        self.post("/login", username=username, password=password)

    def get(self, path: str) -> requests.Response:
        answer = self.session.get(self.address + path, timeout=20)
        answer.raise_for_status()
        return answer

    def post(self, path: str, **form: Any) -> requests.Response:
        """Send the form a page at `path` would send."""
        answer = self.session.post(self.address + path, data={"csrf_token": self._token(), **form}, timeout=20)
        answer.raise_for_status()
        return answer

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call the API; what it answers as data."""
        headers = {"X-CSRFToken": self._token()}
        answer = self.session.request(method, self.address + API + path, json=body, headers=headers, timeout=20)
        assert answer.ok, answer.text
        return answer.json()["data"] if answer.content else None

    def _token(self) -> str:
        found = re.search(r'name="csrf-token" content="([^"]+)"', self.get("/account").text)
        assert found
        return found[1]

    def make_task(self, name: str, **values: Any) -> Made:
        """A task that runs only by hand unless told otherwise; its name is made unique."""
        name = f"{name} {next(_numbers)}"
        given = {"type": "shell", "command": "echo hello", "schedule_type": "manual"} | values
        if given["type"] != "shell":
            del given["command"]
        return Made(self.call("POST", "/tasks", {"name": name, **given})["id"], name)

    def begin(self, task: Made) -> str:
        """Run it now; the address of the run's page."""
        return f"/runs/{self.call('POST', f'/tasks/{task.id}/trigger')['execution_id']}"

    def run(self, task: Made) -> str:
        """Run it now and wait until that is over; the address of the run's page."""
        page = self.begin(task)
        until(lambda: self.call("GET", page.replace("/runs/", "/executions/"))["end_time"])
        return page

    def last_run(self, task: Made) -> str:
        """The address of the page of its newest run."""
        listed = self.session.get(f"{self.address}{API}/tasks/{task.id}/executions", timeout=20).json()
        return f"/runs/{listed['items'][0]['execution_id']}"

    def forget(self, task: Made) -> None:
        """Delete it, whether or not it is there still."""
        self.session.delete(f"{self.address}{API}/tasks/{task.id}", headers={"X-CSRFToken": self._token()}, timeout=20)

    def make_user(self, username: str, role: str, **more: str) -> None:
        """Add somebody and change the one-time password as they would have to."""
        page = self.post("/admin/users/new", username=username, role=role, active="1", **more).text
        found = re.search(r'id="one-time-password">([^<]+)<', page)
        assert found, page
        newcomer = Caller(self.address, username, found[1])
        newcomer.post("/account/password", old_password=found[1], new_password=PASSWORD, again=PASSWORD)
