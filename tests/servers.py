"""Private servers the tests start for themselves: a SQLite file by default, PostgreSQL by `TEST_DATABASE=postgresql`."""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from tests import postgresql

Private = tuple[str, Callable[[], None], Callable[[], None]]


def missing(what: str) -> NoReturn:
    """Skip because something is not installed here; with `REQUIRE_SERVICES=1` that is a failure."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(what)
    pytest.skip(what)


@contextmanager
def private_database(folder: Path) -> Iterator[Private]:
    """An empty database: its URL, what keeps its state as it is, and what brings that state back."""
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
        with tempfile.TemporaryDirectory(dir=where, ignore_cleanup_errors=True) as place:
            yield _on_sqlite(Path(place))


def _on_sqlite(folder: Path) -> Private:
    path, kept = folder / "test.db", folder / "kept.db"

    def restore() -> None:
        # A new file, not new content: SQLite takes what a connection left open knows of a file for true of all who open it.
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(kept, path)

    return f"sqlite:///{path}", lambda: shutil.copyfile(path, kept) and None, restore


def free_port() -> int:
    """A port of this machine nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
