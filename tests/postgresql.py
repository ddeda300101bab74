"""The one private PostgreSQL of a run of the tests: started when first asked for, with a database for each who asks."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

from tests.waiting import until

NOBODY = 65534
LARGE = 1 << 20  # bytes in a database's tables from which copying another is quicker than emptying them
MANY = 20  # connections of one test that are no longer kept
KEEP = f"""
CREATE SCHEMA kept;
CREATE TABLE kept.remade ();
CREATE TABLE kept.sequences AS SELECT format('%I', sequencename) AS name, start_value, last_value FROM pg_sequences;
DO $do$ DECLARE name text; filled bool; body text = ''; BEGIN
  FOR name IN SELECT format('%I', tablename) FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('CREATE TABLE kept.%s AS TABLE public.%s', name, name);
    EXECUTE format('SELECT EXISTS (SELECT FROM kept.%s)', name) INTO filled;
    body = body || format('IF EXISTS (SELECT FROM public.%s) THEN DELETE FROM public.%s; END IF;', name, name);
    IF filled THEN body = body || format('INSERT INTO public.%s SELECT * FROM kept.%s;', name, name); END IF;
  END LOOP;
  EXECUTE format('CREATE FUNCTION kept.refill() RETURNS void LANGUAGE plpgsql SET session_replication_role = replica'
    ' AS $f$ BEGIN %s END $f$', body);
END $do$;
CREATE FUNCTION kept.restore() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (SELECT FROM kept.remade)
    OR (SELECT count(*) > {MANY} FROM pg_stat_activity WHERE datname = current_database())
    OR (SELECT sum(pg_relation_size(oid)) > {LARGE} FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r')
  THEN RETURN false; END IF;
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle';
  PERFORM kept.refill();
  PERFORM setval(('public.' || sequences.name)::regclass, coalesce(last_value, start_value), last_value IS NOT NULL)
    FROM kept.sequences;
  RETURN true;
END $$;
CREATE FUNCTION kept.note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO kept.remade DEFAULT VALUES; END $$;
CREATE EVENT TRIGGER remade ON ddl_command_end EXECUTE FUNCTION kept.note();
"""
_numbers = count(1)
_server: tuple[subprocess.Popen[bytes], Path] | None = None
_address = ""


class Database:
    """One database of the private server, what keeps its state, and what brings that state back."""

    def __init__(self, address: str) -> None:
        self._address, self._name = address, f"test_{next(_numbers)}"
        self.url = f"{address}/{self._name}"
        self._hand: psycopg.Connection | None = None
        self._outside(f"CREATE DATABASE {self._name}")

    def keep(self) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(KEEP.encode())
        self._outside(f"CREATE DATABASE {self._name}_kept TEMPLATE {self._name}")

    def restore(self) -> bool:
        """Empty the tables and fill them as they were; who is in the middle of something is thrown out.

        Whether that was possible: not in a database with other tables, a large one, or one too many have open.
        """
        try:
            self._hand = self._hand or psycopg.connect(self.url, autocommit=True)
            return self._hand.execute("SELECT kept.restore()").fetchone() == (True,)
        except psycopg.Error:  # the test took our connection, too
            return False

    def renew(self) -> None:
        self.drop()
        self._outside(f"CREATE DATABASE {self._name} TEMPLATE {self._name}_kept")

    def drop(self) -> None:
        if self._hand is not None:
            self._hand.close()
            self._hand = None
        self._outside(f"DROP DATABASE {self._name} WITH (FORCE)")

    def _outside(self, statement: str) -> None:
        with psycopg.connect(f"{self._address}/postgres", autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def database(port: int) -> Iterator[Database]:
    """An empty database. A server not yet there is started at `port`."""
    if _server is None:
        _start(port)
    made = Database(_address)
    yield made
    made.drop()


def programs() -> Path | None:
    """Where the newest PostgreSQL of this machine keeps its programs."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return binaries[-1].parent if binaries else None


def stop() -> None:
    """Stop the server if it was started."""
    global _server
    if _server is not None:
        server, data = _server
        server.send_signal(signal.SIGINT)  # SIGTERM would wait for the connections that pools keep
        server.wait(20)
        shutil.rmtree(data)
        _server = None


def _start(port: int) -> None:
    """A PostgreSQL server of our own, its log beside its data; nobody else's server is touched."""
    global _server, _address
    found = programs()
    assert found is not None
    data = Path(tempfile.mkdtemp(prefix="postgres-"))  # every run of pytest closes pytest's own folders to all but root
    who = _not_root(data)
    subprocess.run(
        [found / "initdb", "-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True, stdout=subprocess.DEVNULL, cwd="/", **who,
    )  # fmt: skip
    options = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "unix_socket_directories=", f"port={port}"]
    settings = [part for option in options for part in ("-c", option)]
    with (data / "server.log").open("wb") as log:
        server = subprocess.Popen([found / "postgres", "-D", data, *settings], stdout=log, stderr=log, cwd="/", **who)
    _server = server, data
    _address = f"postgresql://test@127.0.0.1:{port}"
    _wait_until_ready(_address)


def _not_root(data: Path) -> dict[str, object]:
    """PostgreSQL refuses to run as root: give it the data folder and nobody's rights."""
    if os.getuid() != 0:
        return {}
    os.chown(data, NOBODY, NOBODY)
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def _wait_until_ready(address: str) -> None:
    def ready() -> bool:
        try:
            psycopg.connect(f"{address}/postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    until(ready, 60)
