"""The process controls of Linux that the standard library lacks: prctl and signalfd; decides nothing."""

import ctypes
import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress

PDEATHSIG = 1
CHILD_SUBREAPER = 36
NO_NEW_PRIVS = 38

_SIGNAL_SET = ctypes.c_ulong * 16
_SIGNAL_RECORD = 128
_SYNC_FILE_RANGE_WRITE = 2

_libc = ctypes.CDLL(None)
_libc.prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong]
_libc.sigprocmask.argtypes = [ctypes.c_int, _SIGNAL_SET, ctypes.c_void_p]
_libc.sync_file_range.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
_libc.signalfd.argtypes = [ctypes.c_int, _SIGNAL_SET, ctypes.c_int]


def control(option: int, value: int) -> None:
    """Set one property of this process; the options above cannot fail on a kernel that has pidfd_open."""
    _libc.prctl(option, value, 0, 0, 0)


def block(numbers: Iterable[int]) -> None:
    """Hold back these signals, and no others, in this process and those it forks."""
    _libc.sigprocmask(signal.SIG_SETMASK.value, _signal_set(numbers), None)


def set_own(name: str, value: bytes) -> None:
    """Write a file of this process in /proc; where that is not allowed, things stay as they are."""
    set_of("self", name, value)


def set_of(process: int | str, name: str, value: bytes) -> None:
    """Write a file of another process in /proc; where that is not allowed, or it has ended, things stay as they are."""
    try:
        file = os.open(f"/proc/{process}/{name}", os.O_WRONLY)
        os.write(file, value)
        os.close(file)
    except OSError:
        return


def signal_file(numbers: Iterable[int]) -> int:
    """A descriptor that becomes readable when one of these blocked signals waits.

    Handlers would run in a forked child too, and write into the pipe it shares with its parent; this has no such moment.
    """
    descriptor: int = _libc.signalfd(-1, _signal_set(numbers), os.O_CLOEXEC | os.O_NONBLOCK)
    if descriptor < 0:
        raise OSError("the kernel gave no signal descriptor")
    return descriptor


def start_writeback(descriptor: int, offset: int, length: int) -> None:
    """Let the disk begin with a part of a file, without waiting, so that the fsync at the end is short."""
    _libc.sync_file_range(descriptor, offset, length, _SYNC_FILE_RANGE_WRITE)


def read_signals(descriptor: int) -> set[int]:
    """The signals that waited."""
    data = os.read(descriptor, 16 * _SIGNAL_RECORD)
    return {int.from_bytes(data[at : at + 4], sys.byteorder) for at in range(0, len(data), _SIGNAL_RECORD)}


def drain(descriptor: int) -> None:
    """Forget the signals that waited."""
    with suppress(BlockingIOError):
        read_signals(descriptor)


def _signal_set(numbers: Iterable[int]) -> "ctypes.Array[ctypes.c_ulong]":
    bits = 0
    for number in numbers:
        bits |= 1 << (number - 1)
    return _SIGNAL_SET(bits)
