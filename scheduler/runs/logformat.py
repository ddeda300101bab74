"""How an attempt's log lies in its folder: file names and the index record, shared by writer and reader; no input or output."""

import re
from struct import Struct
from typing import NamedTuple

RESULT = "result"
DATA = "output.log"
INDEX = "output.idx"

END, STDOUT, STDERR = 0, 1, 2
STREAMS = {STDOUT: "stdout", STDERR: "stderr"}


class Record(NamedTuple):
    """From `offset` on, bytes of `stream` that arrived at `time`; the first one belongs to line `line`.

    `continues` is 1 when that line began before `offset`. The last record of an index file has the stream END: it says where
    the output ended when the index was written, which line comes next, and (`continues`) whether that line has begun.
    """

    offset: int
    time: int  # microseconds since the epoch
    line: int  # counted from 1
    stream: int
    continues: int


RECORD = Struct("<QQQBB6x")

_TAIL = re.compile(r"output\.tail\.(\d+)\.log")


def tail_names(offset: int) -> tuple[str, str]:
    """The data and index names of the tail segment that begins at `offset` of the output."""
    return f"output.tail.{offset}.log", f"output.tail.{offset}.idx"


def tail_offset(name: str) -> int | None:
    """Where the tail segment kept in file `name` begins, or None when `name` is something else."""
    found = _TAIL.fullmatch(name)
    return int(found[1]) if found else None
