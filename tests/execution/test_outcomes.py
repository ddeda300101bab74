"""How a task ended, told from its result."""

from pathlib import Path

import pytest

from tests.execution.conftest import Station

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_it_reports_the_exit_code(station: Station, code: int) -> None:
    result, _ = station.perform(f"exit {code}")
    assert (result["reason"], result["exit_code"], result["signal"]) == ("exited", code, None)


def test_it_reports_the_signal_that_killed(station: Station) -> None:
    result, _ = station.perform("kill -9 $$")
    assert (result["reason"], result["exit_code"], result["signal"]) == ("signalled", None, 9)


def test_it_says_that_a_program_is_missing(station: Station) -> None:
    result, _ = station.perform("no-such-program", "x")
    assert (result["reason"], result["exit_code"], result["failed_step"]) == ("start_failed", 127, "program")
    assert result["error"] == "There is no program no-such-program, or the interpreter its first line names does not exist."


def test_it_says_that_a_directory_is_missing(station: Station) -> None:
    result, _ = station.perform("true", cwd="/no/such/place")
    assert (result["reason"], result["exit_code"]) == ("start_failed", 126)
    assert result["error"] == "The working directory /no/such/place does not exist."


def test_it_says_that_a_file_is_not_executable(station: Station, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("hello")
    result, _ = station.perform(str(tmp_path / "plain"), "x")
    assert (result["exit_code"], result["failed_step"]) == (126, "program")


def test_it_says_that_an_argument_is_impossible(station: Station) -> None:
    result, _ = station.perform("echo", "a\0b")
    assert (result["reason"], result["error"]) == ("start_failed", "The program echo cannot be started: embedded null byte.")


def test_it_measures_time_and_memory(station: Station) -> None:
    result, _ = station.perform("python3", "-c", "x = bytearray(60 << 20); sum(range(2_000_000))")
    assert result["peak_memory_kb"] > 60 << 10
    assert 0.01 < result["cpu_seconds"] <= result["duration"] * 2
    assert result["finished_at"] - (result["started_at"] or 0) == pytest.approx(result["duration"], abs=0.001)


def test_it_ends_when_the_task_does_and_not_when_its_pipe_does(station: Station) -> None:
    result, log = station.perform("sleep 600 & echo done")
    assert (result["exit_code"], log) == (0, b"done\n")


def test_it_writes_files_for_the_task_and_fills_in_their_folder(station: Station) -> None:
    _, log = station.perform("{dir}/hello", "world", files={"hello": "#!/bin/sh\necho hello $1 from $0\n"})
    assert log.startswith(b"hello world from /") and log.endswith(b"/hello\n")


def test_it_keeps_the_last_lines(station: Station) -> None:
    result, _ = station.perform("echo one; echo two; echo oops >&2; echo")
    assert result["last_error_line"] == "oops"
    assert station.perform("echo one; echo two")[0]["last_line"] == "two"
    assert station.perform("echo two; echo ::metric used=1")[0]["last_line"] == "two"
    assert station.perform("echo ::metric used=1")[0]["last_line"] == "::metric used=1"
