"""The process controls of Linux that the standard library lacks: prctl and signalfd; decides nothing."""

import ctypes
import os
import signal
import sys
from collections.abc import Iterable

PDEATHSIG = 1
CHILD_SUBREAPER = 36
NO_NEW_PRIVS = 38
CAP_AMBIENT, CLEAR_ALL = 47, 4

_SIGNAL_SET = ctypes.c_ulong * 16
_SIGNAL_RECORD = 128
_NUMBER_AT = 0 if sys.byteorder == "little" else 3  # of four bytes, the one that is not 0
_SYNC_FILE_RANGE_WRITE = 2

_libc = ctypes.CDLL(None)
_libc.prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong]
_libc.sigprocmask.argtypes = [ctypes.c_int, _SIGNAL_SET, ctypes.c_void_p]
_libc.sync_file_range.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
_libc.signalfd.argtypes = [ctypes.c_int, _SIGNAL_SET, ctypes.c_int]
_prctl = _libc.prctl  # found once: a supervisor would copy each page the search touches


def control(option: int, value: int) -> None:
    """Set one property of this process; the options above cannot fail on a kernel that has pidfd_open."""
    _prctl(option, value, 0, 0, 0)


def block(numbers: Iterable[int]) -> None:
    """Hold back these signals, and no others, in this process and those it forks."""
    _libc.sigprocmask(signal.SIG_SETMASK.value, _signal_set(numbers), None)


def get_own(name: str) -> bytes:
    """What a file of this process in /proc says."""
    file = os.open(f"/proc/self/{name}", os.O_RDONLY)
    try:
        return os.read(file, 4096)
    finally:
        os.close(file)


def set_own(name: str, value: bytes) -> None:
    """Write a file of this process in /proc; where that is not allowed, things stay as they are."""
    try:
        file = os.open(f"/proc/self/{name}", os.O_WRONLY)
        os.write(file, value)
        os.close(file)
    except OSError:
        return


def signal_file(numbers: Iterable[int]) -> int:
    """A descriptor that becomes readable when one of these blocked signals waits.

    Handlers would run in a forked child too, and write into the pipe it shares with its parent; this has no such moment: whoever
    reads gets the signals of its own.
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
    return set(os.read(descriptor, 16 * _SIGNAL_RECORD)[_NUMBER_AT::_SIGNAL_RECORD])


def _signal_set(numbers: Iterable[int]) -> "ctypes.Array[ctypes.c_ulong]":
    bits = 0
    for number in numbers:
        bits |= 1 << (number - 1)
    return _SIGNAL_SET(bits)
