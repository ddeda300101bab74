"""What an error of the disk or the database means: full, read-only, busy, gone; said once, whoever met it. Mends nothing."""

import errno
import os
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from scheduler.errors import N_, StorageBusy, StorageFull, StorageGone, StorageReadOnly, Unavailable

LEAST_ROOM = 2 * 1024 * 1024  # bytes; with less nothing new is begun, so that what runs can still leave its result
PATIENCE = 10  # seconds a writer waits for another one's lock
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})

_DISK_FULL, _READ_ONLY = "53100", "25006"  # PostgreSQL's codes
_LOCKED = ("55P03", "57014")  # … of a wait for a lock, or for anything, that took too long
_GONE = ("08", "57P", "53")  # … and the beginnings of those that say it cannot serve anybody now


def of_database(error: BaseException, lost: bool = False, folder: Path | None = None) -> Unavailable | None:
    """What a driver's error says about the database; None when it is about the statement.

    `lost` is whether the connection is; `folder` is where a database of files has them.
    """
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(getattr(error, "sqlite_errorcode", 0) & 0xFF, folder)
    state = getattr(error, "sqlstate", None) or ""
    if state == _DISK_FULL:
        return full()
    if state == _READ_ONLY:
        return read_only()
    if state in _LOCKED:
        return busy()
    return gone() if lost or state.startswith(_GONE) else None


def of_file(error: OSError) -> Unavailable | None:
    """What an error of a file says about the disk; None when it is about the file."""
    if error.errno in NO_ROOM:
        return full()
    return read_only() if error.errno == errno.EROFS else None


def full() -> StorageFull:
    """There is no room."""
    text = N_(
        "The disk is full, so nothing was saved. Free some room on it: what runs goes on, the scheduler recovers by itself."
    )
    return StorageFull.because(text)


def read_only() -> StorageReadOnly:
    """There is no writing."""
    text = N_("The storage is read-only, so nothing was saved. Once it can be written again the scheduler recovers by itself.")
    return StorageReadOnly.because(text)


def busy() -> StorageBusy:
    """Somebody else writes, and does not come to an end."""
    return StorageBusy.because(N_("The database is busy with another write, so nothing was saved. Try again in a moment."))


def gone() -> StorageGone:
    """Nobody answers; the driver's own words may hold addresses and are for the log alone."""
    return StorageGone.because(N_("The database cannot be reached. Try again in a moment; the scheduler recovers by itself."))


def room(folder: Path) -> int:
    """The bytes left on the disk of `folder` for this process; none when it has no inode left."""
    disk = os.statvfs(folder)
    if disk.f_files and not disk.f_ffree:
        return 0
    return disk.f_frsize * (disk.f_bfree if os.geteuid() == 0 else disk.f_bavail)


def condition(folder: Path) -> str:
    """What keeps `folder` from being written to, in one word: `read-only`, `full`, `missing`, or nothing."""
    try:
        os.utime(folder)  # a disk that failed may say it is writable, and is not
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return "full" if error.errno in NO_ROOM else "read-only"
    return "full" if room(folder) < LEAST_ROOM else ""


def refuse_unwritable(folder: Path) -> None:
    """`StorageReadOnly` when no file can be made in `folder`; a full disk is no reason not to start, for reading goes on."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for inner in (folder, folder / "run", folder / "logs"):
            if inner.exists():
                tempfile.TemporaryFile(dir=inner).close()
    except OSError as error:
        if error.errno in NO_ROOM:
            return
        text = N_("The folder %(folder)s cannot be written to (%(why)s).")
        raise StorageReadOnly.because(text, folder=str(folder), why=error.strerror) from error


def _of_sqlite(code: int, folder: Path | None) -> Unavailable | None:
    known: Any = {
        sqlite3.SQLITE_FULL: full,
        sqlite3.SQLITE_READONLY: read_only,
        sqlite3.SQLITE_BUSY: busy,
        sqlite3.SQLITE_LOCKED: busy,
    }
    if code in known:
        found: Unavailable = known[code]()
        return found
    if code not in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        return None
    state = condition(folder) if folder else ""
    return {"full": full, "read-only": read_only}.get(state, gone)()
