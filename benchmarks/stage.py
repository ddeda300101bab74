"""A server of its own for a measurement, its tasks, its processor time and memory; and the floors to hold against it."""

import atexit
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any
from urllib.request import urlopen

from flask import Flask

from scheduler import config, create_app
from scheduler.accounts.permissions import SYSTEM
from scheduler.cli import prepare
from scheduler.tasks import definitions

ROOT = Path(__file__).resolve().parents[1]
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Result:
    """One line of the report: what was measured, its floor, the ratio, and what was promised."""

    what: str
    measured: str
    floor: str
    ratio: str
    promise: str
    kept: bool


class Stage:
    """An installation in a folder of its own, with a port of its own."""

    def __init__(self, instance: Path, **settings: str) -> None:
        self.instance = instance
        self.port = _free_port()
        self.environ = {
            **os.environ,
            "SCHEDULER_INSTANCE": str(instance),
            "SCHEDULER_ADMIN_PASSWORD": "benchmark password",
            "SCHEDULER_ENGINE__MIN_INTERVAL_SECONDS": "1",
            "SCHEDULER_ENGINE__TIMEZONE": "UTC",
            "SCHEDULER_SERVER__PORT": str(self.port),
            **{f"SCHEDULER_{name.upper()}": value for name, value in settings.items()},
        }
        os.environ["SCHEDULER_ADMIN_PASSWORD"] = self.environ["SCHEDULER_ADMIN_PASSWORD"]
        self.app: Flask = create_app(config.load(instance, self.environ))
        with self.app.app_context(), open(os.devnull, "w") as nowhere:
            out, sys.stdout = sys.stdout, nowhere
            prepare(config.settings())
            sys.stdout = out

    def add(self, name: str, command: str, **values: Any) -> int:
        """A shell task; the server, where it runs already, notices within a second."""
        with self.app.app_context():
            return definitions.create(SYSTEM, {"name": name, "type": "shell", "command": command, **values}).id

    @contextmanager
    def server(self) -> Iterator[subprocess.Popen[bytes]]:
        """The server process, ready; ended with SIGTERM."""
        with open(self.instance / "console.log", "wb") as console:
            process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=self.environ, stdout=console, stderr=console)
        try:
            wait_until(self.ready, 120)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)

    def ready(self) -> bool:
        """Whether pages are served and the daemon ticks."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as answer:
                return answer.status == 200 and (self.instance / "run" / "heartbeat").exists()
        except OSError:
            return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def stage(**settings: str) -> Iterator[Stage]:
    """A fresh installation, gone when all is measured.

    Not before: where thousands of files were just removed, ext4 looks at each of their places for half a minute before it
    makes a new one, and the next measurement would be of that.
    """
    folder = mkdtemp(prefix="bench-")
    atexit.register(rmtree, folder, ignore_errors=True)
    yield Stage(Path(folder), **settings)


def wait_until(true: Any, seconds: float, step: float = 0.02) -> None:
    """Until `true()` is; TimeoutError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s")
        time.sleep(step)


def processor_seconds(pid: int) -> float:
    """User and system time of a process, of the children it reaped, and of the same of its living children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = sum(map(int, fields[11:15])) / TICK
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    threads = [Path(f"/proc/{pid}/task/{thread}/children").read_text().split() for thread in os.listdir(f"/proc/{pid}/task")]
    return own + sum(processor_seconds(int(child)) for child in {child for part in (children, *threads) for child in part})


def own_processor_seconds(pid: int) -> float:
    """Processor time of the threads of one process that live, to the nanosecond."""
    threads = os.listdir(f"/proc/{pid}/task")
    return sum(int(Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[0]) for thread in threads) / 1e9


def resident_mb(pid: int) -> float:
    """Memory of a process in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def median_time(call: Any, times: int) -> float:
    """The median of `times` calls, in seconds."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        spent.append(time.perf_counter() - began)
    return statistics.median(spent)


def in_seconds(ahead: float) -> datetime:
    """The next full second that is at least `ahead` seconds away."""
    return datetime.fromtimestamp(int(time.time() + ahead) + 1, UTC)


def floor_loop(command: str, count: int, at_once: int = 10) -> tuple[list[float], float]:
    """A plain loop of Popen, `at_once` at a time: when each was started, in seconds after the first, and the CPU per run."""
    before = os.times()
    began = time.time()
    starts: list[float] = []
    running: list[subprocess.Popen[bytes]] = []
    for _ in range(count):
        while len(running) >= at_once:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            running = [process for process in running if process.poll() is None]
        starts.append(time.time() - began)
        running.append(subprocess.Popen(["sh", "-c", command], stdout=subprocess.DEVNULL))
    for process in running:
        process.wait()
    after = os.times()
    return starts, (sum(after[:4]) - sum(before[:4])) / count
