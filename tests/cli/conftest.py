"""A command line over the test's own installation, and over one that was backed up, damaged or given other keys."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import flask_migrate
import pytest
from click.testing import Result
from flask import Flask

from scheduler import cli, config, create_app, vault
from scheduler.accounts import chain, tokens
from scheduler.accounts import keys as api_keys
from scheduler.database import db
from scheduler.kinds import kinds
from scheduler.tasks import contents, groups
from scheduler.tasks.models import Task
from tests.servers import private_database

Call = Callable[..., Result]


@pytest.fixture
def call(app: Flask) -> Call:
    """`call("export", "--format", "json")`; `input=` is what stands on standard input."""

    def invoke(*words: str, input: bytes | str | None = None) -> Result:
        return app.test_cli_runner().invoke(cli.commands, list(words), input=input)

    return invoke


class House:
    """An installation of its own, with the command line over it."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self.app, self.folder = app, folder

    def call(self, *words: str, fails: bool = False) -> str:
        done = self.app.test_cli_runner().invoke(self.app.cli, ["scheduler", *words])
        assert (done.exit_code != 0) == fails, done.output
        db.session.remove()
        return done.output

    def backup(self, *words: str) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.call("backup", "--json", *words))
        return found

    def secret(self) -> str:
        db.session.remove()
        task = db.session.query(Task).filter_by(key="web").one()
        return str(contents.opened(kinds.get("http"), task.content)["auth"]["token"])

    def keys(self) -> list[str]:
        db.session.remove()
        return sorted(task.key for task in db.session.query(Task) if task.deleted_at is None)


@contextmanager
def untouched() -> Iterator[None]:
    """Afterwards the process has the settings and keys it had before, whatever application took its own."""
    before, kept, key, secret, seal = config.settings(), vault._vault, tokens._key, api_keys._secret, chain._key
    yield
    config.use(before)
    vault.use(kept)
    tokens._key, api_keys._secret, chain._key = key, secret, seal


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, config.Settings, Callable[[], None]]]:
    """One application for all tests, its settings, and what brings back its folder and database as a first start leaves them."""
    folder, kept = tmp_path_factory.mktemp("house"), tmp_path_factory.mktemp("kept")
    with private_database(folder) as database:
        settings = config.Settings(instance=folder, storage=config.Storage(database=config.Database(url=database.url)))
        with untouched():
            app = create_app(settings)
            app.cli.add_command(cli.commands)
            with app.app_context():
                flask_migrate.upgrade()
                groups.ensure_default()
                db.engine.dispose()
        database.keep()
        shutil.copytree(folder, kept, dirs_exist_ok=True)

        def renewed() -> None:
            database.renew()
            shutil.rmtree(folder)
            shutil.copytree(kept, folder)

        yield app, settings, renewed


@pytest.fixture
def house(built: tuple[Flask, config.Settings, Callable[[], None]]) -> Iterator[House]:
    app, settings, renewed = built
    renewed()
    keys = settings.instance / "keys"
    with untouched(), app.app_context():
        config.use(settings)
        vault.use(vault.open_vault(keys))
        tokens.use(vault.session_key(keys))
        api_keys.use(vault.session_key(keys))
        chain.use(vault.audit_key(keys))
        yield House(app, settings.instance)
        db.session.remove()
        db.engine.dispose()
