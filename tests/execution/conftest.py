"""A real runner on a fresh instance, and one verb to perform a command with it."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from scheduler.execution.client import Client
from scheduler.execution.launcher import start_runner
from scheduler.execution.protocol import Result, Spec, State, probe, read_result, read_start
from tests.waiting import until

PATH = os.environ["PATH"]


@dataclass
class Station:
    """An instance folder with a runner at work."""

    instance: Path
    runner: "Popen[bytes]"
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def spec(self, *argv: str, **more: Any) -> Spec:
        """A spec on a run of its own; one argument is a shell command."""
        number = next(self.numbers)
        folder, workspace = self.instance / "runs" / str(number) / "1", self.instance / "workspaces" / str(number)
        given = {"dir": str(folder), "env": {"PATH": PATH}, "grace": 0.5, "timeout": 20.0, **more}
        argv = argv if len(argv) > 1 else ("sh", "-c", *argv)
        return Spec(number, 1, workspace=str(workspace), argv=list(argv), **given)

    def start(self, *argv: str, **more: Any) -> Path:
        """Submit a new attempt, and answer its folder."""
        return self.submit(self.spec(*argv, **more))

    def submit(self, spec: Spec) -> Path:
        """Hand a spec over, and answer its folder."""
        with Client(self.instance) as client:
            client.submit(spec)
        return Path(spec.dir)

    def perform(self, *argv: str, **more: Any) -> tuple[Result, bytes]:
        """Submit and wait; answers the result and the log."""
        return finished(folder := self.start(*argv, **more)), log_of(folder)


def finished(folder: Path) -> Result:
    """The result of an attempt, when it has one."""
    until(lambda: probe(folder) is State.FINISHED)
    result = read_result(folder)
    assert result is not None
    return result


def running(folder: Path) -> int:
    """The pid of an attempt's supervisor, when its task runs."""
    until(lambda: (read_start(folder) or {}).get("child"))
    return (read_start(folder) or {})["supervisor"]


def log_of(folder: Path) -> bytes:
    """The log file as it lies there; nothing when there is none."""
    path = folder / "output.log"
    return path.read_bytes() if path.exists() else b""


def alive(entry: str) -> list[int]:
    """The processes that have `entry` in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            entries = (process / "environ").read_text().split("\0")
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if entry in entries and state != "Z":
            found.append(int(process.name))
    return found


def children(pid: int) -> list[int]:
    """The children of a process with a single thread, zombies included, the oldest first."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def name_of(pid: int) -> str:
    """What a process calls itself; nothing when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def nursery(runner: int) -> int:
    """The process that the supervisors of a runner come from, when it is done with its rehearsal."""

    def named() -> list[int]:
        return [child for child in children(runner) if name_of(child) == "nursery"]

    until(named)
    return named()[0]


@contextmanager
def stationed(instance: Path) -> Iterator[Station]:
    """A runner at work for as long as the context lasts; it must have had nothing to complain about."""
    with start_runner(instance, lifeline=True) as runner:
        Client(instance, patience=5).close()
        yield Station(instance, runner)
        runner.terminate()
    assert (instance / "logs" / "runner.log").read_text() == ""


@pytest.fixture(scope="session")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    with stationed(tmp_path_factory.mktemp("instance")) as shared:
        yield shared
