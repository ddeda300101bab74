"""A task that runs as another user: who it is, what it can reach, that it dies with its supervisor. Only root can try."""

import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.execution.protocol import request_stop
from scheduler.tasks import identity
from tests.execution.conftest import Station, alive, finished, running, stationed
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")]

NOBODY = [65534, 65534]


@pytest.fixture
def way() -> Iterator[Station]:
    """A runner whose instance another user can get through; pytest's own folders are closed to everybody."""
    folder = Path(tempfile.mkdtemp(prefix="switching-"))
    identity.open_way(folder)
    with stationed(folder) as station:
        yield station
    shutil.rmtree(folder, ignore_errors=True)


def test_it_is_that_user_and_nobody_else(way: Station) -> None:
    _, log = way.perform("id -u; id -g; id -G; grep CapEff /proc/self/status", user=NOBODY)
    assert log.split()[:3] == [b"65534"] * 3
    assert log.split()[-1] == b"0" * 16


def test_its_workspace_is_its_own_and_the_attempt_s_folder_is_ours(way: Station) -> None:
    spec = way.spec("touch here && echo made; ls ../../runs 2>/dev/null || echo closed", user=NOBODY)
    folder = way.submit(spec)
    finished(folder)
    assert (folder / "output.log").read_bytes() == b"made\nclosed\n"
    assert os.stat(spec.workspace).st_uid == 65534
    assert (folder.stat().st_uid, stat.S_IMODE(folder.stat().st_mode)) == (0, 0o700)


def test_it_can_read_the_files_of_its_task(way: Station) -> None:
    spec = way.spec("sh", "{dir}/command", user=NOBODY, files={"command": "id -un; ls -l $0"})
    folder = way.submit(spec)
    finished(folder)
    assert (folder / "output.log").read_bytes().startswith(b"nobody\n-rwx------ 1 nobody nogroup")


def test_a_trap_left_in_the_workspace_catches_nothing(way: Station) -> None:
    spec = way.spec("sh", "{dir}/command", user=NOBODY, files={"command": "echo ran"})
    Path(spec.workspace).mkdir(parents=True)
    (Path(spec.workspace) / ".attempt-1").symlink_to("/etc")
    result = finished(way.submit(spec))
    assert (result["reason"], result["failed_step"]) == ("start_failed", "folder")
    assert not Path("/etc/command").exists()


def test_its_working_directory_is_entered_as_that_user(way: Station) -> None:
    closed = way.instance / "closed"
    closed.mkdir(mode=0o700)
    result, _ = way.perform("pwd", user=NOBODY, cwd=str(closed))
    assert (result["reason"], result["failed_step"]) == ("start_failed", "directory")


def test_a_stop_ends_what_another_user_runs(way: Station) -> None:
    spec = way.spec("trap '' TERM; sleep 60 & sleep 60", user=NOBODY, env={"PATH": os.environ["PATH"], "OTHER": "stopped"})
    folder = way.submit(spec)
    until(lambda: alive("OTHER=stopped"))
    request_stop(folder)
    result = finished(folder)
    assert (result["reason"], alive("OTHER=stopped")) == ("cancelled", [])


def test_it_dies_with_its_supervisor(way: Station) -> None:
    spec = way.spec("sleep 60", user=NOBODY, env={"PATH": os.environ["PATH"], "OTHER": "orphaned"})
    folder = way.submit(spec)
    until(lambda: alive("OTHER=orphaned"))
    os.kill(running(folder), signal.SIGKILL)
    until(lambda: not alive("OTHER=orphaned"))
