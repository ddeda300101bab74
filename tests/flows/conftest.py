"""A whole server in a process of its own, and a hand in its database through the same verbs its pages call."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import update

from scheduler import clock as clock_module
from scheduler import config, create_app, vault
from scheduler.accounts import chain, tokens
from scheduler.database import db
from scheduler.execution.protocol import read_start
from scheduler.nodes import Lease, moment
from scheduler.runs import ledger, lifecycle
from scheduler.runs.folders import attempt_folder
from scheduler.runs.models import Run
from scheduler.runs.status import ENDED
from scheduler.tasks.models import Task
from tests import warm
from tests.factories import SYSTEM, make_task
from tests.servers import free_port, private_database
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
COOKIE = "SCHEDULER_TEST_COOKIE"
PASSWORD = "a long enough password"


def answers(address: str) -> bool:
    """Whether a server is there."""
    try:
        return requests.get(address, timeout=5).ok
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):  # killed before, or while it answered
        return False


class Site:
    """One installation: its servers, and its database seen from here."""

    def __init__(self, app: Flask, url: str) -> None:
        self.app = app
        self.instance = config.settings().instance
        self._url = url
        self.address = ""
        self.settings: dict[str, str] = {}  # of all its servers, by their variables
        self.cold = False  # whether they are interpreters of their own, not forks of one
        self._servers: list[subprocess.Popen[bytes]] = []

    def start(self, wait: bool = True, program: Sequence[str] = ("app.py",), **environ: str) -> "subprocess.Popen[bytes]":
        """Start a server and wait until it leads and answers, or is gone again; `environ` is its own."""
        self._let_pass()
        before, port = self.leads(), free_port()
        self.address = f"http://127.0.0.1:{port}"
        arguments = [*program, "--instance", str(self.instance), "--port", str(port)]
        server = self._begin(arguments, self.instance, environ)
        if wait:
            until(lambda: self.leads() > before, 60)  # two seconds on a quiet machine, twenty on one that six others use
            if "app.py" in program:
                until(lambda: server.poll() is not None or answers(f"{self.address}/healthz"))
        return server

    def daemon(self, instance: Path | None = None) -> "subprocess.Popen[bytes]":
        """Start a daemon on its own, in another instance folder if one is given."""
        return self._begin(["-m", "flask", "--app", "app", "scheduler", "daemon"], instance or self.instance)

    def worker(self, instance: Path | None = None, **environ: str) -> "subprocess.Popen[bytes]":
        """Start a worker and wait until it takes attempts, in another instance folder if one is given."""
        before = self.log().count("event=worker_takes")
        if instance is not None and not instance.exists():
            instance.mkdir()
            shutil.copytree(self.instance / "keys", instance / "keys")
        worker = self._begin(["-m", "flask", "--app", "app", "scheduler", "worker"], instance or self.instance, **environ)
        until(lambda: self.log().count("event=worker_takes") > before, 60)
        return worker

    def web(self) -> str:
        """Start a web process on its own and wait until it answers; its address."""
        port = free_port()
        self._begin(["-m", "flask", "--app", "app", "scheduler", "web"], self.instance, SERVER__PORT=str(port))
        address = f"http://127.0.0.1:{port}"
        until(lambda: answers(f"{address}/healthz"))
        return address

    def _let_pass(self) -> None:
        """The time until the lease of a server that has died runs out; `test_several` sees the others wait for it."""
        dead = [server.pid for server in self._servers if server.poll() is not None]
        if dead and os.environ.get("TEST_DATABASE") == "postgresql":
            with db.engine.begin() as connection:
                connection.execute(update(Lease).where(Lease.pid.in_(dead)).values(expires_at=moment()))

    def _begin(
        self, arguments: list[str], instance: Path, own: Mapping[str, str] | None = None, **more: str
    ) -> "subprocess.Popen[bytes]":
        settings = {"ENGINE__MIN_INTERVAL_SECONDS": "1", "ENGINE__TIMEZONE": "UTC", "STORAGE__DATABASE__URL": self._url,
                    "EXECUTION__KILL_GRACE_SECONDS": "1", "ADMIN_PASSWORD": PASSWORD,
                    "INSTANCE": str(instance), **self.settings, **more}  # fmt: skip
        environ = {name: value for name, value in os.environ.items() if not name.startswith("SCHEDULER_")}
        environ |= {f"SCHEDULER_{name}": value for name, value in settings.items()} | dict(own or {})
        self._servers.append(warm.begin(arguments, environ, self.instance / "console.log", self.cold))
        return self._servers[-1]

    def leads(self) -> int:
        """How often a daemon of this installation has begun to lead."""
        return self.log().count("event=daemon_leads")

    def log(self) -> str:
        """What its servers and their runners have said."""
        paths = self.instance / "console.log", self.instance / "logs" / "runner.log"
        return "".join(path.read_text() for path in paths if path.exists())

    def close(self) -> None:
        for server in self._servers:
            if server.poll() is None:
                server.kill()  # a stopped one too
            server.wait(30)
        for process in self.processes():
            with suppress(ProcessLookupError):  # their supervisors may end them meanwhile
                os.kill(process, signal.SIGKILL)

    def task(self, command: str, **values: Any) -> Task:
        """A task whose processes can be told from all others of this machine."""
        return make_task(**{"command": command, "kill_grace_seconds": 1, "env": {COOKIE: self.instance.as_posix()}, **values})

    def run(self, task: Task) -> Run:
        return ledger.request(SYSTEM, task)

    def stop(self, run: Run) -> None:
        lifecycle.cancel(SYSTEM, run)

    def kill_supervisor(self, run: Run) -> None:
        start = read_start(attempt_folder(self.instance, run.id, 1))
        assert start is not None
        os.kill(start["supervisor"], signal.SIGKILL)

    def runs(self, task: Task) -> list[Run]:
        db.session.rollback()
        return list(db.session.scalars(db.select(Run).where(Run.task_id == task.id).order_by(Run.scheduled_at, Run.id)))

    def status(self, run: Run) -> str:
        db.session.rollback()
        return db.session.get_one(Run, run.id).status

    def until_over(self, *runs: Run, patience: float = 30.0) -> list[str]:
        """Wait for the end of these runs; answers how they ended."""
        until(lambda: all(self.status(run) in ENDED for run in runs), patience)
        return [self.status(run) for run in runs]

    def output(self, run: Run, number: int = 1) -> bytes:
        return (attempt_folder(self.instance, run.id, number) / "output.log").read_bytes()

    def processes(self, run: Run | None = None) -> list[int]:
        """The processes of this installation's tasks, or of one run, that are alive."""
        marks = [f"{COOKIE}={self.instance.as_posix()}\0".encode()]
        marks += [f"SCHEDULER_RUN_ID={run.id}\0".encode()] if run else []
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                environ = path.read_bytes()
                if all(mark in environ for mark in marks) and b") Z " not in (path.parent / "stat").read_bytes():
                    found.append(int(path.parent.name))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
        return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """An installation of its own, in real time, without a server yet."""
    frozen = clock_module.use(clock_module.SystemClock())
    before, kept, key, seal = config.settings(), vault._vault, tokens._key, chain._key
    with private_database(tmp_path) as database:
        storage = config.Storage(database=config.Database(url=database.url))
        engine = config.Engine(timezone="UTC", min_interval_seconds=1)
        app = create_app(config.Settings(instance=tmp_path, storage=storage, engine=engine))
        with app.app_context():
            here = Site(app, database.url)
            try:
                yield here
            finally:
                here.close()
                db.session.remove()
                db.engine.dispose()
    config.use(before)
    vault.use(kept)
    tokens._key, chain._key = key, seal
    clock_module.use(frozen)
    shutil.rmtree(tmp_path, ignore_errors=True)
