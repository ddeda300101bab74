"""The SQLAlchemy handle, how a transaction begins and ends on SQLite and PostgreSQL, commit-then-emit; holds no table."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from blinker import Signal
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, ExceptionContext, MetaData, Table, event, func, select
from sqlalchemy.orm import DeclarativeBase, Session

from scheduler import clock, signals, trouble

BUSY_TIMEOUT_MS = trouble.PATIENCE * 1000
CACHE_KB = 256  # of each connection; the kernel keeps the pages too, and a pool of connections would keep ten copies
HOPE = 2.0  # seconds after which nobody else queues behind a writer that waits for another process's lock
SILENCE = 15.0  # seconds PostgreSQL may say nothing; more than its own waiting for a lock
LARGEST = 2**31 - 1  # number a row can have
CHUNK = 500  # values in one statement: every database takes so many
ONE_WRITER = 7_246_001  # the advisory lock's number, ours alone within our database
LONGEST_STATEMENT = "5s"  # on PostgreSQL, of a thread the whole installation waits for
LONGEST_PAUSE = "10s"  # on PostgreSQL, of a writer between two statements: a frozen one must not keep all others out

# A partner that went away without a word is noticed within half a minute, not within hours.
_POSTGRES = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


T = TypeVar("T")


class Base(DeclarativeBase):
    """What every table's class inherits; constraints are named, so that migrations can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def table(model: type[Base]) -> Table:
    """The table behind a class, for statements without the ORM, which on the run path costs more than the process it records."""
    found = model.__table__
    assert isinstance(found, Table)
    return found


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """`values` in parts that fit into one statement."""
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))


db = SQLAlchemy(model_class=Base)
migrate = Migrate()


class Queue:
    """The writers of this process on SQLite, which lets one in and makes the others poll.

    Queueing them here is fair and took the p99 wait from 179 to 41 ms. Who comes while the first one waits in vain for
    another process is sent away at once: otherwise all threads would end up waiting here, and none would be left to read.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._knocking: float | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Be the only writer of this process; `StorageBusy` when that is not to be had in time."""
        self.refuse_hopeless()
        if not self._turn.acquire(timeout=trouble.PATIENCE):
            raise trouble.busy()
        self._knocking = clock.monotonic()
        try:
            yield
        finally:
            self._knocking = None
            self._turn.release()

    def refuse_hopeless(self) -> None:
        """`StorageBusy` while the first one waits in vain."""
        since = self._knocking
        if since is not None and clock.monotonic() - since > HOPE:
            raise trouble.busy()

    def entered(self) -> None:
        """Whoever has the turn has the database too."""
        self._knocking = None


_queue = Queue()

Check = Callable[[Session], None]
_guard: ContextVar[Check | None] = ContextVar("guard", default=None)


def storable(value: Any) -> Any:
    """`value`, which a program printed or left, as every database can hold it: PostgreSQL refuses NUL, both lone surrogates."""
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {storable(name): storable(inner) for name, inner in value.items()}
    return [storable(inner) for inner in value] if isinstance(value, list) else value


def connect(app: Flask, url: str, threads: int) -> None:
    """Attach the database at `url` to `app`; `threads` is how many may hold a connection at once."""
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "pool_size": threads,
        "max_overflow": 10,
        "pool_pre_ping": "sqlite" not in url,
        "connect_args": {} if "sqlite" in url else _POSTGRES,
        "json_serializer": lambda value: json.dumps(value, ensure_ascii=False),  # searched as text, Chinese too
    }
    db.init_app(app)
    migrate.init_app(app, db, directory=f"{app.root_path}/migrations", render_as_batch=True)
    with app.app_context():
        event.listen(db.engine, "handle_error", _explained)
        if db.engine.dialect.name == "sqlite":
            _prepare_sqlite(db.engine)
        else:
            _prepare_postgres(db.engine)


