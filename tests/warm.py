"""Servers that have nothing to import: forks of a process that has loaded the product, started and ended like any other."""

import json
import os
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_nest: "Nest | None" = None


def begin(arguments: Sequence[str], environ: Mapping[str, str], console: Path, cold: bool = False) -> "subprocess.Popen[bytes]":
    """`python <arguments>` in a session of its own, printing to the end of the file `console`.

    With `cold`, and where the variables tell the interpreter something, it is a new interpreter.
    """
    if cold or not _meant_for_the_product(environ):
        with console.open("ab") as log:
            command = [sys.executable, *arguments]
            return subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log, start_new_session=True)
    return _hatched(arguments, environ, Path(os.devnull), console, console)


def run(arguments: Sequence[str], environ: Mapping[str, str], text: str = "") -> "subprocess.CompletedProcess[str]":
    """`python <arguments>`, which reads `text`; answers when it has ended, within a minute."""
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder) / name for name in ("stdin", "stdout", "stderr")]
        streams[0].write_text(text)
        code = _hatched(arguments, environ, *streams).wait(60)
        return subprocess.CompletedProcess(arguments, code, *(path.read_text() for path in streams[1:]))


def _hatched(arguments: Sequence[str], environ: Mapping[str, str], *streams: Path) -> "Forked":
    global _nest
    _nest = _nest or Nest()
    order = {"arguments": list(arguments), "environ": dict(environ), "streams": list(map(str, streams))}
    return Forked(_nest, _nest.ask(order))


def stop() -> None:
    """Send the forking process away if it was started."""
    global _nest
    if _nest is not None:
        _nest.close()
        _nest = None


def _meant_for_the_product(environ: Mapping[str, str]) -> bool:
    return all(os.environ.get(name) == value for name, value in environ.items() if not name.startswith("SCHEDULER_"))


class Nest:
    """The forking process, seen from the tests."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "tests.nest", str(theirs.fileno())]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("SCHEDULER_")}
        with theirs:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environ, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
            )
        with ours:
            self._lines = ours.makefile("rw")

    def ask(self, order: object) -> Any:
        """Give an order and wait for its answer, which comes at once."""
        print(json.dumps(order), file=self._lines, flush=True)
        return json.loads(self._lines.readline())

    def close(self) -> None:
        self._lines.close()
        self._process.wait(20)


class Forked(subprocess.Popen[bytes]):
    """A fork of the nest, which as its parent tells what it ended with; a zombie until somebody asks, as any child."""

    def __init__(self, nest: Nest, pid: int) -> None:
        self.pid, self.returncode, self.args = pid, None, []
        self._nest, self._end = nest, os.pidfd_open(pid)

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._end], [], [], 0)[0]:
            self.returncode = self._nest.ask(self.pid)
            os.close(self._end)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None and not select.select([self._end], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        code = self.poll()
        assert code is not None
        return code
