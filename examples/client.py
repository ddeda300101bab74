"""A client of the API in one file: sign in, make a task, run it, wait, print its log. Needs only `requests`.

    python examples/client.py http://127.0.0.1:8000 admin 'echo hello; sleep 1; echo goodbye'

The password is asked for, or taken from SCHEDULER_PASSWORD.
"""

import getpass
import os
import sys
import time
from typing import Any

import requests

ENDED = {"SUCCESS", "FAILED", "TIMEOUT", "CANCELLED", "SKIPPED", "MISSED"}


class Client:
    """The API of one server, for one user; errors of the server are `RuntimeError` with its sentences."""

    def __init__(self, server: str, username: str, password: str) -> None:
        self.base = server.rstrip("/") + "/api/v1"
        self.session = requests.Session()
        signed_in = self.call("POST", "/auth/login", json={"username": username, "password": password})
        self.session.headers["Authorization"] = f"Bearer {signed_in['data']['access_token']}"

    def call(self, method: str, path: str, **request: Any) -> Any:
        """One request; the answer's JSON."""
        answer = self.session.request(method, self.base + path, timeout=90, **request)
        found = answer.json()
        if not answer.ok:
            told = [f"{error['field']}: {error['message']}" for error in found["errors"]]
            raise RuntimeError("; ".join([found["message"], *told]))
        return found

    def create(self, **task: Any) -> dict[str, Any]:
        """A new task; run by hand unless it says when."""
        body = {"schedule_type": "MANUAL", "schedule_config": {}, **task}
        made: dict[str, Any] = self.call("POST", "/scheduler/tasks", json=body)["data"]
        return made

    def run(self, task_id: int, patience: float = 300) -> dict[str, Any]:
        """Start it and wait for its end, at most `patience` seconds."""
        asked = self.call("POST", f"/scheduler/tasks/{task_id}/trigger", params={"wait": 60})
        started = asked["data"]["execution_id"]
        deadline = time.monotonic() + patience
        while True:
            execution: dict[str, Any] = self.call("GET", f"/scheduler/executions/{started}")["data"]
            if execution["status"] in ENDED:
                return execution
            if time.monotonic() > deadline:
                raise RuntimeError(f"{started} is still {execution['status']}")
            time.sleep(0.3)

    def lines(self, execution_id: str) -> list[str]:
        """What it printed."""
        found = self.call("GET", f"/scheduler/executions/{execution_id}/logs", params={"limit": 1000})
        return [str(line["message"]) for line in found["data"]["lines"]]


def main() -> int:
    """Run one command on the server; the exit code is its own."""
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 64
    server, username, command = sys.argv[1:]
    client = Client(server, username, os.environ.get("SCHEDULER_PASSWORD") or getpass.getpass())
    task = client.create(name=f"example {int(time.time())}", type="shell", command=command)
    execution = client.run(task["id"])
    print("\n".join(client.lines(execution["execution_id"])))
    print(f"{execution['status']} after {execution['duration_seconds']} s", file=sys.stderr)
    return int(execution["exit_code"] if execution["exit_code"] is not None else 70)


if __name__ == "__main__":
    sys.exit(main())
