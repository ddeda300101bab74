"""The process that supervisors are forked from, which does nothing else, so that what they share stays shared; a runner's own."""

import gc
import os
import select
import socket
import sys
from pathlib import Path
from typing import NoReturn

from scheduler import failpoints
from scheduler.execution import kernel, rehearsal
from scheduler.execution.protocol import Spec
from scheduler.execution.supervisor import MOST_FILES, Host, serve

PATIENCE = 5.0  # seconds for it to take a spec, should very many wait for theirs


class Nursery:
    """It, as its runner sees it. A supervisor becomes the runner's child, and first says its number on its line."""

    def __init__(self, instance: Path, host: Host) -> None:
        self._instance = instance
        self._host = host
        self._open()

    def bear(self, spec: Spec) -> socket.socket:
        """Have a supervisor perform `spec`; answers our end of its line, which ends when none comes of it. Raises OSError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        content = os.memfd_create("spec")
        try:
            os.write(content, spec.packed())
            self._send([theirs.fileno(), content])
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(content)
        return ours

    def _send(self, descriptors: list[int]) -> None:
        try:
            socket.send_fds(self._line, [b"!"], descriptors)
        except (BrokenPipeError, ConnectionResetError):  # it was killed
            self._line.close()
            self._open()
            socket.send_fds(self._line, [b"!"], descriptors)

    def _open(self) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line.settimeout(PATIENCE)
        with theirs:
            self.pid = os.fork()
            if self.pid == 0:
                _attend(theirs, self._instance, self._host)


def _attend(line: socket.socket, instance: Path, host: Host) -> NoReturn:
    """Be the nursery in the forked process, until the runner hangs up."""
    try:
        os.dup2(line.fileno(), host.line, False)
        line.detach()
        # The lock of the runner and its connections would live as long as we and all our supervisors do.
        os.closerange(host.line + 1, MOST_FILES)
        own = socket.socket(fileno=host.line)
        _prepare(instance, host, own)
        kernel.set_own("comm", b"nursery")
        while True:
            _hear(host, own)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)


def _hear(host: Host, own: socket.socket) -> None:
    """Bear who is wanted next, or leave with the runner."""
    descriptors = socket.recv_fds(own, 1, 2)[1]
    if not descriptors:
        os._exit(0)
    _bear(host, *descriptors)


def _prepare(instance: Path, host: Host, own: socket.socket) -> None:
    """Write now what each supervisor would write, and so copy, otherwise."""
    if failpoints.VARIABLE not in os.environ:  # the places are meant for others to die at
        try:
            for _ in rehearsal.rehearse(instance, host):
                while select.select([own], [], [], 0)[0]:  # nobody waits because a disk is slow
                    _hear(host, own)
        except OSError as error:  # a full disk; it costs memory, and nothing else
            sys.stderr.write(f"event=unrehearsed error={error}\n")
        os.closerange(host.line + 1, MOST_FILES)
    gc.collect()
    gc.disable()
    rehearsal.fill_gaps()
    gc.freeze()  # a collection would touch, and so copy, every page that supervisors share


def _bear(host: Host, line: int, content: int) -> None:
    """Fork twice: when the one between has ended, the supervisor is the runner's child, who waits for it.

    Its line is closed here before anybody is waited for: held by us it would take a spec for a supervisor that is dead.
    """
    between = None
    try:
        between = os.fork()
    except OSError as error:
        sys.stderr.write(f"event=no_supervisor error={error}\n")
    if between == 0:
        _supervise(host, line, content)
    os.close(line)
    os.close(content)
    if between is not None:
        os.waitpid(between, 0)


def _supervise(host: Host, line: int, content: int) -> NoReturn:
    """Be a supervisor in a process forked from the forked one, and never return."""
    try:
        if os.fork():
            os._exit(0)
        spec = Spec.unpacked(os.pread(content, os.lseek(content, 0, os.SEEK_END), 0))
        os.dup2(line, host.line, False)
        os.closerange(host.line + 1, MOST_FILES)
        os.setsid()
        kernel.control(kernel.CHILD_SUBREAPER, 1)
        _introduce(host.line)
        serve(spec, host, host.line)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


def _introduce(line: int) -> None:
    try:
        os.write(line, b"%d" % os.getpid())
    except OSError:  # the runner died; what it took on is begun all the same
        return
