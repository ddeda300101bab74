"""Attempts in a process of their own, one at a time, from claim to result; never touches the database, knows no kinds."""

import fcntl
import json
import os
import signal
import time
from contextlib import suppress
from typing import NamedTuple, cast

from scheduler.execution import child, kernel, switching, tree
from scheduler.execution.output import Output
from scheduler.execution.protocol import START, VERSION, Result, Spec
from scheduler.execution.sockets import Doorbell
from scheduler.execution.watch import Watch, stop_word
from scheduler.failpoints import failpoint
from scheduler.runs.logformat import RESULT

SIGNALS = (signal.SIGTERM, signal.SIGCHLD)
UNFINISHED = "result.tmp"
RESERVED = 4096
MOST_FILES = os.sysconf("SC_OPEN_MAX")
LARGEST_PASSED = 64 * 1024  # bytes of a spec that a socket surely takes at once
FREE = b"!"
ESSENTIAL = ("reason", "exit_code", "signal", "stopped_with", "log_bytes", "log_lines", "log_cut", "log_error")

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class Host(NamedTuple):
    """Where supervisors live; found out once, by their runner."""

    identity: bytes  # the fields of a start file that are the same for every attempt
    daemon: Doorbell
    signals: int  # the descriptor of SIGNALS, which are blocked
    line: int  # the descriptor a supervisor hears its runner on; above it all is its own


def serve(first: Spec, host: Host, line: int) -> None:
    """Perform `first`, then what the runner says on `line`, one after the other until it hangs up; closes all above `line`."""
    spec = first
    while True:
        supervise(spec, host)
        os.closerange(line + 1, MOST_FILES)  # the lock of the attempt among them
        kernel.set_own("comm", b"run")
        try:
            os.write(line, FREE)
            body = os.read(line, LARGEST_PASSED)
        except OSError:  # the runner died
            return
        if not body:
            return
        spec = Spec.unpacked(body)


def supervise(spec: Spec, host: Host) -> None:
    """Perform an attempt and leave its result; does nothing when somebody else has claimed it."""
    kernel.set_own("comm", b"run %d/%d" % (spec.run_id, spec.attempt))
    attempt = Attempt(spec, host)
    if not attempt.claim():
        return
    try:
        attempt.perform()
    except BaseException:
        # Whatever went wrong here, no task goes on without a supervisor.
        tree.kill(os.getpid())
        raise
    failpoint("supervisor_before_poke")
    if spec.poke:
        # The daemon may be down; then it finds the result by itself.
        host.daemon.ring(b"%d/%d\n" % (spec.run_id, spec.attempt), patient=True)
    attempt.flush()


class Attempt:
    """The folder of an attempt and what happens in it, in the order of the methods."""

    def __init__(self, spec: Spec, host: Host) -> None:
        self._spec = spec
        self._host = host
        self._folder = _open_folder(spec.dir)
        self._start = self._result = -1
        self._started_at = time.time()
        self._began = time.monotonic()

    def claim(self) -> bool:
        """Be the one who starts this attempt; False when somebody was, or when a tombstone lies here."""
        failpoint("supervisor_before_start")
        try:
            self._start = self._create(START)
        except FileExistsError:
            return False
        failpoint("supervisor_after_start")
        # Waits, because whoever looks at the lock holds it for an instant.
        fcntl.flock(self._folder, fcntl.LOCK_EX)
        self._describe(None)
        return True

    def perform(self) -> None:
        """Start the task unless a stop came first, watch it to its end, write what it left."""
        self._result = self._create(UNFINISHED)
        os.posix_fallocate(self._result, 0, RESERVED)  # a disk that fills up meanwhile cannot swallow the outcome
        if stop_word(self._folder) is not None:
            self._write({"reason": "cancelled", "exit_code": None})
            return
        output = Output(self._spec, self._folder)
        try:
            failpoint("supervisor_before_fork")
            pid, failure = self._launch(output)
            failpoint("supervisor_after_fork")
        except child.NotStarted as refusal:
            self._write(child.describe_failure(self._spec, refusal.step, refusal.number, str(refusal)))
            return
        self._describe(pid)
        watch = Watch(self._spec, self._folder, output)
        watch.until_over(pid, self._host.signals, failure)
        failpoint("supervisor_before_result")
        self._write(output.finish() | self._outcome(watch) | Result(pid=pid), watch.ended)
        failpoint("supervisor_after_result")

    def _launch(self, output: Output) -> tuple[int, int | None]:
        """The pid of the child, and the pipe that tells whether its exec failed; None when it is known to have gone well."""
        try:
            _make_folder(self._spec.workspace)
            if self._spec.user:
                switching.hand_over(self._spec)
            else:
                self._write_files()
            stdout, stderr = output.pipes()
        except OSError as error:
            raise child.NotStarted("folder", error) from error
        try:
            return child.start(self._spec, stdout, stderr)
        finally:
            os.close(stdout)
            os.close(stderr)

    def _write_files(self) -> None:
        for name, text in self._spec.files.items():
            with open(self._create(os.path.basename(name), 0o700), "w") as file:
                file.write(text)

    def _outcome(self, watch: Watch) -> Result:
        if watch.failure:
            return child.decode_failure(self._spec, watch.failure)
        assert watch.status is not None  # it is over
        code = os.waitstatus_to_exitcode(watch.status)
        return {
            "reason": watch.stopped_for or ("signalled" if code < 0 else "exited"),
            "exit_code": code if code >= 0 else None,
            "signal": -code if code < 0 else None,
            "stopped_with": watch.stopped_with,
            "peak_memory_kb": watch.peak_memory_kb,
            "cpu_seconds": round(watch.cpu_seconds, 6),
            "left_behind": watch.left_behind,
            "unmet_limits": child.unmet_limits(self._spec),
        }

    def _write(self, left: Result, ended: float | None = None) -> None:
        """Make the result appear, whole, in one step."""
        duration = (ended or time.monotonic()) - self._began
        times: Result = {
            "version": VERSION,
            "started_at": self._started_at,
            "finished_at": self._started_at + duration,
            "duration": round(duration, 6),
        }
        try:
            self._fill(times | left)
        except OSError:
            self._fill(times | cast(Result, {key: value for key, value in left.items() if key in ESSENTIAL}))
        os.rename(UNFINISHED, RESULT, src_dir_fd=self._folder, dst_dir_fd=self._folder)

    def _fill(self, result: Result) -> None:
        body = json.dumps(result).encode()
        os.pwrite(self._result, body, 0)
        os.ftruncate(self._result, len(body))

    def flush(self) -> None:
        """Have the result outlast a power cut. Nobody waits for that: what a cut leaves of it before then says that it is lost.

        A disk that fails at it has failed the database as well, which says so.
        """
        if self._result >= 0:
            with suppress(OSError):
                os.fsync(self._result)

    def _describe(self, pid: int | None) -> None:
        # Of one length, so that the second writing covers the first.
        known = (os.getpid(), b"null" if pid is None else b"%d" % pid, self._started_at, self._host.identity)
        os.pwrite(self._start, b'{"supervisor": %d, "child": %-10b, "started_at": %f, %b}' % known, 0)

    def _create(self, name: str, mode: int = 0o600) -> int:
        return os.open(name, _CREATE, mode, dir_fd=self._folder)


def _open_folder(path: str) -> int:
    _make_folder(path.rpartition("/")[0])  # mostly it is a first attempt's, and lacks it too
    _make_folder(path)
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _make_folder(path: str) -> None:
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
    except FileNotFoundError:
        _make_folder(path.rpartition("/")[0])
        _make_folder(path)
