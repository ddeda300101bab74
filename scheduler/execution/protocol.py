"""What server, runner and supervisor agree on: the spec of an attempt and the files of its folder; starts no process."""

import fcntl
import json
import marshal
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypedDict, cast

from scheduler.runs.logformat import RESULT

VERSION = 1
START = "start"
STOP = "stop"
PROGRESS = "progress"
RUNNER_SOCKET = "run/runner.sock"
RUNNER_LOCK = "run/runner.lock"
DAEMON_SOCKET = "run/daemon.sock"

LIMITS = ("cpu_seconds", "memory_mb", "processes", "open_files", "file_size_mb")

# A start file is made an instant before its supervisor holds the lock; the doubt is the supervisor's for this long.
YOUNG = 1.0


class Spec(NamedTuple):
    """Everything a supervisor needs to perform one attempt; it crosses the runner's socket and is never written down."""

    run_id: int
    attempt: int
    dir: str
    workspace: str
    argv: list[str]  # an argument that begins with "{dir}/" is a path in the attempt's folder
    env: Mapping[str, str]  # the whole environment, nothing is added
    cwd: str | None = None  # None: the workspace
    files: Mapping[str, str] = {}  # written into the attempt's folder, executable
    timeout: float | None = None
    grace: float = 10.0
    log_max_bytes: int = 104857600
    masks: Sequence[str] = ()
    limits: Mapping[str, int] = {}  # by the names in LIMITS
    nice: int = 0
    user: Sequence[int] = ()  # uid, gid, further groups; empty: whoever we are
    lasting: bool = False  # likely to go on for long: worth a new supervisor, which takes less memory
    poke: bool = True
    version: int = VERSION

    @property
    def place(self) -> str:
        """Where its files lie: the attempt's folder, which another user cannot enter, or a folder in the workspace."""
        return f"{self.workspace}/.attempt-{self.attempt}" if self.user else self.dir

    def packed(self) -> bytes:
        """The spec for a process of the same Python, which need not check it again."""
        return marshal.dumps(cast(Any, tuple(self)))

    @classmethod
    def unpacked(cls, body: bytes) -> "Spec":
        """The spec that was packed."""
        return cls._make(marshal.loads(body))

    @classmethod
    def decode(cls, body: bytes) -> "Spec":
        """The spec in a frame; ValueError when it is none, or of another version."""
        content = json.loads(body)
        if not isinstance(content, dict) or content.get("version") != VERSION:
            raise ValueError(f"this runner understands version {VERSION}")
        try:
            spec = cls(**content)
        except TypeError as error:
            raise ValueError(str(error)) from error
        if not set(spec.limits) <= set(LIMITS):
            raise ValueError(f"the limits are {', '.join(LIMITS)}")
        if not (spec.argv and os.path.isabs(spec.dir) and os.path.isabs(spec.workspace)):
            raise ValueError("a spec has a program, and absolute paths for its folder and workspace")
        return spec


class Progress(TypedDict):
    """How far a task says it is."""

    percent: float
    text: str


class Result(TypedDict, total=False):
    """What an attempt left. `reason` is exited, signalled, timeout, cancelled or start_failed."""

    version: int
    pid: int
    reason: str
    exit_code: int | None
    signal: int | None
    error: str | None  # why it could not start, an English sentence
    error_text: str  # … as in the catalogue, with its places
    error_params: dict[str, str]
    failed_step: str | None  # … in one word: folder, session, limits, priority, directory, program
    errno: int | None
    stopped_with: str | None  # TERM or KILL, when we ended it
    started_at: float | None
    finished_at: float
    duration: float
    peak_memory_kb: int
    cpu_seconds: float
    log_bytes: int
    log_lines: int
    log_cut: bool
    log_error: str | None
    last_line: str
    last_error_line: str
    progress: Progress | None
    summary: str | None
    metrics: dict[str, float]
    left_behind: int  # processes that went on when the task itself had ended, and were ended
    unmet_limits: dict[str, int | None]  # which could not be had, and what holds instead; None: nothing does
    index: list[list[int]] | None


class Start(TypedDict, total=False):
    """Who performs an attempt; empty while it is being written, `tombstone` when nobody ever will."""

    supervisor: int
    child: int | None
    started_at: float
    boot_id: str
    host: str
    tombstone: bool


class State(Enum):
    """What the folder of an attempt tells about it."""

    FINISHED = "finished"
    ALIVE = "alive"
    LOST = "lost"
    UNSTARTED = "unstarted"


@cache
def boot_id() -> str:
    """Which start of this machine we live in."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def probe(folder: Path) -> State:
    """Tell how an attempt is doing from its folder alone: a result, a held lock, a start without either, or nothing."""
    if (folder / RESULT).exists():
        return State.FINISHED
    start = read_start(folder)
    if start is not None and start.get("boot_id", boot_id()) == boot_id() and is_locked(folder):
        return State.ALIVE
    # It may have finished between the first look and the test of the lock.
    if (folder / RESULT).exists():
        return State.FINISHED
    if start is None or start.get("tombstone"):
        return State.UNSTARTED
    return State.ALIVE if _is_young(folder / START) else State.LOST


def fence(folder: Path) -> bool:
    """Make sure an unstarted attempt never starts; False when a supervisor was first."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tombstone = Start(tombstone=True, boot_id=boot_id(), host=os.uname().nodename)
    try:
        descriptor = os.open(folder / START, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return bool((read_start(folder) or {}).get("tombstone"))
    with open(descriptor, "w") as file:
        json.dump(tombstone, file)
    return True


def request_stop(folder: Path, force: bool = False) -> None:
    """Ask the supervisor to stop, with `force` at once and without grace; asking again changes nothing."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / STOP).write_text("kill\n" if force else "stop\n")
    supervisor = (read_start(folder) or {}).get("supervisor")
    if supervisor is None:
        return
    with suppress(ProcessLookupError), _pidfd(supervisor) as process:
        # Only while the lock is held is that number surely still the supervisor's.
        if is_locked(folder):
            signal.pidfd_send_signal(process, signal.SIGTERM)


def read_result(folder: Path | str) -> Result | None:
    """What the attempt left, or None while it has not finished."""
    return cast("Result | None", _read(folder, RESULT))


def read_start(folder: Path) -> Start | None:
    """Who performs the attempt, or None when nobody has started."""
    return cast("Start | None", _read(folder, START))


def read_progress(folder: Path) -> Progress | None:
    """The last progress a running attempt reported: `percent` and `text`."""
    return cast("Progress | None", _read(folder, PROGRESS))


def is_locked(folder: Path) -> bool:
    """Whether a supervisor lives in this folder."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _read(folder: Path | str, name: str) -> Any:
    try:
        with open(f"{folder}/{name}", "rb", buffering=0) as file:
            return json.loads(file.readall())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:
        return {}


def _is_young(path: Path) -> bool:
    with suppress(FileNotFoundError):
        return 0 <= time.time() - path.stat().st_mtime < YOUNG
    return False


@contextmanager
def _pidfd(pid: int) -> Iterator[int]:
    descriptor = os.pidfd_open(pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
