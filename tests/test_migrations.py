"""The migrations make the tables the models describe, and change them without losing a row."""

from pathlib import Path

import flask_migrate
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import inspect, text

from scheduler.cli import copies
from scheduler.database import SILENCE, Base, db
from scheduler.errors import Unavailable
from scheduler.runs.models import Attempt, Run
from scheduler.tasks import groups
from tests.factories import claim, make_run, make_task

TRIAL = '''"""A table that others refer to is altered; SQLite does it by copying, dropping, renaming."""

import sqlalchemy as sa
from alembic import op

revision = "trial"
down_revision = "{head}"


def recreate() -> str:
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"


def upgrade() -> None:
    for name in ("run", "task"):
        with op.batch_alter_table(name, recreate=recreate()) as batch:
            batch.add_column(sa.Column("colour", sa.String(10)))
{more}

def downgrade() -> None:
    for name in ("run", "task"):
        with op.batch_alter_table(name, recreate=recreate()) as batch:
            batch.drop_column("colour")
'''


@pytest.fixture
def empty(app: Flask) -> Flask:
    """The application on a database without a single table."""
    db.session.remove()
    db.drop_all()
    return app


@pytest.fixture
def trial(empty: Flask, tmp_path: Path) -> Config:
    """Alembic with one migration more than the product has."""
    return extended(empty, tmp_path)


def extended(app: Flask, folder: Path, more: str = "") -> Config:
    flask_migrate.upgrade()
    groups.ensure_default()
    config: Config = app.extensions["migrate"].migrate.get_config(None)
    (head,) = ScriptDirectory.from_config(config).get_heads()
    (folder / "trial.py").write_text(TRIAL.format(head=head, more=more))
    config.set_main_option("path_separator", "space")
    config.set_main_option("version_locations", f"{config.get_main_option('script_location')}/versions {folder}")
    return config


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names()) - {"alembic_version"}


def count(model: type[Base]) -> int:
    db.session.rollback()
    return db.session.scalar(db.select(db.func.count()).select_from(model)) or 0


def test_they_make_what_the_models_describe(empty: Flask) -> None:
    flask_migrate.upgrade()
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_they_can_be_run_again(empty: Flask) -> None:
    flask_migrate.upgrade()
    flask_migrate.upgrade()
    groups.ensure_default()
    groups.ensure_default()
    assert make_task(cron="* * * * *").id


def test_the_connection_they_were_made_by_waits_for_ever_no_more(empty: Flask) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("a file does not keep silent")
    db.engine.dispose()
    flask_migrate.upgrade()
    with db.engine.connect() as connection:
        assert connection.connection.dbapi_connection.silence == SILENCE


def test_they_go_back_to_nothing(empty: Flask) -> None:
    flask_migrate.upgrade()
    flask_migrate.downgrade(revision="base")
    assert tables() == set()


def test_there_is_one_head(app: Flask) -> None:
    config = app.extensions["migrate"].migrate.get_config(None)
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


def test_altering_a_table_keeps_the_rows_that_refer_to_it(trial: Config) -> None:
    claim(make_run(make_task(tags=["a", "b"])))
    db.session.remove()
    command.upgrade(trial, "trial")
    assert (count(Run), count(Attempt)) == (1, 1)
    assert db.session.execute(text("SELECT colour FROM run")).scalar() is None
    db.session.remove()
    command.downgrade(trial, "-1")
    assert (count(Run), count(Attempt)) == (1, 1)


def test_foreign_keys_hold_again_afterwards(trial: Config) -> None:
    command.upgrade(trial, "trial")
    for _ in range(3):
        with pytest.raises(Exception, match=r"(?i)foreign key"):
            db.session.execute(text("DELETE FROM task_tag"))
            db.session.execute(text("INSERT INTO task_tag (task_id, name) VALUES (999, 'orphan')"))
            db.session.commit()
        db.session.rollback()


def test_a_migration_that_fails_changes_nothing_and_leaves_the_keys_on(empty: Flask, tmp_path: Path) -> None:
    config = extended(empty, tmp_path, more='    raise RuntimeError("half way")\n')
    make_run()
    db.session.remove()
    with pytest.raises(RuntimeError, match="half way"):
        command.upgrade(config, "trial")
    assert "colour" not in {column["name"] for column in inspect(db.engine).get_columns("task")}
    assert count(Run) == 1
    if db.engine.dialect.name == "sqlite":
        assert db.session.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_a_migration_that_leaves_orphans_is_refused(empty: Flask, tmp_path: Path) -> None:
    config = extended(empty, tmp_path, more='    op.execute("DELETE FROM task")\n')
    make_run()
    db.session.remove()
    with pytest.raises(Exception, match=r"(?i)reference without its row|foreign key"):
        command.upgrade(config, "trial")
    assert count(Run) == 1
    db.session.remove()
    assert db.session.execute(text("SELECT count(*) FROM task")).scalar() == 1


def test_a_database_of_a_newer_program_is_refused_in_a_sentence(empty: Flask) -> None:
    copies.refuse_newer()  # there is no table yet, and nothing to refuse
    flask_migrate.upgrade()
    copies.refuse_newer()
    db.session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    db.session.commit()
    with pytest.raises(Unavailable, match=r"a newer version of Scheduler .it is at 9999"):
        copies.refuse_newer()