def refuse_hopeless() -> None:
    """`StorageBusy` for a writer who would only wait behind one that waits in vain."""
    _queue.refuse_hopeless()


@contextmanager
def guarded(check: Check) -> Iterator[None]:
    """Within it each writing transaction of this thread begins with `check(session)`, which raises to forbid it.

    The whole installation waits for who does this: on PostgreSQL none of its statements may take longer than `LONGEST_STATEMENT`.
    """
    before = _guard.set(check)
    try:
        yield
    finally:
        _guard.reset(before)


@contextmanager
def transaction() -> Iterator[Session]:
    """One writing transaction on the app context's session: commit at the end, then send what `after_commit` kept.

    On SQLite it begins IMMEDIATE: a deferred one that reads first and writes later fails or loses updates under load.
    On PostgreSQL an advisory lock, gone with the transaction, gives the same: one writer at a time, what it read is so.
    Inside another transaction it is part of that one. `Unavailable` when there is no writing now; then nothing is saved.
    """
    session = db.session()
    if "signals" in session.info:
        yield session
        return
    session.rollback()  # a reading transaction cannot become a writing one
    sqlite = db.engine.dialect.name == "sqlite"
    waiting: list[Callable[[], None]] = []
    with _queue.turn() if sqlite else nullcontext():
        session.info["signals"] = waiting
        try:
            connection = session.connection(execution_options={"begin": "IMMEDIATE"})
            _queue.entered()
            if not sqlite:
                pause = func.set_config("idle_in_transaction_session_timeout", LONGEST_PAUSE, True)
                connection.execute(select(pause, func.pg_advisory_xact_lock(ONE_WRITER)))
            check = _guard.get()
            if check is not None:
                check(session)
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            del session.info["signals"]
    for act in waiting:
        act()


def after_commit(signal: Signal, **ids: Any) -> None:
    """Send `signal` once the transaction around this call has been committed; nothing is sent when it is undone."""
    once_committed(partial(signals.emit, signal, **ids))


def once_committed(act: Callable[[], None]) -> None:
    """Do something that cannot fail, a line in the log say, once the transaction around this call has been committed."""
    db.session().info["signals"].append(act)


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # pysqlite would begin by itself, and not before a SELECT
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON",
                       "journal_size_limit=67108864", f"cache_size=-{CACHE_KB}"):  # fmt: skip
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('begin', 'DEFERRED')}")


def _explained(context: ExceptionContext) -> Exception | None:
    """In place of a driver's error, when it is the storage's and not the statement's, one of ours that says so."""
    if context.is_pre_ping:  # the pool is to notice by itself that a connection is gone
        return None
    engine = context.engine
    folder = Path(engine.url.database or ".").parent if engine is not None and engine.dialect.name == "sqlite" else None
    lost = context.is_disconnect or context.connection is None
    return trouble.of_database(context.original_exception, lost, folder)


def _prepare_postgres(engine: Engine) -> None:
    """A server that is frozen hangs up on nobody: we do, after a while."""
    driver: Any = engine.dialect.loaded_dbapi

    class Patient(driver.Connection):  # type: ignore[misc]
        silence: float | None = SILENCE

        def wait(self, gen: Any, interval: float = 1.0, timeout: float | None = None) -> Any:
            try:
                return super().wait(gen, interval, timeout or self.silence)
            except driver.errors._WaitTimeout as error:
                self.pgconn.finish()
                raise driver.OperationalError("the server has said nothing for too long") from error

    @event.listens_for(engine, "do_connect")
    def do_connect(_dialect: Any, _record: Any, arguments: Any, options: Any) -> Any:
        return Patient.connect(*arguments, **{"options": f"-c lock_timeout={BUSY_TIMEOUT_MS}", **options})

    @event.listens_for(engine, "begin")
    def on_begin(connection: Any) -> None:
        if _guard.get() is not None:
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{LONGEST_STATEMENT}'")
