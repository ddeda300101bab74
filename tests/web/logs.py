"""What tests of run pages share: a log on disk where the real sink puts it, and a supervisor that seems to live."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scheduler.config import settings
from scheduler.execution.sink import Sink
from scheduler.runs.folders import attempt_folder
from scheduler.runs.logformat import STDOUT
from scheduler.runs.models import Run

Chunk = bytes | tuple[int, bytes]


def folder_of(run: Run, number: int = 1) -> Path:
    folder = attempt_folder(settings().instance, run.id, number)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_log(run: Run, *chunks: Chunk, number: int = 1, cap: int = 10 << 20) -> None:
    """The finished log of an attempt: bytes are standard output, pairs name their stream."""
    folder = folder_of(run, number)
    descriptor = os.open(folder, os.O_RDONLY)
    sink = Sink(descriptor, cap)
    for chunk in chunks:
        sink.write(*((STDOUT, chunk) if isinstance(chunk, bytes) else chunk))
    index = sink.close()
    result = {"log_bytes": sink.size, "log_lines": sink.lines, "index": index and [list(record) for record in index]}
    (folder / "result").write_text(json.dumps(result))
    os.close(descriptor)


@contextmanager
def growing(run: Run, number: int = 1) -> Iterator[Sink]:
    """The log of an attempt that goes on: write to it and flush it."""
    descriptor = os.open(folder_of(run, number), os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    sink = Sink(descriptor, 10 << 20)
    yield sink
    sink.close()
    os.close(descriptor)


def numbered(count: int) -> bytes:
    return b"".join(b"line %07d\n" % number for number in range(1, count + 1))
