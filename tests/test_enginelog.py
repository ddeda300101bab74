"""The engine's own log: 001's format, one line for each thing, a file a day that processes share, and a disk without room."""

import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from scheduler.accounts.models import User
from scheduler.enginelog import Daily, Lines
from scheduler.runs import ledger
from scheduler.tasks import definitions
from tests.conftest import FrozenClock
from tests.factories import as_actor, finish, make_run, make_task
from tests.factories import claim as claim_

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - (DEBUG|INFO|WARNING|ERROR) - \w+ - .+")
TODAY = datetime(2026, 3, 2, 12, 0)

WRITER = """
import logging, sys
from pathlib import Path
from scheduler.enginelog import Daily
handler = Daily(Path(sys.argv[1]), 30)
for number in range(500):
    record = logging.makeLogRecord({"msg": f"{sys.argv[2]} {number} " + "x" * 300, "created": float(sys.argv[3])})
    handler.handle(record)
"""


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Daily]:
    handler = Daily(tmp_path / "sys.log", days=2)
    handler.setFormatter(Lines())
    yield handler
    handler.close()


def say(log: Daily, text: str, at: datetime = TODAY, **more: object) -> None:
    """Say it at a time; what is written then looks written then."""
    log.handle(
        logging.makeLogRecord({"msg": text, "created": at.timestamp(), "name": "SchedulerEngine", "levelname": "INFO"} | more)
    )
    path = log._path
    if path.exists():
        os.utime(path, (at.timestamp(), at.timestamp()))


def lines(log: Daily) -> list[str]:
    return log._path.read_text().splitlines()


def test_it_writes_as_the_document_says(log: Daily) -> None:
    say(log, "任务调度引擎启动成功", datetime(2023, 7, 17, 10, 30, 45))
    assert lines(log) == ["2023-07-17 10:30:45 - INFO - SchedulerEngine - 任务调度引擎启动成功"]


def test_nobody_can_write_a_line_by_naming_something(log: Daily) -> None:
    say(log, "name=x\n2023-07-17 10:30:45 - INFO - SchedulerEngine - event=stopped\x1b[2J\u2028")
    assert len(lines(log)) == 1
    assert "\\n2023-07-17" in lines(log)[0]


def test_a_traceback_is_indented(log: Daily) -> None:
    try:
        raise ValueError("why")
    except ValueError:
        say(log, "event=beat_failed", exc_info=sys.exc_info())
    first, *rest = lines(log)
    assert LINE.fullmatch(first)
    assert rest[-1] == "    ValueError: why"
    assert all(line.startswith("    ") for line in rest)


def test_it_begins_a_file_each_day_and_keeps_as_many_as_it_is_told(log: Daily) -> None:
    for day in range(5):
        say(log, f"day {day}", TODAY + timedelta(days=day))
    kept = {path.name: path.read_text().strip().rpartition(" - ")[2] for path in log._path.parent.glob("sys.log.*")}
    assert kept == {"sys.log.2026-03-04": "day 2", "sys.log.2026-03-05": "day 3"}
    assert lines(log)[0].endswith("day 4")


def test_a_file_of_last_week_is_put_aside_at_the_first_line(tmp_path: Path, log: Daily) -> None:
    (tmp_path / "sys.log").write_text("old\n")
    before = (TODAY - timedelta(days=7)).timestamp()
    os.utime(tmp_path / "sys.log", (before, before))
    say(log, "new")
    assert (tmp_path / "sys.log.2026-02-23").read_text() == "old\n"


@pytest.mark.slow  # starts them
def test_two_processes_share_a_file_and_one_turns_it(tmp_path: Path) -> None:
    path, at = tmp_path / "sys.log", datetime.now().timestamp()
    path.write_text("yesterday\n")
    os.utime(path, (at - 86_400, at - 86_400))
    command = [sys.executable, "-c", WRITER, str(path)]
    both = [subprocess.Popen([*command, name, str(at)]) for name in ("web", "daemon")]
    assert [one.wait(90) for one in both] == [0, 0]
    found = path.read_text().splitlines()
    assert (len(found), len(list(tmp_path.glob("sys.log.*")))) == (1000, 1)
    assert all(re.fullmatch(r"(web|daemon) \d+ x{300}", line) for line in found)


def test_what_a_full_disk_swallowed_is_counted(log: Daily, monkeypatch: pytest.MonkeyPatch) -> None:
    say(log, "before")
    os.close(log._file)
    log._file = os.open("/dev/full", os.O_WRONLY)
    monkeypatch.setattr(log, "_is_ours", lambda: True)
    say(log, "lost")
    say(log, "lost too")
    monkeypatch.undo()
    log._shut()
    say(log, "after")
    assert [line.rpartition(" - ")[2] for line in lines(log)] == ["before", "event=log_lost lines=2", "after"]


def test_a_line_that_fitted_in_part_does_not_spoil_the_next(log: Daily, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.write
    monkeypatch.setattr("scheduler.enginelog.os.write", lambda file, data: whole(file, data[:10]))
    say(log, "first")
    monkeypatch.undo()
    say(log, "second")
    assert [line.rpartition(" - ")[2] for line in lines(log)][1:] == ["event=log_lost lines=1", "second"]


def test_it_tells_who_changed_what_once_it_is_so(app: Flask, ada: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    task = make_task(as_actor(ada), name="Nightly\nbackup")
    definitions.edit(as_actor(ada), task.id, {"command": "false"})
    assert f"event=task.create by=ada from=- task={task.id} name='{task.name}'" in caplog.text
    assert f"event=task.edit by=ada from=- task={task.id} name='{task.name}' changed=command" in caplog.text


def test_it_tells_how_runs_end_and_which_come_back(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    run = make_run(retry_count=1, retry_delay_seconds=30)
    claim_(run)
    finish(run, 7)
    assert f"event=retry_waits run={run.id} after_attempt=1 exit=7 not_before=2026-03-02T12:00:30" in caplog.text
    claim_(run)
    finish(run, 0)
    assert f"event=run_finished run={run.id} attempt=2 status=success exit=0" in caplog.text


def test_it_tells_what_was_missed(app: Flask, clock: FrozenClock, caplog: pytest.LogCaptureFixture) -> None:
    task = make_task(cron="0 * * * *", misfire_grace_seconds=60)
    ledger.settle(clock.move(hours=1, minutes=30))
    assert f"event=missed task={task.id} due=2026-03-02T13:00:00+00:00 count=1 reason=late" in caplog.text
