"""Recipes: what can be filled in, what comes of it, and that the built-in scripts do the work they promise."""

import os
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from scheduler.errors import Invalid
from scheduler.tasks.built_in import ACTIONS, recipes
from scheduler.tasks.recipes import filled, origin, rendered
from tests.factories import make_task

DAY = 86_400


def perform(name, folder: Path, **params):
    """What the recipe's script leaves behind, run by itself as a task's command is."""
    made = rendered(recipes.get(name), params)
    env = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "SCHEDULER_TASK_KEY": "nightly", "BACKUP_FOLDER": str(folder)}
    found = subprocess.run(
        ["/bin/sh", "-c", made["command"]], env=env | made["params"], cwd=folder, capture_output=True, text=True
    )
    return found.returncode, found.stdout


def write(path: Path, text: str = "x", days: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (time.time() - days * DAY - 60,) * 2)
    return path


def test_what_is_filled_in_is_read_back(app):
    given = {"source_paths": ["/a b", "/c"], "task_type": "incremental", "compression_enabled": False}
    task = make_task(**rendered(recipes.get("backup"), given))
    assert (origin(task), filled(recipes.get("backup"), task)) == (recipes.get("backup"), given)


def test_every_problem_is_named(app):
    with pytest.raises(Invalid) as refused:
        rendered(recipes.get("backup"), {"task_type": "half", "target": 5, "compression_enabled": 1, "more": 0})
    assert {problem.field.partition(".")[2] for problem in refused.value.problems} == {
        "source_paths", "task_type", "target", "compression_enabled", "more",
    }  # fmt: skip


def test_a_path_cannot_smuggle_in_a_line(app):
    with pytest.raises(Invalid):
        rendered(recipes.get("backup"), {"source_paths": ["/a\n/etc"]})


@pytest.mark.parametrize("recipe", list(recipes), ids=lambda recipe: recipe.name)
def test_a_shell_can_read_every_script(recipe):
    assert subprocess.run(["/bin/sh", "-n", "-c", recipe.content["command"]]).returncode == 0


def test_the_actions_of_document_004_are_there():
    assert {recipe.name for recipe in ACTIONS} == {"backup", "recovery", "cleanup", "health_check", "retention_check"}


@pytest.mark.parametrize("packed", [True, False])
def test_a_backup_can_be_restored_with_what_changed_since(app, tmp_path, packed):
    data, folder, out = tmp_path / "my data", tmp_path / "backups", tmp_path / "out"
    folder.mkdir()
    write(data / "one", "first")
    options = {"source_paths": [str(data)], "compression_enabled": packed}
    assert perform("backup", folder, **options)[0] == 0
    full = next(folder.glob("*-full.tar*"))
    full.rename(folder / full.name.replace(full.name.split("-")[1], "20200101"))  # so that the next one has a later name
    (data / "two").write_text("second")
    assert perform("backup", folder, task_type="incremental", **options)[0] == 0
    assert perform("recovery", folder, target=str(out))[0] == 0
    assert [(out / str(data)[1:] / name).read_text() for name in ("one", "two")] == ["first", "second"]


def test_a_backup_of_nothing_fails_and_leaves_no_archive(app, tmp_path):
    code, _ = perform("backup", tmp_path, source_paths=[str(tmp_path / "nothing")])
    assert code != 0 and not list(tmp_path.glob("*.tar.gz"))


def test_a_clean_up_deletes_what_is_old_and_nothing_else(app, tmp_path):
    old, young, other = write(tmp_path / "old.log", days=40), write(tmp_path / "young.log"), write(tmp_path / "old.txt", days=40)
    code, printed = perform("cleanup", tmp_path, retention_days=30, pattern="*.log")
    assert (code, old.exists(), young.exists(), other.exists()) == (0, False, True, True)
    assert "::summary 1 files deleted" in printed


@pytest.mark.parametrize(("days", "code"), [(1, 0), (40, 1)])
def test_a_retention_check_fails_when_something_old_is_left(app, tmp_path, days, code):
    write(tmp_path / "file", days=days)
    assert perform("retention_check", tmp_path, retention_days=30)[0] == code


@pytest.mark.parametrize(("most", "code"), [(100, 0), (0, 1)])
def test_a_health_check_looks_at_the_disk(app, tmp_path, most, code):
    found, printed = perform("health_check", tmp_path, max_used_percent=most)
    assert found == code and "::metric used_percent=" in printed


def test_an_sqlite_file_is_copied_whole(app, tmp_path):
    database = tmp_path / "my.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript("create table t (a); insert into t values (7);")
    assert perform("database_backup", tmp_path, database=str(database), backup_path=str(tmp_path / "out"))[0] == 0
    (copy,) = (tmp_path / "out").iterdir()
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("select a from t").fetchall() == [(7,)]


def test_a_folder_is_copied_and_kept_alike(app, tmp_path):
    write(tmp_path / "a b" / "deep" / "one", "first")
    given = {"source": str(tmp_path / "a b"), "target": str(tmp_path / "copy")}
    assert perform("folder_sync", tmp_path, **given)[0] == 0
    write(tmp_path / "a b" / "two", "second")
    code, printed = perform("folder_sync", tmp_path, **given)
    assert (code, "::summary 2 files" in printed) == (0, True)
    assert [(tmp_path / "copy" / name).read_text() for name in ("deep/one", "two")] == ["first", "second"]


def test_a_command_of_ones_own_is_run_as_a_shell_reads_it(app, tmp_path):
    assert perform("custom", tmp_path, command="echo $((6 * 7)) | tee out; exit 3") == (3, "42\n")
    assert (tmp_path / "out").read_text() == "42\n"


def stub(folder: Path, name: str, script: str) -> None:
    """Another program of that name, found before the machine's own."""
    write(folder / "bin" / name, f"#!/bin/sh\n{script}\n").chmod(0o755)


def test_a_backup_counts_though_files_changed_while_it_read_them(app, tmp_path):
    stub(tmp_path, "tar", '/bin/tar "$@"; exit 1')
    code, printed = perform("backup", tmp_path, source_paths=[str(write(tmp_path / "data" / "one").parent)])
    assert code == 0 and "changed while they were read" in printed and list(tmp_path.glob("*-full.tar.gz"))


def test_a_backup_that_breaks_off_leaves_the_chain_as_it_was(app, tmp_path):
    source = str(write(tmp_path / "data" / "one").parent)
    perform("backup", tmp_path, source_paths=[source])
    before = sorted(path.name for path in tmp_path.glob("nightly*")), (tmp_path / "nightly.snapshot").read_bytes()
    stub(tmp_path, "tar", '/bin/tar "$@"; exit 2')
    assert perform("backup", tmp_path, source_paths=[source], task_type="incremental")[0] == 2
    assert before == (sorted(path.name for path in tmp_path.glob("nightly*")), (tmp_path / "nightly.snapshot").read_bytes())


@pytest.mark.parametrize("name", ["cleanup", "retention_check"])
def test_what_could_not_be_looked_at_is_a_failure_to_be_tried_again(app, tmp_path, name):
    stub(tmp_path, "find", "echo something; exit 1")
    assert perform(name, tmp_path)[0] == 2
