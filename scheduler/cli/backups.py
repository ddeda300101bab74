"""`backup` and `restore`: the installation as one file, its keys as another, to be kept apart; copies are `copies`'s work."""

import fcntl
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError

from scheduler import clock, nodes, vault
from scheduler.cli import copies
from scheduler.cli.telling import as_json, bar, say, told
from scheduler.config import settings
from scheduler.daemon.process import leadership
from scheduler.daemon.upkeep import busy
from scheduler.database import db
from scheduler.errors import N_, Conflict, Invalid
from scheduler.runs import disk
from scheduler.runs.models import Run

FORMAT = 1
MANIFEST, CONFIG, RUNS, WORKSPACES, KEYS = "manifest.json", "config.yaml", "runs", "workspaces", "keys"
KEY_FILES = ("vault.key", "session.key", "audit.key")
SERVED = N_("A daemon of this installation is running. Stop the server first.")
WORKED_ON = N_("A worker of this installation was there a moment ago. Stop the workers first.")
NO_BACKUP = N_("%(path)s is no backup of ours.")
OTHER_KEYS = N_("Its secrets were sealed with keys that are not here: give the file of its keys with --keys.")


@click.command("backup")
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), help="Another folder than instance/backups.")
@click.option("--logs", is_flag=True, help="With the logs of all runs.")
@click.option("--keys/--no-keys", default=True, help="Also the keys, in a file of their own.", show_default=True)
@as_json
@with_appcontext
def backup_command(folder: Path | None, logs: bool, keys: bool, as_json: bool) -> None:
    """Write the database, the configuration and a file of the keys into instance/backups, while everything goes on.

    Keep the two files apart: with both in hand the secrets can be opened.
    """
    place = folder or settings().instance / "backups"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    stamp = f"{clock.now():%Y%m%dT%H%M%S%fZ}"
    with tempfile.TemporaryDirectory(dir=place) as drawer, bar("Copying") as progress:
        told(lambda: copies.copy(Path(drawer), progress))
        (Path(drawer) / MANIFEST).write_text(json.dumps(_manifest(), indent=2))
        path = _packed(place / f"scheduler-{stamp}.tar.gz", [*_of(Path(drawer)), *_of_instance(logs)])
    found = {"backup": str(path), "bytes": path.stat().st_size}
    if keys:
        inside = [(settings().instance / KEYS / name, f"{KEYS}/{name}") for name in KEY_FILES]
        found["keys"] = str(_packed(place / f"scheduler-{stamp}.keys.tar.gz", inside))
    say(found, as_json, *(f"{name}: {value}" for name, value in found.items()))


@click.command("restore")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--keys", "keys_path", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The file of its keys.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@with_appcontext
def restore_command(path: Path, keys_path: Path | None, yes: bool, as_json: bool) -> None:
    """Put the backup PATH in the place of what is here; what is here is moved to instance/backups first.

    Stop the server before. The keys of the backup are needed unless they are the ones that are here. Exit code 1: refused,
    and nothing was changed.
    """
    with _alone(), tempfile.TemporaryDirectory(dir=settings().instance) as drawer:
        manifest = told(lambda: _unpacked(path, keys_path, Path(drawer)))
        if not yes:
            question = f"Replace everything here by the backup of {manifest['created_at']} ({manifest['tasks']} tasks)?"
            click.confirm(question, abort=True)
        aside = settings().instance / "backups" / f"replaced-{clock.now():%Y%m%dT%H%M%S%fZ}"
        aside.mkdir(mode=0o700, parents=True)
        told(lambda: _placed(Path(drawer), aside))
    found = {"restored": str(path), "created_at": manifest["created_at"], "tasks": manifest["tasks"], "replaced": str(aside)}
    say(found, as_json, *(f"{name}: {value}" for name, value in found.items()))


