"""Reading logs that the real sink wrote: pages, ends, gaps, searches, and what a hostile or unlucky task leaves."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from scheduler.execution.sink import Sink
from scheduler.runs.logformat import STDERR, STDOUT
from scheduler.runs.logs import Filters, Line, open_log

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Put output on disk: `write(b"out", (STDERR, b"err"), cap=…, done=…)`."""

    def write(*chunks: bytes | tuple[int, bytes], cap: int = 10 << 20, done: bool = True) -> Path:
        folder = os.open(tmp_path, os.O_RDONLY)
        sink = Sink(folder, cap)
        for chunk in chunks:
            sink.write(*((STDOUT, chunk) if isinstance(chunk, bytes) else chunk))
        index = sink.close()
        if done:
            result = {"log_bytes": sink.size, "log_lines": sink.lines, "index": index and [list(record) for record in index]}
            (tmp_path / "result").write_text(json.dumps(result))
        os.close(folder)
        return tmp_path

    return write


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """A supervisor at work, as far as a reader can tell."""
    lock = os.open(folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    yield
    os.close(lock)


def texts(lines: list[Line]) -> list[str]:
    return [line.text for line in lines]


def numbered(count: int) -> bytes:
    return b"".join(b"line %07d\n" % number for number in range(1, count + 1))


def pieces(data: bytes, length: int) -> list[bytes]:
    return [data[at : at + length] for at in range(0, len(data), length)]


def test_it_is_empty_when_nothing_was_printed(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        log = open_log(folder)
        assert (log.size, log.lines, log.read(1, 10), list(log.raw()), log.search("x").total) == (0, 0, [], [], 0)


def test_it_reads_lines_with_their_streams(write: Write) -> None:
    log = open_log(write(b"one\ntwo\n", (STDERR, b"oops\n"), b"three"))
    assert [(line.number, line.stream, line.text) for line in log.read(1, 10)] == [
        (1, "stdout", "one"),
        (2, "stdout", "two"),
        (3, "stderr", "oops"),
        (4, "stdout", "three"),
    ]
    assert (log.lines, log.complete) == (4, True)


def test_it_ends_a_line_where_the_other_stream_begins(write: Write) -> None:
    log = open_log(write(b"half", (STDERR, b"oops"), b"other half\n", b"end"))
    assert texts(log.read(1, 10)) == ["half", "oops", "other half", "end"]


def test_it_joins_a_line_that_came_in_pieces(write: Write) -> None:
    log = open_log(write(b"a", b"b\nc", b"d", b"\n"))
    assert texts(log.read(1, 10)) == ["ab", "cd"]


@pytest.mark.parametrize("first", [1, 2, 777, 99_999, 100_000])
def test_it_reads_any_page_of_a_long_log(write: Write, first: int) -> None:
    log = open_log(write(*pieces(numbered(100_000), 65_536)))
    page = log.read(first, 3)
    assert texts(page) == [f"line {number:07d}" for number in range(first, min(first + 3, 100_001))]
    assert [line.number for line in page] == list(range(first, min(first + 3, 100_001)))


def test_it_reads_the_end(write: Write) -> None:
    log = open_log(write(*pieces(numbered(5000), 1000)))
    assert texts(log.tail(2)) == ["line 0004999", "line 0005000"]
    assert len(log.tail(9999)) == 5000


def test_it_gives_the_exact_bytes(write: Write) -> None:
    printed = os.urandom(300_000)
    assert b"".join(open_log(write(*pieces(printed, 65_536))).raw()) == printed


def test_it_reads_along_while_the_task_runs(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    sink = Sink(folder, 1 << 20)
    with held(tmp_path):
        sink.write(STDOUT, b"one\ntw")
        sink.flush()
        first = open_log(tmp_path).read(1, 10)
        sink.write(STDOUT, b"o\nthree\n")
        assert texts(open_log(tmp_path).read(1, 10)) == ["one", "tw"]  # the index is not written yet
        sink.flush()
        log = open_log(tmp_path)
        assert [(line.text, line.unfinished) for line in first] == [("one", False), ("tw", True)]
        assert [(line.number, line.text) for line in log.after(1, 10)] == [(2, "two"), (3, "three")]
        assert not log.complete
    sink.close()
    os.close(folder)


def test_it_shows_what_a_dead_supervisor_wrote_last(write: Write) -> None:
    folder = write(b"one\n", done=False)
    with open(folder / "output.log", "ab") as file:
        file.write(b"two\nthr")
    log = open_log(folder)
    assert (texts(log.read(1, 10)), log.lines, log.complete) == (["one", "two", "thr"], 3, False)


def test_it_keeps_both_ends_and_marks_the_gap(write: Write) -> None:
    log = open_log(write(*pieces(numbered(100_000), 4096), cap=200_000))
    head, end = log.read(1, 3), log.tail(2)
    gap = next(line for line in log.read(1, 100_000) if line.stream == "gap")
    behind = log.read(gap.number, 2)[1]
    assert texts(head) == ["line 0000001", "line 0000002", "line 0000003"]
    assert texts(end) == ["line 0099999", "line 0100000"]
    assert (log.size, log.lines) == (1_300_000, 100_000)
    assert log.dropped.lines == behind.number - gap.number
    assert gap.text == f"[... {log.dropped.bytes} bytes were not kept ...]"
    assert log.dropped.bytes > 1_000_000


def test_it_numbers_the_lines_behind_a_gap_truly(write: Write) -> None:
    log = open_log(write(*pieces(numbered(100_000), 4096), cap=200_000))
    whole = [line for line in log.tail(2000) if line.stream != "gap" and line.text.startswith("line ") and len(line.text) == 12]
    assert len(whole) > 1000
    assert all(int(line.text[5:]) == line.number for line in whole)


def test_it_marks_the_gap_in_the_bytes(write: Write) -> None:
    log = open_log(write(*pieces(numbered(100_000), 4096), cap=200_000))
    raw = b"".join(log.raw())
    assert raw.count(b"bytes were not kept") == 1
    assert raw.startswith(b"line 0000001\n") and raw.endswith(b"line 0100000\n")
    assert len(raw) == log.size - log.dropped.bytes + len(f"\n[... {log.dropped.bytes} bytes were not kept ...]\n")


def test_it_survives_a_capped_log_without_any_newline(write: Write) -> None:
    log = open_log(write(*pieces(b"x" * 2_000_000, 65_536), cap=200_000))
    assert [line.stream for line in log.read(1, 10)] == ["stdout", "gap"]
    assert (log.size, log.lines) == (2_000_000, 1)


def test_it_shows_the_beginning_of_a_huge_line(write: Write) -> None:
    log = open_log(write(*pieces("汉".encode() * 100_000, 65_536), b"\nnext\n"))
    line, following = log.read(1, 10)
    assert (set(line.text), line.cut, len(line.text.encode()) > 8000) == ({"汉"}, True, True)
    assert (following.number, following.text) == (2, "next")


def test_it_shows_the_last_state_of_a_progress_bar(write: Write) -> None:
    bar = b"".join(b"%d%%\r" % (number % 101) for number in range(200_000))
    log = open_log(write(b"10%\r20%\r30%\n", *pieces(bar + b"done\n", 65_536), b"windows\r\n"))
    assert texts(log.read(1, 10)) == ["30%", "done", "windows"]


def test_it_replaces_what_is_no_utf8(write: Write) -> None:
    log = open_log(write(b"\xd6\xd0\xce\xc4 \xff\n", "…é\n".encode()[:2], "…é\n".encode()[2:]))
    assert texts(log.read(1, 10))[1] == "…é"
    assert "\ufffd" in log.read(1, 1)[0].text


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("2026-03-02 12:00:00 ERROR no disk", "ERROR"),
        ("[CRITICAL] x", "ERROR"),
        ("WARNING: x", "WARN"),
        ("npm warn: x", "WARN"),
        ("level=info msg=x", "INFO"),
        ("\x1b[31mERROR\x1b[0m x", "ERROR"),
        ("error: x", "ERROR"),
        ("DEBUG x", "DEBUG"),
        ("no error was found", None),
        ("INFORMATION", None),
        ("x" * 80 + " ERROR", None),
    ],
)
def test_it_reads_the_level_from_the_text(write: Write, text: str, level: str | None) -> None:
    assert open_log(write(text.encode())).read(1, 1)[0].level == level


def test_it_finds_lines_in_any_case(write: Write) -> None:
    log = open_log(write(*pieces(numbered(50_000) + b"The Needle needle\n" + numbered(10) + b"NEEDLE", 65_536)))
    matches = log.search("needle")
    assert (matches.total, matches.numbers, matches.truncated) == (2, (50_001, 50_012), False)


def test_it_counts_more_lines_than_it_names(write: Write) -> None:
    matches = open_log(write(*pieces(numbered(3000), 1000))).search("LINE")
    assert (matches.total, len(matches.numbers), matches.numbers[:3]) == (3000, 1000, (1, 2, 3))


def test_it_searches_one_stream_or_level(write: Write) -> None:
    log = open_log(write(b"ERROR a\nok a\n", (STDERR, b"ERROR b\nWARN a\n"), b"ERROR c"))
    assert log.search("a", Filters(stream="stderr")).numbers == (4,)
    assert log.search("", Filters(level="ERROR")).numbers == (1, 3, 5)
    assert log.search("", Filters(level="warning", stream="stderr")).numbers == (4,)
    assert log.search("", Filters(stream="stderr")).numbers == (3, 4)


def test_it_searches_a_span_of_time(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(1_000_000_000, 10**12, 1_000_000_000))
    monkeypatch.setattr("scheduler.execution.sink.time.time_ns", lambda: next(times))
    log = open_log(write(b"a 1\n", b"a 2\n", b"a 3\n"))
    second = log.read(2, 1)[0].at
    assert second is not None
    assert log.search("a", Filters(since=second)).numbers == (2, 3)
    assert log.search("", Filters(since=second, until=second + timedelta(milliseconds=1))).numbers == (2,)


def test_it_finds_what_a_chunk_border_cuts(write: Write) -> None:
    printed = b"." * (256 * 1024 - 3) + b"needle\n"
    assert open_log(write(*pieces(printed, 65_536))).search("needle").numbers == (1,)


def test_it_counts_a_line_once_across_chunks(write: Write) -> None:
    printed = b"needle" + b"." * (256 * 1024) + b"needle\nneedle"
    assert open_log(write(*pieces(printed, 65_536))).search("needle").numbers == (1, 2)


def test_it_does_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("root:x:0:0\n")
    (tmp_path / "output.log").symlink_to(tmp_path / "secret")
    log = open_log(tmp_path)
    assert (log.lines, list(log.raw())) == (0, [])


def test_it_reads_a_page_of_a_100_mb_log_at_once(write: Write) -> None:
    line = b"0123456789" * 9 + b"123456789\n"
    folder = write(*pieces(line * 1_000_000, 65_536), cap=300 << 20)
    before = time.perf_counter()
    with open_log(folder) as log:
        page = log.read(654_321, 100)
    assert (len(page), page[0].number) == (100, 654_321)
    assert time.perf_counter() - before < 0.25  # 10 ms on an idle machine
