"""A private redis-server for the tests that need a broker: on a port of its own, keeping nothing, gone with its test."""

import shutil
import socket
import subprocess
import tempfile
from contextlib import closing, suppress

from tests.servers import free_port, missing
from tests.waiting import until


class Redis:
    """One server, which can be stopped, started again at the same place, and emptied."""

    def __init__(self) -> None:
        if shutil.which("redis-server") is None:
            missing("no Redis here: apt-get install redis-server")
        self._folder = tempfile.mkdtemp(prefix="redis-")
        self._port = free_port()
        self._server: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> "Redis":
        """Start it, and wait until it answers."""
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", self._folder]
        self._server = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        until(lambda: self.said("PING") == b"+PONG\r\n")
        return self

    def said(self, command: str) -> bytes:
        """What it says to a command; nothing while it is not there."""
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", self._port), 5)) as line:
            line.sendall(f"{command}\r\n".encode())
            return line.recv(4096)
        return b""

    def stop(self) -> None:
        """Stop it; what it held is gone."""
        if self._server is not None:
            self._server.kill()
            self._server.wait(30)
            self._server = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
