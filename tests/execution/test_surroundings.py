"""What a task finds around it: descriptors, environment, signals, limits."""

import os
import resource
import signal
import sys

import pytest

from tests.execution.conftest import PATH, Station

pytestmark = pytest.mark.slow

PYTHON = [sys.executable, "-I", "-S", "-c"]


@pytest.mark.parametrize("limits", [{}, {"open_files": 64}], ids=["spawned", "forked"])
def test_it_gives_three_descriptors_and_no_more(station: Station, limits: dict[str, int]) -> None:
    _, log = station.perform(*PYTHON, "import os; print(sorted(os.listdir('/proc/self/fd')))", limits=limits)
    assert log == b"['0', '1', '2', '3']\n"  # 3 is the listing itself


def test_it_gives_the_environment_of_the_spec_and_no_more(station: Station) -> None:
    env = {"PATH": PATH, "NAME": "ä b\nc", "EMPTY": ""}
    _, log = station.perform("cat", "/proc/self/environ", env=env)
    assert dict(entry.split("=", 1) for entry in log.decode().split("\0")[:-1]) == env


def test_it_hides_the_environment_of_the_server(station: Station) -> None:
    _, log = station.perform("tr '\\0' '\\n' < /proc/$PPID/environ | cut -d= -f1")
    assert set(log.decode().split()) <= {"PATH", "LD_LIBRARY_PATH", "LD_BIND_NOW"}


@pytest.mark.parametrize("limits", [{}, {"open_files": 64}], ids=["spawned", "forked"])
def test_it_gives_an_empty_input_and_no_terminal(station: Station, limits: dict[str, int]) -> None:
    result, log = station.perform("cat; read x; echo $?; (: > /dev/tty) 2>/dev/null || echo none", limits=limits)
    assert (log, result["exit_code"]) == (b"1\nnone\n", 0)


def test_it_gives_default_signals(station: Station) -> None:
    _, log = station.perform("grep -E 'SigBlk|SigIgn' /proc/self/status")
    ours = ~(1 << 31 | 1 << 32)  # the C library keeps 32 and 33 to itself: whoever started the suite may ignore them
    assert {int(line.split()[1], 16) & ours for line in log.decode().splitlines()} == {0}


def test_it_works_in_a_private_workspace(station: Station) -> None:
    _, log = station.perform("pwd; stat -c %a .; umask")
    place, mode, mask = log.decode().split()
    assert (place.startswith(str(station.instance / "workspaces")), mode, mask) == (True, "700", "0077")


def test_it_cannot_gain_privileges_nor_dump_core(station: Station) -> None:
    _, log = station.perform("grep NoNewPrivs /proc/self/status; ulimit -Hc")
    assert log.split() == [b"NoNewPrivs:", b"1", b"0"]


def test_it_is_the_first_to_go_when_memory_runs_out(station: Station) -> None:
    _, log = station.perform("cat /proc/self/oom_score_adj /proc/$PPID/oom_score_adj")
    assert log.split()[0] == b"500"


def test_it_sets_the_limits_of_the_spec(station: Station) -> None:
    limits = {"cpu_seconds": 9, "memory_mb": 300, "processes": 5000, "open_files": 64, "file_size_mb": 2}
    names = ("RLIMIT_CPU", "RLIMIT_AS", "RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_FSIZE")
    code = f"import resource; print([resource.getrlimit(getattr(resource, n)) for n in {names}])"
    _, log = station.perform(*PYTHON, code, limits=limits)
    assert eval(log) == [(9, 10), (300 << 20, 300 << 20), (5000, 5000), (64, 64), (2 << 20, 2 << 20)]


def test_it_ends_a_task_that_uses_up_its_time_on_the_processor(station: Station) -> None:
    result, _ = station.perform("while :; do :; done", limits={"cpu_seconds": 1})
    assert result["signal"] == signal.SIGXCPU


def test_it_says_which_limit_could_not_be_had(station: Station) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    result, log = station.perform("ulimit -n", limits={"open_files": most + 1, "processes": 5000, "file_size_mb": 9})
    unlimited: dict[str, int | None] = {"processes": None} if os.geteuid() == 0 else {}
    assert (int(log), result["unmet_limits"]) == (most, {"open_files": most} | unlimited)


def test_it_ends_a_task_that_writes_too_large_a_file(station: Station) -> None:
    result, _ = station.perform("head -c 3M /dev/zero > large; kill -l $? ; exec head -c 3M /dev/zero > larger",
                                limits={"file_size_mb": 2})  # fmt: skip
    assert result["signal"] == signal.SIGXFSZ


def test_it_lowers_the_priority(station: Station) -> None:
    _, log = station.perform("nice", nice=7)
    assert int(log) == os.getpriority(os.PRIO_PROCESS, 0) + 7


def test_it_leaves_the_limits_of_the_supervisor_alone(station: Station) -> None:
    _, log = station.perform("grep 'Max open files' /proc/$PPID/limits", limits={"open_files": 32})
    assert int(log.split()[3]) == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