@contextmanager
def _alone() -> Iterator[None]:
    """While no daemon and no worker of this installation runs, and no daemon can begin."""
    with ExitStack() as held:
        if copies.dialect() == "sqlite":  # the lock alone: leading writes into the database, which may be damaged
            path = settings().instance / "run" / "daemon.lock"
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = held.enter_context(path.open("a"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                told(lambda: _refuse(Conflict, SERVED))
        elif term := leadership(current_app).take():
            held.callback(term.resign)
        else:
            told(lambda: _refuse(Conflict, SERVED))
        if _worked_on():
            told(lambda: _refuse(Conflict, WORKED_ON))
        yield


def _worked_on() -> bool:
    try:
        return settings().handed_over and nodes.workers() > 0
    except DatabaseError:
        return False  # there are no tables yet, or they are damaged: nobody can work with them
    finally:
        db.session.remove()


def _manifest() -> dict[str, Any]:
    described = {"format": FORMAT, "created_at": clock.now().isoformat(), "keys": vault.vault().marks}
    return described | copies.described()


def _of(folder: Path) -> list[tuple[Path, str]]:
    return [(path, path.name) for path in sorted(folder.iterdir())]


def _of_instance(logs: bool) -> list[tuple[Path, str]]:
    names = (CONFIG, RUNS) if logs else (CONFIG,)
    return [(settings().instance / name, name) for name in names if (settings().instance / name).exists()]


def _packed(path: Path, inside: list[tuple[Path, str]]) -> Path:
    """A file for its owner alone, whole or not there."""
    draft = path.with_name(path.name + ".new")
    draft.touch(mode=0o600)
    with tarfile.open(draft, "w:gz") as archive:
        for source, name in inside:
            archive.add(source, name)
    draft.replace(path)
    return path


def _unpacked(path: Path, keys_path: Path | None, drawer: Path) -> dict[str, Any]:
    """What the backup says of itself, once it lies in `drawer`, was looked at and can be used here."""
    _extract(path, drawer)
    if keys_path is not None:
        _extract(keys_path, drawer)
    try:
        manifest = json.loads((drawer / MANIFEST).read_text())
        sealed, known = set(manifest["keys"]), manifest["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError):
        known, sealed = False, set()
    if not known:
        _refuse(Invalid, NO_BACKUP, path=path.name)
    ring = vault.open_vault(drawer / KEYS) if (drawer / KEYS / KEY_FILES[0]).exists() else vault.vault()
    if not sealed <= set(ring.marks):
        _refuse(Invalid, OTHER_KEYS)
    copies.check(drawer, manifest)
    return dict(manifest)


def _extract(path: Path, drawer: Path) -> None:
    try:
        with tarfile.open(path, "r:gz") as archive:
            archive.extractall(drawer, filter="data")
    except (tarfile.TarError, OSError, EOFError):
        _refuse(Invalid, NO_BACKUP, path=path.name)


def _placed(drawer: Path, aside: Path) -> None:
    """Exchange what is here for what lies in `drawer`."""
    instance = settings().instance
    copies.replace(drawer, aside)
    for name in (CONFIG, *(f"{KEYS}/{key}" for key in KEY_FILES)):
        if (drawer / name).exists():
            (aside / name).parent.mkdir(mode=0o700, exist_ok=True)
            if (instance / name).exists():
                shutil.copy2(instance / name, aside / name)
            shutil.copy2(drawer / name, instance / name)
            (instance / name).chmod(0o600)
    if (drawer / RUNS).is_dir():
        if (instance / RUNS).exists():
            (instance / RUNS).replace(aside / RUNS)
        (drawer / RUNS).replace(instance / RUNS)
    _put_strangers(aside)


def _put_strangers(aside: Path) -> None:
    """Put aside the folders of runs younger than the backup: nothing here knows of them any more. What goes on still stays."""
    known = set(db.session.scalars(select(Run.id)))
    db.session.remove()
    folders = [settings().instance / name for name in (RUNS, WORKSPACES)]
    strange = {number for folder in folders for number in disk.numbered(folder)} - known
    for number in [number for number in sorted(strange) if not busy(folders[0] / str(number))]:
        for folder in folders:
            if (folder / str(number)).exists():
                (aside / folder.name).mkdir(mode=0o700, exist_ok=True)
                (folder / str(number)).replace(aside / folder.name / str(number))


def _refuse(kind: type[Invalid] | type[Conflict], text: str, **params: Any) -> None:
    raise kind.because(text, **params)


COMMANDS = (backup_command, restore_command)
