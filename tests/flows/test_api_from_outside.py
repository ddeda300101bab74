"""A real server and real clients of its API: every line of the documentation as it stands, and what no client would send."""

import contextlib
import json
import os
import re
import socket
import subprocess
from pathlib import Path
from threading import Thread

import pytest
import requests

from tests.flows.conftest import PASSWORD, ROOT, Site

pytestmark = pytest.mark.slow

BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Each request's status goes to a file, whatever becomes of its answer; the crontab is not that of whoever runs the tests.
HEAD = """
curl() { command curl --write-out '%{stderr}%{http_code} %{method} %{url_effective}\\n' "$@" 2>>"$CODES"; }
crontab() { echo '0 3 * * * echo from a crontab'; }
"""
TASKS = "format: scheduler\nversion: 1\ntasks:\n- name: From a file\n  command: echo file\n"
END = b" HTTP/1.1\r\nHost: here\r\nConnection: close\r\n"


def sent(site: Site, octets: bytes) -> tuple[int, bytes]:
    """The status and the body of what the server answers to these octets."""
    _, _, port = site.address.rpartition(":")
    with socket.create_connection(("127.0.0.1", int(port)), timeout=10) as line:
        with contextlib.suppress(ConnectionError):
            line.sendall(octets)
        answer = b""
        while chunk := _more(line):
            answer += chunk
    return int(answer.split(b" ", 2)[1]), answer.partition(b"\r\n\r\n")[2]


def _more(line: socket.socket) -> bytes:
    try:
        return line.recv(65536)
    except ConnectionError:  # it hangs up on who still sends
        return b""


def token(site: Site) -> str:
    given = requests.post(f"{site.address}/api/v1/auth/login", json={"username": "admin", "password": PASSWORD}, timeout=10)
    return str(given.json()["data"]["access_token"])


def test_every_line_of_the_documentation_does_what_it_says(site: Site, tmp_path: Path) -> None:
    site.start()
    work = tmp_path / "work"
    work.mkdir()
    (work / "tasks.yaml").write_text(TASKS)
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    script = HEAD + "\n".join(BLOCK.findall(text)).replace("http://127.0.0.1:8000", site.address)
    environ = {"PATH": os.environ["PATH"], "PASSWORD": PASSWORD, "CODES": str(work / "codes"), "LANG": "C.UTF-8"}
    done = subprocess.run(["bash", "-u", "-c", script], cwd=work, env=environ, capture_output=True, text=True, timeout=180)
    codes = (work / "codes").read_text().splitlines()
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert len(codes) > 90 and [code for code in codes if not code.startswith("200 ")] == []


NO_HTTP = [
    (b"get /api/v1/scheduler/tasks" + END, 400),
    (b"GET //api/v1/scheduler/tasks" + END + b"Authorization: Bearer TOKEN\r\n", 404),
    (b"GET /api//v1/scheduler/tasks" + END + b"Authorization: Bearer TOKEN\r\n", 404),
    (b"GET /api/v1%2Fscheduler/tasks" + END + b"Authorization: Bearer TOKEN\r\n", 404),
    (b"GET /api/v1/scheduler/tasks" + END + b"A: \x00\r\n", 400),
    (b"GET /api/v1/scheduler/tasks" + END + b"A: " + b"a" * 400_000 + b"\r\n", 431),
    (b"POST /api/v1/auth/login" + END + b"Content-Length: -5\r\n", 400),
    (b"POST /api/v1/auth/login" + END + b"Content-Length: 5\r\nContent-Length: 6\r\n", 400),
    (b"POST /api/v1/auth/login" + END + b"Transfer-Encoding: gzip\r\n", 400),
    (b"POST /api/v1/auth/login" + END + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    (b"POST /api/v1/auth/login" + END + b"Content-Length: 99999999\r\n", 413),
    (b"GET http://[::1/api/v1/scheduler/tasks" + END, 400),
]
NO_PAGE = [
    (b"nonsense\r\n", 400),
    (b"get /tasks" + END, 400),
    (b"GET http://[::1/tasks" + END, 400),
    (b"GET /tasks\xff" + END, 400),
    (b"GET /tasks" + END + b"A: " + b"a" * 400_000 + b"\r\n", 431),
    (b"POST /tasks/new" + END + b"Transfer-Encoding: gzip\r\n", 400),
    (b"POST /tasks/new" + END + b"Content-Length: 99999999\r\n", 413),
    (b"GET //login" + END, 404),
    (b"GET /static//css/app.css" + END, 404),
    (b"GET /%2flogin" + END, 404),
]


def test_what_is_no_proper_http_is_refused_in_the_faces_shape(site: Site) -> None:
    site.start()
    bearer = token(site).encode()
    for octets, status in NO_HTTP:
        found, body = sent(site, octets.replace(b"TOKEN", bearer) + b"\r\n")
        assert (found, set(json.loads(body))) == (status, {"success", "code", "message", "errors", "timestamp"}), octets[:60]
    found, body = sent(site, b"get /api/tasks" + END + b"\r\n")
    assert found == 400 and set(json.loads(body)) == {"error", "errors"}


def test_what_is_no_proper_http_is_refused_with_a_page_elsewhere(site: Site) -> None:
    site.start()
    for octets, status in NO_PAGE:
        found, body = sent(site, octets + b"\r\n")
        assert (found, b"<main" in body, b"css/app.css" in body) == (status, True, True), octets[:60]


def test_what_is_no_proper_http_signs_nobody_out_and_says_what_a_browser_may_do(site: Site) -> None:
    site.start()
    answer = requests.get(f"{site.address}/tasks", headers={"A": "a" * 300_000}, timeout=10)
    assert answer.status_code == 431 and "Set-Cookie" not in answer.headers
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


def test_hundreds_of_large_bodies_leave_the_servers_memory_as_it_was(site: Site) -> None:
    site.cold = True
    server = site.start()
    headers = {"Authorization": f"Bearer {token(site)}", "Content-Type": "application/json"}
    bodies = [b'{"name": "' + b"x" * 10_000_000 + b'"}', b"[" * 1_500_000, b'{"a":' * 300_000, b'"' + b"\\u0000" * 300_000 + b'"']

    def storm(times: int) -> None:
        for body in bodies * times:
            answer = requests.post(f"{site.address}/api/v1/scheduler/tasks", data=body, headers=headers, timeout=10)
            assert answer.status_code in (400, 413) and answer.elapsed.total_seconds() < 2

    storm(5)
    before = resident_mb(server.pid)
    clients = [Thread(target=storm, args=(10,)) for _ in range(4)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert resident_mb(server.pid) - before < 60


def test_many_who_call_at_once_with_one_key_start_one_run(site: Site) -> None:
    site.start()
    task = site.task("sleep 1", key="once", overlap_policy="allow", max_instances=9)
    headers = {"Authorization": f"Bearer {token(site)}", "Idempotency-Key": "order-7"}
    answers: list[str] = []

    def call() -> None:
        asked = requests.post(f"{site.address}/api/v1/scheduler/tasks/once/trigger", headers=headers, timeout=20)
        answers.append(asked.json()["data"]["execution_id"])

    callers = [Thread(target=call) for _ in range(12)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(answers) == 12 and len(set(answers)) == 1 == len(site.runs(task))


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6
