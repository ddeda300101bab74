"""The forks that stand in for servers: they read, print, end and die as a command does."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests import warm
from tests.waiting import until

pytestmark = pytest.mark.slow

COMPACT = ["-m", "json.tool", "--compact"]
SERVE = ["-m", "http.server", "0", "--bind", "127.0.0.1"]


def test_it_reads_prints_and_ends_like_a_command() -> None:
    done = warm.run(COMPACT, os.environ, '{"a": 1}')
    assert (done.returncode, done.stdout, done.stderr) == (0, '{"a":1}\n', "")
    refused = warm.run(COMPACT, os.environ, "{")
    assert (refused.returncode, refused.stdout) == (1, "") and refused.stderr


def test_it_has_variables_of_its_own(tmp_path: Path) -> None:
    process = warm.begin(["-m", "scheduler.missing"], {**os.environ, "SCHEDULER_FAILPOINT": "nowhere:kill"}, tmp_path / "console")
    assert process.wait(30) == 1
    assert (tmp_path / "console").read_text() == "SCHEDULER_FAILPOINT: there is no failpoint 'nowhere'\n"


def test_it_has_a_session_of_its_own_and_dies_when_killed(tmp_path: Path) -> None:
    process = warm.begin(SERVE, os.environ, tmp_path / "console")
    until(lambda: os.getsid(process.pid) == process.pid)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    assert process.poll() is None
    process.kill()
    assert process.wait(30) == process.poll() == -signal.SIGKILL


def test_what_the_interpreter_reads_makes_it_a_new_interpreter(tmp_path: Path) -> None:
    process = warm.begin(COMPACT, {**os.environ, "PYTHONWARNINGS": "ignore"}, tmp_path / "console")
    assert not isinstance(process, warm.Forked)
    process.kill()
    process.wait()
