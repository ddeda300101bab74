"""A task that prints a million lines: complete to the byte, how fast against `> file`, and what the server's memory does."""

import hashlib
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import select

from benchmarks.stage import Result, Stage, resident_mb, stage, wait_until
from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db
from scheduler.runs import ledger
from scheduler.runs.folders import attempt_folder
from scheduler.runs.logs import open_log
from scheduler.runs.models import Attempt
from scheduler.tasks.models import Task

ROUNDS = 3
PROGRAM = "import sys\nfor n in range(1_000_000):\n    sys.stdout.write(f'{n:079d}\\n')\n"


def million_lines() -> list[Result]:
    """The same program into a file and as a task, in turn."""
    with stage(execution__log_max_bytes="200000000") as here:
        (here.instance / "million.py").write_text(PROGRAM)
        task_id = here.add("million", f"exec {sys.executable} {here.instance}/million.py")
        floors, times, digests = [], [], set()
        with here.server() as server:
            before = resident_mb(server.pid)
            for _ in range(ROUNDS):
                floors.append(_to_file(here))
                spent, folder = _as_task(here, task_id)
                times.append(spent)
                digests |= {_digest(open_log(folder).raw()), _digest([(here.instance / "floor.txt").read_bytes()])}
            growth = resident_mb(server.pid) - before
    floor, spent = sorted(floors)[ROUNDS // 2], sorted(times)[ROUNDS // 2]
    ratio, exact = spent / floor, len(digests) == 1
    return [
        Result("1,000,000 lines of 80 bytes", f"{spent:.2f} s", f"{floor:.2f} s", f"{ratio:.2f} ×", "≤ 3 ×", ratio <= 3),
        Result("… complete to the byte", "yes" if exact else "no", "", "", "yes", exact),
        Result("… growth of the server's memory", f"{growth:.1f} MB", "", "", "≤ 20 MB", growth <= 20),
    ]


def _to_file(here: Stage) -> float:
    began = time.perf_counter()
    with (here.instance / "floor.txt").open("wb") as file:
        subprocess.run([sys.executable, here.instance / "million.py"], stdout=file, check=True)
    return time.perf_counter() - began


def _as_task(here: Stage, task_id: int) -> tuple[float, Path]:
    """Run it now: the seconds from its start to its recorded end, and the folder of its attempt."""
    with here.app.app_context():
        run_id = ledger.request(SYSTEM, db.session.get_one(Task, task_id)).id

    def finished() -> float | None:
        with here.app.app_context():
            return db.session.scalar(select(Attempt.duration).where(Attempt.run_id == run_id, Attempt.duration.is_not(None)))

    wait_until(finished, 60, 0.2)
    return finished() or 0.0, attempt_folder(here.instance, run_id, 1)


def _digest(chunks: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()
