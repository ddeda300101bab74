"""What supervision costs: CPU of a run against a bare Popen loop, memory of an idle supervisor, a big log; asserts nothing."""

import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.stage import Result
from scheduler.execution.client import Client
from scheduler.execution.crew import IDLE as IDLE_SECONDS
from scheduler.execution.launcher import start_runner
from scheduler.execution.protocol import Spec, State, probe, read_start, request_stop

RUNS, AT_ONCE, ROUNDS, IDLE = 300, 10, 5, 10
REHEARSAL = 2.0  # seconds, more than it takes
MOST_MEMORY = 0.9  # MB
MANY_LINES = "yes 0123456789012345678901234567890123456789012345678901234567890123456789012345678 | head -n 1000000"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        instance = Path(name)
        runner = start_runner(instance, lifeline=True)
        with Client(instance, patience=5) as client:
            floors, ours = [], []
            for round in range(ROUNDS):
                floors.append(_cpu_of(_floor))
                ours.append(_cpu_of_runner(runner.pid, partial(_supervised, client, instance, round)))
            floor, cost = statistics.median(floors), statistics.median(ours)
            print(f"CPU per no-op run: Popen {floor:.2f} ms, supervised {cost:.2f} ms, ratio {cost / floor:.2f}")
            print(f"private memory per idle supervisor: {_idle_memory(client, instance):.2f} MB")
            _big_log(client, instance)
        runner.communicate()


def memory() -> list[Result]:
    """What a running task costs beside its own memory: with a new supervisor, and with one that has performed others before."""
    with tempfile.TemporaryDirectory() as name:
        instance = Path(name)
        runner = start_runner(instance, lifeline=True)
        with Client(instance, patience=5) as client:
            time.sleep(REHEARSAL)
            new = _idle_memory(client, instance)
            _supervised(client, instance, 0)
            known = _idle_memory(client, instance, 5000, lasting=True)
            used = _idle_memory(client, instance, 6000)
        runner.communicate()
    what = "Private memory per running task", "… known to last, after 300 short ones", "… not known to last, after these"
    sizes = zip(what, (new, known, used), strict=True)
    return [Result(name, f"{size:.2f} MB", "", "", f"≤ {MOST_MEMORY} MB", size <= MOST_MEMORY) for name, size in sizes]


def spec(instance: Path, run: int, command: str) -> Spec:
    """A run of a shell command."""
    folder = instance / "runs" / str(run) / "1"
    return Spec(run, 1, str(folder), str(instance / "workspaces" / "shared"), ["sh", "-c", command], {"PATH": "/usr/bin:/bin"})


def _floor() -> None:
    alive: list[subprocess.Popen[bytes]] = []
    for _ in range(RUNS):
        if len(alive) == AT_ONCE:
            alive.pop(0).wait()
        alive.append(subprocess.Popen(["sh", "-c", ":"]))
    for process in alive:
        process.wait()


def _supervised(client: Client, instance: Path, round: int) -> None:
    first = 1000 * (round + 1)
    for start in range(first, first + RUNS, AT_ONCE):
        specs = [spec(instance, run, ":") for run in range(start, start + AT_ONCE)]
        client.submit_many(specs)
        for one in specs:
            _wait(Path(one.dir))


def _idle_memory(client: Client, instance: Path, first: int = 1, lasting: bool = False) -> float:
    specs = [spec(instance, run, "echo begun; exec sleep 60")._replace(lasting=lasting) for run in range(first, first + IDLE)]
    client.submit_many(specs)
    time.sleep(1)
    folders = [Path(one.dir) for one in specs]
    private = [_private_kb((read_start(folder) or {})["supervisor"]) for folder in folders]
    for folder in folders:
        request_stop(folder, force=True)
        _wait(folder)
    return statistics.median(private) / 1024


def _big_log(client: Client, instance: Path) -> None:
    """A million lines through the supervisor, against the same into a file."""
    plain, kept = [], []
    for round in range(ROUNDS):
        began = time.monotonic()
        subprocess.run(["sh", "-c", f"{MANY_LINES} > {instance}/plain"], check=True)
        plain.append(time.monotonic() - began)
        began = time.monotonic()
        one = spec(instance, 100 + round, MANY_LINES)
        client.submit(one)
        _wait(Path(one.dir))
        kept.append(time.monotonic() - began)
    floor, cost = statistics.median(plain), statistics.median(kept)
    print(f"1,000,000 lines: to a file {floor:.2f} s, into the log {cost:.2f} s, ratio {cost / floor:.2f}")


def _wait(folder: Path) -> None:
    while probe(folder) is not State.FINISHED:
        time.sleep(0.01)


def _cpu_of(work: Callable[[], None]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = resource.getrusage(resource.RUSAGE_SELF)
    pairs = ((after, before), (spent, own))
    total = sum(late.ru_utime - early.ru_utime + late.ru_stime - early.ru_stime for late, early in pairs)
    return total / RUNS * 1000


def _cpu_of_runner(pid: int, work: Callable[[], None]) -> float:
    """CPU of the runner and its nursery, of its supervisors and of all they have waited for."""
    both = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    before = sum(map(_ticks, both))
    work()
    time.sleep(IDLE_SECONDS + 1)  # until the supervisors have left, and what they used is the runner's to tell
    return (sum(map(_ticks, both)) - before) / os.sysconf("SC_CLK_TCK") / RUNS * 1000


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15]))


def _private_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


if __name__ == "__main__":
    main()
