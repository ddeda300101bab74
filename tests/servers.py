"""Private servers the tests start for themselves: a SQLite file by default, PostgreSQL by `TEST_DATABASE=postgresql`."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest

Private = tuple[str, Callable[[], None], Callable[[], None]]
NOBODY = 65534


def missing(what: str) -> NoReturn:
    """Skip because something is not installed here; with `REQUIRE_SERVICES=1` that is a failure."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(what)
    pytest.skip(what)


def postgres_programs() -> Path | None:
    """Where the newest PostgreSQL of this machine keeps its programs."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return binaries[-1].parent if binaries else None


@contextmanager
def private_database(folder: Path) -> Iterator[Private]:
    """An empty database: its URL, what keeps its state as it is, and what brings that state back."""
    if os.environ.get("TEST_DATABASE", "sqlite") == "postgresql":
        with postgres(folder) as address:
            yield _on_postgres(address)
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


def _on_postgres(address: str) -> Private:
    def run(*statements: str) -> None:
        with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    run("CREATE DATABASE test")
    return (
        f"{address}/test",
        lambda: run("CREATE DATABASE kept TEMPLATE test"),
        lambda: run("DROP DATABASE test WITH (FORCE)", "CREATE DATABASE test TEMPLATE kept"),
    )


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL server of our own on a free port, its log in `folder`; nobody else's server is touched."""
    programs = postgres_programs()
    if programs is None:
        missing("no PostgreSQL here: apt-get install postgresql")
    data = Path(tempfile.mkdtemp(prefix="postgres-"))  # every run of pytest closes pytest's own folders to all but root
    who = _not_root(data)
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True, stdout=subprocess.DEVNULL, cwd="/", **who,
    )  # fmt: skip
    port = free_port()
    options = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "unix_socket_directories=", f"port={port}"]
    settings = [part for option in options for part in ("-c", option)]
    log = (folder / "postgres.log").open("wb")
    server = subprocess.Popen([programs / "postgres", "-D", data, *settings], stdout=log, stderr=log, cwd="/", **who)
    address = f"postgresql://test@127.0.0.1:{port}"
    try:
        _wait_until_ready(address)
        yield address
    finally:
        server.send_signal(signal.SIGINT)  # SIGTERM would wait for the connections that pools keep
        server.wait(20)
        shutil.rmtree(data)


def _not_root(data: Path) -> dict[str, object]:
    """PostgreSQL refuses to run as root: give it the data folder and nobody's rights."""
    if os.getuid() != 0:
        return {}
    os.chown(data, NOBODY, NOBODY)
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def free_port() -> int:
    """A port of this machine nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(address: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(f"{address}/postgres").close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
