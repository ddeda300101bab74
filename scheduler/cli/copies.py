"""A consistent copy of the database and the way back: SQLite's own backup, pg_dump and pg_restore."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import func, make_url, select, text

from scheduler.database import db
from scheduler.errors import N_, Invalid, Unavailable
from scheduler.runs.models import Run
from scheduler.tasks.models import Task

FILES = {"sqlite": "scheduler.db", "postgresql": "database.dump"}
PAGES = 500  # copied at a time: writers get their turn in between
BROKEN = N_("The database in it is damaged: %(reason)s.")
OTHER_KIND = N_("It holds a %(theirs)s database; this installation uses %(ours)s.")
TOO_NEW = N_("It was made by a newer version of Scheduler than this one.")
NEWER = N_(
    "The database is of a newer version of Scheduler (it is at %(found)s, this program knows it up to %(known)s). "
    "Nothing was changed: start that version, or restore a backup this one made."
)
NO_PROGRAM = N_("%(name)s is not installed here, or failed: %(reason)s")


def dialect() -> str:
    """The kind of database in use."""
    return db.engine.dialect.name


def copy(folder: Path, progress: Callable[[int, int], None]) -> None:
    """Copy the database into `folder` as it stands at one moment."""
    if dialect() == "postgresql":
        _postgres("pg_dump", "--format=custom", "--no-owner", f"--file={folder / FILES['postgresql']}")
        return
    target = sqlite3.connect(folder / FILES["sqlite"])
    source = sqlite3.connect(f"file:{_path()}?mode=ro", uri=True)
    try:
        source.backup(target, pages=PAGES, progress=lambda _status, left, total: progress(total - left, total))
    finally:
        target.close()
        source.close()


def described() -> dict[str, Any]:
    """What a backup says of the database in it."""
    session = db.session()
    counted = {name: session.scalar(select(func.count()).select_from(model)) for name, model in (("tasks", Task), ("runs", Run))}
    return {"database": dialect(), "revision": revision(), **counted}


def revision() -> str | None:
    """The schema's version."""
    found = db.session.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(found) if found else None


def refuse_newer() -> None:
    """`Unavailable` when the database was written by a newer program than this one, before anything in it is touched."""
    with db.engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found is not None and found not in _known():
        raise Unavailable.because(NEWER, found=found, known=head())


def head() -> str | None:
    """The schema's version this program wants."""
    return _scripts().get_current_head()


def check(folder: Path, manifest: dict[str, Any]) -> None:
    """`Invalid` when the copy in `folder` cannot be used here."""
    if manifest.get("database") != dialect():
        raise Invalid.because(OTHER_KIND, theirs=manifest.get("database"), ours=dialect())
    if manifest.get("revision") not in _known():
        raise Invalid.because(TOO_NEW)
    if dialect() == "sqlite":
        said = integrity(folder / FILES["sqlite"])
        if said != "ok":
            raise Invalid.because(BROKEN, reason=said)


def integrity(path: Path) -> str:
    """`ok`, or what is wrong with a SQLite file."""
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.Error as error:
        return str(error)


def replace(folder: Path, aside: Path) -> None:
    """Put the copy in `folder` in the place of the database, which is kept in `aside`; of a damaged one the files are."""
    db.session.remove()
    db.engine.dispose()
    if dialect() == "postgresql":
        copy(aside, lambda done, total: None)
        dump = str(folder / FILES["postgresql"])
        _postgres("pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", dump)
        return
    try:
        copy(aside, lambda done, total: None)
        _pour(folder / FILES["sqlite"], Path(_path()))
    except sqlite3.DatabaseError:
        for ending in ("", "-wal", "-shm"):
            if Path(_path() + ending).exists():
                shutil.move(_path() + ending, aside / f"damaged.db{ending}")
        shutil.move(folder / FILES["sqlite"], _path())
    Path(_path()).chmod(0o600)


def _pour(source: Path, target: Path) -> None:
    """Fill the file from the other one, in one transaction: whoever still has it open sees the new content."""
    read, written = sqlite3.connect(f"file:{source}?mode=ro", uri=True), sqlite3.connect(target)
    try:
        read.backup(written)
    finally:
        written.close()
        read.close()


def _path() -> str:
    return str(db.engine.url.database)


def _known() -> list[str]:
    return [script.revision for script in _scripts().walk_revisions()]


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(current_app.extensions["migrate"].directory))


def _postgres(name: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs; the password goes by its environment, where `ps` shows none."""
    url = make_url(str(db.engine.url.render_as_string(hide_password=False))).set(drivername="postgresql")
    environ = {**os.environ, "PGPASSWORD": str(url.password or "")}
    address = url.set(password=None).render_as_string(hide_password=False)
    try:
        subprocess.run([_program(name), f"--dbname={address}", *arguments], check=True, capture_output=True, env=environ)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", b"") or str(error).encode()
        raise Invalid.because(NO_PROGRAM, name=name, reason=reason.decode("utf-8", "replace").strip()[:300]) from error


def _program(name: str) -> str:
    """The newest one of this machine: an older pg_dump refuses a newer server."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    return str(found[-1]) if found else name
