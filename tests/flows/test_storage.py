"""Disks and databases that fail under a whole server: full, read-only, locked, frozen; what runs goes on and nothing is lost."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest

from scheduler import clock, config
from scheduler.runs.models import Run
from scheduler.tasks.models import Task
from tests.factories import attempts
from tests.flows.conftest import ROOT, Site
from tests.waiting import until

POSTGRESQL = os.environ.get("TEST_DATABASE") == "postgresql"
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
only_sqlite = pytest.mark.skipif(POSTGRESQL, reason="files are SQLite's")
pytestmark = pytest.mark.slow

BIG = "true " + "x" * 60_000
NEW = {"name": "kept?", "command": BIG, "schedule_type": "MANUAL", "schedule_config": None}


class Program:
    """Somebody's script at the API of the site's server."""

    def __init__(self, site: Site) -> None:
        self._base = site.address
        self._token = ""
        until(self._listens)
        answer = self.ask("POST", "/api/v1/auth/login", {"username": "admin", "password": "a long enough password"})
        self._token = answer[1]["data"]["access_token"]

    def _listens(self) -> bool:
        with suppress(OSError):
            return bool(urllib.request.urlopen(f"{self._base}/healthz").read())
        return False

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any, str | None]:
        """Status, body and Retry-After of the answer."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, headers, method=method)
        try:
            answer: Any = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        text = answer.read().decode()
        return answer.status, json.loads(text) if text.startswith("{") else text, answer.headers["Retry-After"]

    def make(self) -> tuple[int, str | None]:
        status, _, after = self.ask("POST", "/api/v1/scheduler/tasks", NEW)
        return status, after

    def read(self) -> int:
        return self.ask("GET", "/api/v1/scheduler/tasks")[0]

    def ready(self) -> tuple[int, str]:
        status, text, _ = self.ask("GET", "/readyz")
        return status, text.strip()


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Where the site lives; for some on a disk of its own."""
    mount = {"memory": memory, "ext4": ext4}.get(getattr(request, "param", ""))
    if mount is None:
        yield tmp_path
        return
    used = mount(tmp_path)
    yield tmp_path
    run("umount", "-l", str(tmp_path))
    used.unlink(missing_ok=True)


def on(disk: str) -> Any:
    """Let the site live on such a disk."""
    return pytest.mark.parametrize("tmp_path", [disk], indirect=True)


def memory(path: Path) -> Path:
    run("mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", str(path))
    return path.with_name("no-image")


def ext4(path: Path) -> Path:
    """A disk that can be made to fail as real ones do: the kernel then lets nobody write, not even to open files."""
    image = path.with_name(f"{path.name}.img")
    with image.open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    run("mkfs.ext4", "-q", str(image))
    if subprocess.run(["mount", "-o", "loop,errors=remount-ro", image, path], capture_output=True, check=False).returncode:
        image.unlink()
        pytest.skip("no loop devices here")
    return image


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def fill(folder: Path) -> Path:
    path = folder / "filler"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"0" * 4096)
    return path


LOST_LOG = {"log_cut": True, "log_lines": 2}
EVERY_SECOND = {"schedule_type": "cron", "schedule_config": {"cron": "* * * * * *"}, "timezone": "UTC"}


def every_second(site: Site) -> Task:
    return site.task("true", overlap_policy="queue", **EVERY_SECOND)


def gapless(runs: list[Run]) -> bool:
    """Whether every second from the first to the last has its row, and one only."""
    return all((later.scheduled_at - earlier.scheduled_at).total_seconds() == 1 for earlier, later in pairwise(runs))


@only_root
@only_sqlite
@on("memory")
def test_a_full_disk(site: Site) -> None:
    site.start()
    program = Program(site)
    task = every_second(site)
    going = site.run(site.task("sleep 4; echo done; echo ::summary all of it"))
    until(lambda: site.status(going) == "running" and len(site.runs(task)) > 2)
    filler = fill(site.instance)
    assert [program.make() for _ in range(3)] == [(507, "60")] * 3
    assert (program.read(), program.ready()) == (200, (503, "storage: full"))
    time.sleep(5)  # the run ends meanwhile
    assert program.read() == 200
    filler.unlink()
    assert site.until_over(going) == ["success"]
    assert (going.summary, attempts(going)[0].result) == ("all of it", {"log_error": "No space left on device", **LOST_LOG})
    count = len(site.runs(task))
    until(lambda: len(site.runs(task)) > count + 2)
    assert gapless(site.runs(task))
    assert (program.make()[0], program.ready()) == (200, (200, "ok"))


@only_root
@only_sqlite
@on("memory")
def test_a_task_that_fills_the_disk_itself(site: Site) -> None:
    site.start()
    run = site.run(site.task("head -c 100M /dev/zero > filler; echo tried; rm -f filler; exit 3"))
    assert site.until_over(run) == ["technical_failure"]
    assert run.exit_code == 3


@only_root
@only_sqlite
@on("memory")
def test_a_start_on_a_read_only_disk_is_refused_in_one_line(site: Site) -> None:
    run("mount", "-o", "remount,ro", str(site.instance))
    command = [sys.executable, "app.py", "--instance", str(site.instance), "--port", "1"]
    server = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False)
    expected = f"Scheduler cannot start: The folder {site.instance} cannot be written to (Read-only file system)."
    assert (server.returncode, server.stderr.splitlines()[0].split(" [")[0]) == (1, expected)
    assert "Traceback" not in server.stderr


@only_root
@only_sqlite
@on("ext4")
def test_a_disk_that_becomes_read_only(site: Site) -> None:
    server = site.start()
    program = Program(site)
    task = every_second(site)
    until(lambda: len(site.runs(task)) > 1)
    run("mount", "-o", "remount,abort", str(site.instance))
    until(lambda: program.ready() == (503, "storage: read-only"))
    assert program.make() == (503, "60")
    time.sleep(3)
    assert (program.read(), server.poll()) == (200, None)


@only_sqlite
def test_a_database_that_somebody_else_holds(site: Site) -> None:
    site.start()
    program = Program(site)
    task = every_second(site)
    until(lambda: len(site.runs(task)) > 1)
    going = site.run(site.task("sleep 2; echo done"))
    until(lambda: site.status(going) == "running")
    path = config.settings().database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        freed = clock.monotonic() + 20
        while clock.monotonic() < freed:
            assert (program.read(), program.make()) == (200, (503, "5"))
        other.execute("ROLLBACK")
    count = len(site.runs(task))
    until(lambda: len(site.runs(task)) > count + 20)
    assert site.until_over(going) == ["success"]
    assert gapless(site.runs(task))
    assert program.make()[0] == 200


@pytest.mark.skipif(not POSTGRESQL, reason="needs the suite on PostgreSQL")
def test_a_database_that_says_nothing_for_a_while(site: Site) -> None:
    site.start()
    program = Program(site)
    task = every_second(site)
    until(lambda: len(site.runs(task)) > 1)
    server = _postmaster()
    _signal_all(server, signal.SIGSTOP)
    try:
        frozen = clock.monotonic()
        assert program.make()[0] == 503
        assert program.read() == 503
        time.sleep(max(0.0, 20 - (clock.monotonic() - frozen)))
    finally:
        _signal_all(server, signal.SIGCONT)
    count = len(site.runs(task))
    until(lambda: len(site.runs(task)) > count + 20, patience=60)
    assert gapless(site.runs(task))
    assert program.make()[0] == 200


def _postmaster() -> int:
    """The process of the private server."""
    url = config.settings().storage.database.url.replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        (folder,) = connection.execute("SHOW data_directory").fetchone() or ("",)
    return int((Path(folder) / "postmaster.pid").read_text().split()[0])


def _signal_all(server: int, number: int) -> None:
    """Tell a server and all its workers."""
    workers = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    for process in (server, *map(int, workers)):
        with suppress(ProcessLookupError):
            os.kill(process, number)
