"""Unix sockets at paths of any length, and the frames that cross them; knows nothing of attempts."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from struct import Struct
from typing import Any

LONGEST_PATH = 107
LARGEST_FRAME = 32 * 1024 * 1024

PATIENCE = Struct("ll").pack(1, 0)  # seconds and microseconds

_LENGTH = Struct(">I")


class Garbage(ConnectionError):
    """What arrived is not a frame, so nothing that follows can be trusted to begin one."""


def listen(path: Path) -> socket.socket:
    """Accept streams at `path`, in place of whatever socket a dead process left there."""
    server = _bound(path, socket.SOCK_STREAM)
    server.listen(128)
    return server


def receive(path: Path) -> socket.socket:
    """Receive datagrams at `path`, in place of whatever socket a dead process left there."""
    return _bound(path, socket.SOCK_DGRAM)


def heard(path: Path) -> bool:
    """Whether somebody receives datagrams at `path`; nothing is sent."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client, _short(path) as address:
        return client.connect_ex(address) == 0


def connect(path: Path, timeout: float) -> socket.socket:
    """A stream to the process that listens at `path`."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(timeout)
    try:
        with _short(path) as address:
            client.connect(address)
    except OSError:
        client.close()
        raise
    return client


class Doorbell:
    """Sends datagrams to whoever receives at `path`; made once, it works in every process forked later."""

    def __init__(self, path: Path) -> None:
        self._folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
        self._address = f"/proc/self/fd/{self._folder}/{path.name}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, PATIENCE)  # one of Python's would not wait: see `ring`
        self.highest = max(self._folder, self._socket.fileno())

    def ring(self, message: bytes, patient: bool = False) -> bool:
        """Drop one datagram; False when nobody takes it.

        A receiver that is busy has room for some ten (net.unix.max_dgram_qlen): `patient` waits a second for it, which only
        the kernel can, for such a socket counts as writable even so (unix(7)).
        """
        try:
            self._socket.sendto(message, 0 if patient else socket.MSG_DONTWAIT, self._address)
        except OSError:
            return False
        return True


def frame(content: Any) -> bytes:
    """`content` as one frame: four bytes of length, then JSON."""
    body = json.dumps(content).encode()
    return _LENGTH.pack(len(body)) + body


class Frames:
    """Cuts a stream of bytes into the bodies of its frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The frames completed by `data`; raises Garbage at a length no sane peer sends."""
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > LARGEST_FRAME:
                raise Garbage(f"a frame of {length} bytes")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            yield body


def _bound(path: Path, kind: socket.SocketKind) -> socket.socket:
    with suppress(FileNotFoundError):
        path.unlink()
    server = socket.socket(socket.AF_UNIX, kind)
    with _short(path) as address:
        server.bind(address)
    os.chmod(path, 0o600)
    return server


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """An address for `path` that fits the kernel's limit, by way of its open folder."""
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
