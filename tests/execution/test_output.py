"""What a task prints: kept byte for byte, masked, capped, listened to."""

import json
import os
from pathlib import Path

import pytest

from scheduler.execution.protocol import read_progress
from tests.execution.conftest import PATH, Station, finished, log_of
from tests.waiting import until

pytestmark = pytest.mark.slow


def test_it_keeps_binary_output_byte_for_byte(station: Station, tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(noise := os.urandom(1_000_000))
    result, log = station.perform("cat", str(tmp_path / "noise"))
    assert log == noise
    assert (result["log_bytes"], result["log_cut"]) == (1_000_000, False)


def test_it_makes_no_file_for_no_output(station: Station) -> None:
    folder = station.start(":")
    finished(folder)
    assert sorted(os.listdir(folder)) == ["result", "start"]


def test_it_keeps_the_index_of_a_small_log_in_the_result(station: Station) -> None:
    folder = station.start("echo one; echo two >&2; echo three")
    result = finished(folder)
    assert sorted(os.listdir(folder)) == ["output.log", "result", "start"]
    assert result["log_lines"] == 3
    assert len(result["index"] or []) >= 2


def test_it_keeps_all_that_is_printed_at_the_very_end(station: Station) -> None:
    result, log = station.perform("head -c 200000 /dev/zero | tr '\\0' x")
    assert (len(log), result["log_lines"]) == (200_000, 1)


def test_it_keeps_both_ends_of_a_log_beyond_the_cap(station: Station) -> None:
    cap = 1 << 20
    folder = station.start("seq -f '%08.0f' 1 600000", log_max_bytes=cap)
    result = finished(folder)
    tails = sorted(folder.glob("output.tail.*.log"), key=lambda path: int(path.name.split(".")[2]))
    assert (result["log_bytes"], result["log_lines"], result["log_cut"]) == (5_400_000, 600_000, True)
    assert log_of(folder).startswith(b"00000001\n00000002\n")
    assert tails[-1].read_bytes().endswith(b"00600000\n")
    assert cap * 0.8 < sum(path.stat().st_size for path in folder.glob("output.*")) <= cap


def test_it_masks_secrets_also_across_chunks(station: Station) -> None:
    code = "import os, time\nfor part in ('a hun', 'ter2 b hunt', 'er hu'): os.write(1, part.encode()); time.sleep(0.03)"
    result, log = station.perform("python3", "-c", code, masks=["hunter2", "hu"])
    assert log == b"a ******** b ********nter ********"
    assert result["last_line"] == log.decode()


def test_it_masks_the_longer_of_two_secrets_that_begin_alike(station: Station) -> None:
    _, log = station.perform("printf abc; sleep 0.05; printf 'def abc'", masks=["abc", "abcdef"])
    assert log == b"******** ********"


def test_it_never_writes_a_secret_down(station: Station) -> None:
    secret = "corr3ct-h0rse"
    command = "echo $KEY; echo ::summary $KEY; tr '\\0' ' ' < /proc/$PPID/cmdline"
    folder = station.start(command, masks=[secret], env={"PATH": PATH, "KEY": secret})
    finished(folder)
    found = [path for path in station.instance.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert found == []


def test_it_hears_what_is_printed_for_the_scheduler(station: Station) -> None:
    result, _ = station.perform(
        "echo ::progress 65 loading rows; echo ' ::summary no'; echo ::summary 1000 rows copied;"
        "echo ::metric rows=1000 seconds=1.5 bad=x; printf '::progress 130%% done'"
    )
    assert result["progress"] == {"percent": 100.0, "text": "done"}
    assert result["summary"] == "1000 rows copied"
    assert result["metrics"] == {"rows": 1000.0, "seconds": 1.5}


def test_it_hears_a_marker_cut_into_pieces(station: Station) -> None:
    result, _ = station.perform("printf 'x\\n:'; sleep 0.03; printf ':sum'; sleep 0.03; echo 'mary in pieces'")
    assert result["summary"] == "in pieces"


def test_it_shows_progress_while_the_task_runs(station: Station) -> None:
    folder = station.start("echo ::progress 10 begun; sleep 600")
    until(lambda: read_progress(folder) == {"percent": 10.0, "text": "begun"})
    os.kill(json.loads((folder / "start").read_text())["child"], 9)
    assert finished(folder)["progress"] == {"percent": 10.0, "text": "begun"}


def test_it_lets_a_task_go_on_when_the_disk_is_full(station: Station, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    if os.system(f"mount -t tmpfs -o size=256k tmpfs {folder} 2>/dev/null"):
        pytest.skip("no right to mount a small file system")
    try:
        spec = station.spec("head -c 3000000 /dev/zero; echo; echo still here >&2; exit 4", dir=str(folder / "1"))
        station.submit(spec)
        result = finished(Path(spec.dir))
    finally:
        os.system(f"umount {folder}")
    assert (result["exit_code"], result["log_error"], result["log_cut"]) == (4, "No space left on device", True)
    assert result["last_error_line"] == "still here"
