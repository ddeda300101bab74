"""The small process that finds a supervisor for each spec it is handed; it reads no task, keeps no state, and may die."""

import fcntl
import json
import math
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from scheduler.execution import kernel, sockets, tree
from scheduler.execution.crew import Crew
from scheduler.execution.nursery import Nursery
from scheduler.execution.protocol import DAEMON_SOCKET, RUNNER_LOCK, RUNNER_SOCKET, Spec, boot_id
from scheduler.execution.supervisor import SIGNALS, Host
from scheduler.failpoints import failpoint

LOCK_PATIENCE = 5.0
SWEEP_PAUSE = 0.05
ACCEPTED = sockets.frame({"ok": True})
HEARD = (*SIGNALS, signal.SIGINT)
LARGEST_BACKLOG = 1024 * 1024


def main(instance: str, lifeline: bool) -> None:
    """Serve an instance until SIGTERM, or with `lifeline` until standard input ends."""
    _prepare_process()
    folder = Path(instance)
    daemon, signals = sockets.Doorbell(folder / DAEMON_SOCKET), kernel.signal_file(SIGNALS)  # first: supervisors keep none above
    if not _take_lock(folder / RUNNER_LOCK):
        sys.exit(f"Another runner serves {instance}.")
    identity = json.dumps({"boot_id": boot_id(), "host": os.uname().nodename})[1:-1].encode()
    host = Host(identity, daemon, signals, max(daemon.highest, signals) + 1)
    listened_to = _take_lifeline() if lifeline else None
    Runner(folder / RUNNER_SOCKET, Nursery(folder, host), listened_to).serve()


class Runner:
    """Listens for specs, has them performed, reaps. One process, one thread, never waiting for anyone."""

    def __init__(self, path: Path, nursery: Nursery, lifeline: int | None) -> None:
        self._path = path
        self._crew = Crew(nursery)
        self._listener = sockets.listen(path)
        self._listener.setblocking(False)
        self._signals = kernel.signal_file(HEARD)
        self._lifeline = lifeline
        self._peers: dict[int, _Peer] = {}
        self._leaving = False
        self._poll = select.poll()
        for descriptor in (self._listener.fileno(), self._signals, *([] if lifeline is None else [lifeline])):
            self._poll.register(descriptor, select.POLLIN)

    def serve(self) -> None:
        """Work until told to leave; supervisors go on without us."""
        while not self._leaving:
            for descriptor, _ in self._poll.poll(self._patience()):
                self._attend(descriptor)
            self._crew.dismiss()
            if self._crew.deserted and self._crew.complete:  # we have adopted what a supervisor left that died before its task
                self._crew.deserted = tree.kill(os.getpid(), spare=self._crew.pids)
        self._path.unlink(missing_ok=True)

    def _patience(self) -> int | None:
        """Milliseconds until something must be done unasked."""
        seconds = SWEEP_PAUSE if self._crew.deserted else self._crew.patience
        return None if seconds is None else math.ceil(seconds * 1000)

    def _attend(self, descriptor: int) -> None:
        if descriptor in self._crew:
            if not self._crew.hear(descriptor):
                self._poll.unregister(descriptor)
        elif descriptor in self._peers:
            self._converse(self._peers[descriptor])
        elif descriptor == self._listener.fileno():
            self._welcome()
        elif descriptor == self._signals:
            self._leaving |= bool(kernel.read_signals(descriptor) - {signal.SIGCHLD})
            _reap()
        elif descriptor == self._lifeline:
            self._leaving |= not os.read(descriptor, 4096)

    def _welcome(self) -> None:
        with suppress(BlockingIOError, ConnectionAbortedError):
            stream, _ = self._listener.accept()
            self._peers[stream.fileno()] = _Peer(stream)
            self._poll.register(stream, select.POLLIN)

    def _converse(self, peer: "_Peer") -> None:
        try:
            # All are read first: of what garbage follows nothing is begun.
            for spec in [_read(body) for body in peer.hear()]:
                peer.say(spec if isinstance(spec, bytes) else self._start(spec))
            peer.speak()
        except OSError:
            self._part_with(peer)
        else:
            self._poll.modify(peer.stream, select.POLLIN | (select.POLLOUT if peer.backlog else 0))

    def _part_with(self, peer: "_Peer") -> None:
        self._poll.unregister(peer.stream)
        del self._peers[peer.stream.fileno()]
        peer.stream.close()

    def _start(self, spec: Spec) -> bytes:
        failpoint("runner_before_begin")
        try:
            line = self._crew.begin(spec)
        except OSError as error:
            return _refusal(error)
        if line is not None:
            self._poll.register(line, select.POLLIN)
        failpoint("runner_after_begin")
        return ACCEPTED


class _Peer:
    """One connection of a server: frames in, replies out."""

    def __init__(self, stream: socket.socket) -> None:
        stream.setblocking(False)
        self.stream = stream
        self.backlog = b""
        self._frames = sockets.Frames()

    def hear(self) -> Iterable[bytes]:
        """The frames that are complete now; OSError when the other side is gone, or sends no frames."""
        try:
            data = self.stream.recv(65536)
        except BlockingIOError:
            return ()
        if not data:
            raise ConnectionResetError
        return self._frames.feed(data)

    def say(self, reply: bytes) -> None:
        """Put a reply in line."""
        self.backlog += reply
        if len(self.backlog) > LARGEST_BACKLOG:
            raise ConnectionError("it never reads its replies")

    def speak(self) -> None:
        """Send as much as the other side takes now."""
        with suppress(BlockingIOError):
            if self.backlog:
                self.backlog = self.backlog[self.stream.send(self.backlog) :]


def _read(body: bytes) -> Spec | bytes:
    """The spec in a frame, or the reply that refuses it."""
    try:
        return Spec.decode(body)
    except (ValueError, RecursionError) as error:
        return _refusal(error)


def _refusal(error: Exception) -> bytes:
    return sockets.frame({"error": str(error)})


def _prepare_process() -> None:
    """Shed what was inherited, and take on what every supervisor and task shall inherit."""
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.umask(0o077)
    os.chdir("/")
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        # Not ignored but handled: a handler ends at the exec, what is ignored stays ignored in the task.
        signal.signal(number, lambda *_: None)
    kernel.block(HEARD)
    kernel.control(kernel.CHILD_SUBREAPER, 1)
    kernel.control(kernel.NO_NEW_PRIVS, 1)
    kernel.control(kernel.CAP_AMBIENT, kernel.CLEAR_ALL)  # what we may, no task shall inherit
    kernel.set_own("comm", b"runner")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _take_lifeline() -> int:
    """Move standard input out of the way of supervisors, which inherit descriptor 0."""
    lifeline = os.dup(0)
    with open(os.devnull) as null:
        os.dup2(null.fileno(), 0)
    return lifeline


def _take_lock(path: Path) -> bool:
    """Hold the lock of the instance for as long as we live; a runner that is leaving gets a moment."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(SWEEP_PAUSE)


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
