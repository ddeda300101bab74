"""`check`: whether configuration, database, tasks, secrets, audit log, files and workers fit together; mends nothing."""

from collections.abc import Iterator
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy import exists, select, text

from scheduler import nodes, vault
from scheduler.accounts import chain
from scheduler.accounts.permissions import SYSTEM
from scheduler.cli import copies
from scheduler.cli.telling import as_json, say
from scheduler.config import settings
from scheduler.database import db
from scheduler.errors import SchedulerError
from scheduler.execution.engines import carrier
from scheduler.kinds import kinds
from scheduler.runs.models import Attempt, Run
from scheduler.tasks import contents, secrets
from scheduler.tasks.models import Secret, Task
from scheduler.tasks.queries import plan_of

MOST = 100  # findings of one kind that are listed


@click.command("check")
@as_json
@with_appcontext
def check_command(as_json: bool) -> None:
    """Look whether everything fits together: configuration, database, schema, tasks, secrets, audit log, files, workers.

    Exit codes: 0 all is well, 1 something is not.
    """
    parts = {"configuration": _configuration, "schema": _schema, "database": _database, "tasks": _tasks,
             "secrets": _secrets, "audit": _audit, "files": _files, "workers": _workers}  # fmt: skip
    found: dict[str, list[str]] = {}
    for name, look in parts.items():
        found[name] = [finding for finding, _ in zip(look(), range(MOST), strict=False)]
        if name == "schema" and found[name]:
            break  # what follows reads tables that may not be there
    lines = [line for name, wrong in found.items() for line in (_lines(name, wrong))]
    well = not any(found.values())
    say({"ok": well, "problems": found}, as_json, *lines)
    if not well:
        raise click.exceptions.Exit(1)


def _lines(name: str, wrong: list[str]) -> list[str]:
    return [f"{name}: {len(wrong)} wrong", *(f"  {one}" for one in wrong)] if wrong else [f"{name}: ok"]


def _configuration() -> Iterator[str]:
    """It was read, or we would not be here: what is left is who else may read it."""
    for path in (settings().instance / "keys").glob("*.key"):
        if path.stat().st_mode & 0o077:
            yield f"{path} can be read by others"


def _schema() -> Iterator[str]:
    try:
        revision = copies.revision()
    except Exception as error:  # whatever the database says to a table that is not there
        db.session.rollback()
        yield f"there are no tables yet: start the server once ({type(error).__name__})"
        return
    if revision != copies.head():
        yield f"the tables are at version {revision}, this program wants {copies.head()}: start the server once"


def _database() -> Iterator[str]:
    if copies.dialect() != "sqlite":
        return
    said = copies.integrity(Path(str(db.engine.url.database)))
    if said != "ok":
        yield said
    for row in db.session.execute(text("PRAGMA foreign_key_check")):
        yield f"row {row[1]} of {row[0]} refers to a row of {row[2]} that is not there"


def _tasks() -> Iterator[str]:
    """Those whose schedule or content cannot be read any more."""
    for task in db.session.scalars(select(Task).where(Task.deleted_at.is_(None)).order_by(Task.id)).unique():
        try:
            plan_of(task)
            if task.kind is not None:
                contents.opened(kinds.get(task.kind), task.content)
        except SchedulerError as error:
            yield f"task {task.key}: {error}"


def _secrets() -> Iterator[str]:
    """Those that no key of ours opens, and the tasks that name one they cannot have."""
    for secret in db.session.scalars(select(Secret).order_by(Secret.name)):
        try:
            vault.vault().open(secret.sealed)
        except SchedulerError as error:
            yield f"secret {secret.name}: {error}"
    for task in db.session.scalars(select(Task).where(Task.deleted_at.is_(None)).order_by(Task.id)).unique():
        wrong = secrets.refusals(SYSTEM, task.group, {"": frozenset(task.secrets)}) if task.secrets else []
        yield from (f"task {task.key}: {one}" for one in wrong)


def _audit() -> Iterator[str]:
    entry = chain.broken()
    if entry is not None:
        yield f"entry {entry} of the audit log is not as it was written, or one before it is gone, or keys/audit.key is another"


def _files() -> Iterator[str]:
    """Folders of runs there are not, and runs that ended whose folder is gone."""
    folder = settings().instance / "runs"
    there = {int(path.name) for path in folder.iterdir() if path.name.isdecimal()} if folder.is_dir() else set()
    known = set(db.session.scalars(select(Run.id)))
    ours = exists().where(Attempt.run_id == Run.id, Attempt.node == nodes.own())
    with_log = set(db.session.scalars(select(Run.id).where(Run.log_bytes > 0, ours)))
    yield from (f"runs/{number} belongs to no run" for number in sorted(there - known))
    yield from (f"the log of run {number} is gone" for number in sorted(with_log - there))
    if not vault.vault().marks:
        yield "there is no key"


def _workers() -> Iterator[str]:
    """Whether those are there who perform what is handed over."""
    found = carrier(settings())
    if found is None:
        return
    try:
        waiting = found.waiting()
    except OSError as error:
        yield str(error)
        return
    if not nodes.workers():
        yield f"no worker is there, and {waiting} messages wait: flask --app app scheduler worker"


COMMANDS = (check_command,)
