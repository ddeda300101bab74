"""The engine's own log, `logs/sys.log` and the console: one format, a file a day, shared by processes; says nothing itself."""

import errno
import fcntl
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

SHAPE = "%(asctime)s - %(levelname)s - %(name)s - %(message)s"  # as document 001 has it
TIMES = "%Y-%m-%d %H:%M:%S"
NAME = "sys.log"

_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def begin(folder: Path, days: int) -> None:
    """Write what every part of this process says to the console and to `folder/sys.log`; `days` old files are kept."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    logging.raiseExceptions = False  # a console that nobody reads any more, or a full disk, is no reason to say even more
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False  # none of it is said, each costs its search
    lines = Lines()
    root = logging.getLogger()
    for handler in (logging.StreamHandler(), Daily(folder / NAME, days)):
        handler.setFormatter(lines)
        root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name in ("apscheduler", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


class Lines(logging.Formatter):
    """One line for each thing said: what somebody named a task cannot look like another line; a traceback is indented.

    Console and file get the same text, which is made once; two lines stand in it for every run.
    """

    def __init__(self) -> None:
        super().__init__(SHAPE, TIMES)
        self._second = (-1, "")  # the last one that was named, and its name

    def format(self, record: logging.LogRecord) -> str:
        known: str | None = getattr(record, "as_line", None)
        if known is None:
            known = record.as_line = super().format(record)
        return known

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        second, name = self._second
        if second != int(record.created):
            name = super().formatTime(record, datefmt)
            self._second = (int(record.created), name)
        return name

    def formatMessage(self, record: logging.LogRecord) -> str:
        return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], super().formatMessage(record))

    def formatException(self, ei: "logging._SysExcInfoType") -> str:
        return "\n".join(f"    {line}" for line in super().formatException(ei).splitlines())


class Daily(logging.Handler):
    """Appends whole records to a file that several processes share; the first to write on a new day puts the old one aside."""

    def __init__(self, path: Path, days: int) -> None:
        super().__init__()
        self._path = path
        self._days = days
        self._file = -1
        self._inode = 0
        self._day = date.min
        self._lost = 0
        self._torn = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; on a full disk it is lost, and counted. Whoever logs must not notice."""
        try:
            self._turn_to(date.fromtimestamp(record.created))
            if self._lost:
                lost = logging.LogRecord(
                    "SchedulerEngine", logging.WARNING, "", 0, "event=log_lost lines=%s", (self._lost,), None
                )
                self._append(self.format(lost))
                self._lost = 0
            self._append(self.format(record))
        except OSError:
            self._lost += 1

    def close(self) -> None:
        self._shut()
        super().close()

    def _append(self, text: str) -> None:
        # In one call, so that what two processes say at once does not mix. A part of a line is none; the next begins anew.
        data = ("\n" if self._torn else "").encode() + f"{text}\n".encode("utf-8", "replace")
        written = os.write(self._file, data)
        self._torn = written < len(data)
        if self._torn:
            raise OSError(errno.ENOSPC, "only a part fitted")

    def _turn_to(self, today: date) -> None:
        """Have the file of `today` open: another process may have put ours aside meanwhile."""
        if self._file >= 0 and self._day == today and self._is_ours():
            return
        self._shut()
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._alone():
            with suppress(FileNotFoundError):
                written = date.fromtimestamp(self._path.stat().st_mtime)
                if written < today:
                    os.rename(self._path, self._path.with_name(f"{NAME}.{written.isoformat()}"))
                    self._forget()
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._inode, self._day = os.fstat(self._file).st_ino, today

    def _is_ours(self) -> bool:
        try:
            return os.stat(self._path).st_ino == self._inode
        except FileNotFoundError:
            return False

    def _forget(self) -> None:
        """Remove the oldest files, beyond as many days as are kept."""
        old = sorted(path for path in self._path.parent.glob(f"{NAME}.*") if _DAY.fullmatch(path.name.removeprefix(f"{NAME}.")))
        for path in old[: max(len(old) - self._days, 0)]:
            path.unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _shut(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
