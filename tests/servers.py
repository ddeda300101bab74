"""Private servers the tests start for themselves: a SQLite file by default, PostgreSQL by `TEST_DATABASE=postgresql`."""

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NoReturn, Protocol

import pytest

from tests import postgresql, sqlite


class Private(Protocol):
    """A database nobody else uses."""

    url: str

    def keep(self) -> None:
        """Take what it holds now for what `restore` and `renew` bring back; nobody may have it open."""

    def restore(self) -> bool:
        """Bring that back under the hands of those who have it open; whether that was possible."""

    def renew(self) -> None:
        """Bring that back in any case; who has it open now has lost it."""


def missing(what: str) -> NoReturn:
    """Skip because something is not installed here; with `REQUIRE_SERVICES=1` that is a failure."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(what)
    pytest.skip(what)


@contextmanager
def private_database(folder: Path) -> Iterator[Private]:
    """An empty database."""
    if os.environ.get("TEST_DATABASE", "sqlite") == "postgresql":
        if postgresql.programs() is None:
            missing("no PostgreSQL here: apt-get install postgresql")
        with postgresql.database(free_port()) as made:
            yield made
    else:
        # In memory where there is such a place: no test survives a power cut, so none needs to wait for the disk.
        # A folder that is a disk of its own is one that is to fail.
        quick = Path("/dev/shm")
        where = quick if os.access(quick, os.W_OK) and not folder.is_mount() else folder
        made = tempfile.TemporaryDirectory(dir=where, ignore_cleanup_errors=True)
        with made as place, closing(sqlite.File(Path(place))) as file:
            yield file


def free_port() -> int:
    """A port of this machine nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
