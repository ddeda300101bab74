"""A secret on a real server: its task has it and nobody else, whatever the task prints and wherever one looks."""

import base64
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import quote

import pytest
import requests

from scheduler.database import db
from scheduler.runs.models import Run
from tests.flows.conftest import COOKIE, Site
from tests.flows.test_api_from_outside import token
from tests.waiting import until

pytestmark = pytest.mark.slow

VALUE = "c4nary/of the+mine"
KEY = "-----BEGIN KEY-----\nMIIBVgIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n"
SAYS = """
import base64, json, os, sys, time, urllib.parse
value, key = os.environ["VALUE"], os.environ["KEY"]
print(value, json.dumps(os.environ.get("BOTH")), len(value), flush=True)
for letter in "in pieces " + value + chr(10):
    os.write(1, letter.encode()); time.sleep(0.002)
print(key, key.splitlines()[1], json.dumps(key))
print(urllib.parse.quote(value), base64.b64encode(value.encode()).decode())
print("::summary copied with", value)
print("::progress 50", value)
print("at last", value, file=sys.stderr)
time.sleep(3)
sys.exit(int(os.environ["CODE"]))
"""


def names_of(path: Path, text: str) -> list[str]:
    """The files below `path` in which `text` stands, as grep finds them."""
    return [str(file) for file in path.rglob("*") if file.is_file() and text.encode() in file.read_bytes()]


def arguments() -> str:
    """What `ps` shows of every process of this machine."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return "\n".join(found)


class Api:
    """A program of the administrator's, that remembers all it was answered."""

    def __init__(self, site: Site) -> None:
        self._base, self._headers = f"{site.address}/api/v1/scheduler", {"Authorization": f"Bearer {token(site)}"}
        self.heard = ""

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, self._base + path, json=body, headers=self._headers, timeout=20)
        self.heard += answer.text
        assert answer.status_code == 200, answer.text
        return answer.json() if "json" in answer.headers["Content-Type"] else answer.text


def planted(site: Site, **values: Any) -> tuple[Api, str]:
    """The server with both secrets, and the id of a run that prints them in every way."""
    site.start()
    api = Api(site)
    for name, value in (("DEPLOY_TOKEN", VALUE), ("DEPLOY_KEY", KEY)):
        api("PUT", f"/secrets/{name}", {"value": value})
    named = {
        "VALUE": "${secret:DEPLOY_TOKEN}",
        "KEY": "${secret:DEPLOY_KEY}",
        "BOTH": "${secret:DEPLOY_TOKEN}${secret:DEPLOY_KEY}",
    }
    env = {**named, "CODE": "3", COOKIE: site.instance.as_posix()}
    api("POST", "/tasks", {"name": "deploy", "type": "python", "code": SAYS, "schedule_type": "MANUAL", "env": env, **values})
    return api, api("POST", "/tasks/deploy/trigger")["data"]["execution_id"]


def test_its_task_has_it_and_nobody_else_sees_it(site: Site) -> None:
    api, run = planted(site)
    until(lambda: "in pieces" in str(api("GET", f"/executions/{run}/logs")["data"]["lines"]))
    assert len(site.processes()) == 1 and "c4nary" not in arguments() and "MIIBVgIBADANBgkq" not in arguments()
    until(lambda: api("GET", f"/executions/{run}")["data"]["status"] == "FAILED")
    log = site.output(run_of(run)).decode()
    assert log.startswith(f'******** "****************\\n" {len(VALUE)}\nin pieces ********\n') and log.rstrip().endswith(
        "at last ********"
    )
    told = api("GET", f"/executions/{run}")["data"]
    assert told["output_summary"] == "copied with ********", told
    for path in ("/tasks/deploy", "/secrets", "/secrets/DEPLOY_TOKEN", "/audit", "/export?format=yaml", "/export?format=json",
                 f"/executions/{run}/logs", "/tasks/deploy/revisions"):  # fmt: skip
        api("GET", path)
    assert "${secret:DEPLOY_TOKEN}" in api.heard
    for text in (VALUE, "MIIBVgIBADANBgkq", quote(VALUE), base64.b64encode(VALUE.encode()).decode(), json.dumps(VALUE)[1:-1]):
        assert text not in api.heard and names_of(site.instance, text) == [], text


def run_of(public_id: str) -> Run:
    db.session.rollback()
    return db.session.scalars(db.select(Run).where(Run.public_id == public_id)).one()


def test_once_it_is_gone_the_run_says_so_and_nothing_else_happens(site: Site) -> None:
    api, first = planted(site, retry_count=5, retry_delay_seconds=0)
    api("POST", f"/executions/{first}/stop")
    api("DELETE", "/secrets/DEPLOY_TOKEN")
    second = api("POST", "/tasks/deploy/trigger")["data"]["execution_id"]
    until(lambda: api("GET", f"/executions/{second}")["data"]["status"] == "FAILED")
    told = api("GET", f"/executions/{second}")["data"]
    assert told["attempt"] == 1 and re.search("There is no secret “DEPLOY_TOKEN”", json.dumps(told, ensure_ascii=False)), told


class Echo(BaseHTTPRequestHandler):
    """Tells whoever asks what they asked with, and remembers it."""

    heard: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.heard.append(f"{self.path}\n{self.headers}\n{body}")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.heard[-1].encode())

    def log_message(self, *_: Any) -> None:
        pass


def test_a_request_carries_it_and_its_log_hides_what_comes_back(site: Site) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    Thread(target=server.serve_forever, daemon=True).start()
    site.start(SCHEDULER_SECURITY__OUTGOING_ALLOW="127.0.0.0/8")
    api = Api(site)
    api("PUT", "/secrets/HOOK", {"value": f"http://127.0.0.1:{server.server_port}/hook/c4nary-path"})
    api("PUT", "/secrets/PASSWORD", {"value": "c4nary-password"})
    named = {"headers": {"X-Key": "k ${secret:PASSWORD}"}, "body": '{"p": "${secret:PASSWORD}"}',
             "auth": {"type": "basic", "username": "me", "password": "${secret:PASSWORD}"}}  # fmt: skip
    body = {"name": "call", "type": "http", "url": "${secret:HOOK}?a=1", "method": "POST", "schedule_type": "MANUAL", **named}
    assert api("POST", "/tasks", body)["data"]["auth"]["password"] == "${secret:PASSWORD}"
    run = api("POST", "/tasks/call/trigger")["data"]["execution_id"]
    until(lambda: api("GET", f"/executions/{run}")["data"]["status"] == "SUCCESS")
    server.shutdown()
    pair = base64.b64encode(b"me:c4nary-password").decode()
    assert [Echo.heard[0].count(text) for text in ("/hook/c4nary-path?a=1", "k c4nary-password", '"c4nary-password"', pair)] == [
        1
    ] * 4
    log = site.output(run_of(run)).decode()
    assert "X-Key: ********" in log and log.startswith("POST ********?a=1\n"), log
    assert all(text not in log and names_of(site.instance, text) == [] for text in ("c4nary", pair))
