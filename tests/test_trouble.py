"""What errors of databases and files mean: full, read-only, busy, gone; and a server that meets them, in every face."""

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from scheduler import database, trouble
from scheduler.accounts.models import User
from scheduler.database import db, transaction
from scheduler.errors import StorageBusy, StorageFull, StorageGone, StorageReadOnly, Unavailable
from scheduler.tasks.models import Group, Task
from tests.conftest import FrozenClock, token_in
from tests.factories import as_actor, make_task
from tests.threads import in_threads

SignIn = Callable[[str], FlaskClient]
API = "/api/v1/scheduler/tasks"
TASK = {"name": "kept?", "command": "true", "schedule_type": "MANUAL", "schedule_config": None}
FORM = {"name": "typed by hand", "type": "shell", "type_was": "shell", "schedule_type": "manual", "schedule_was": "manual",
        "command": "true"}  # fmt: skip

only_sqlite = pytest.mark.skipif(os.environ.get("TEST_DATABASE") == "postgresql", reason="files are SQLite's")


@contextmanager
def full(app: Flask) -> Iterator[None]:
    """A database that may not grow by a page: as good as a full disk, and SQLite says the same."""
    db.engine.dispose()
    with closing(sqlite3.connect(str(db.engine.url.database))) as alone:
        alone.execute("VACUUM")  # no room is left from earlier tests
        pages = alone.execute("PRAGMA page_count").fetchone()[0]
    limit = f"PRAGMA max_page_count={pages}"

    def on_connect(raw: sqlite3.Connection, _record: object) -> None:
        raw.execute(limit)

    database.event.listen(db.engine, "connect", on_connect)
    try:
        yield
    finally:
        database.event.remove(db.engine, "connect", on_connect)
        db.engine.dispose()


@contextmanager
def locked() -> Iterator[None]:
    """Another program writes, and does not come to an end."""
    with closing(sqlite3.connect(str(db.engine.url.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.fixture
def impatient(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 50)
    monkeypatch.setattr(trouble, "PATIENCE", 0.2)
    db.engine.dispose()
    yield
    db.engine.dispose()  # or the next test would be as impatient


def test_it_reads_what_sqlite_says(tmp_path: Path) -> None:
    path = tmp_path / "small.db"
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("CREATE TABLE thing (text)")
        writer.execute("PRAGMA max_page_count=2")
        with pytest.raises(sqlite3.Error) as error:
            writer.execute("INSERT INTO thing VALUES (zeroblob(100000))")
        assert isinstance(trouble.of_database(error.value), StorageFull)
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader, pytest.raises(sqlite3.Error) as error:
            reader.execute("DROP TABLE thing")
        assert isinstance(trouble.of_database(error.value), StorageReadOnly)


@pytest.mark.parametrize(
    ("state", "lost", "kind"),
    [("53100", False, StorageFull), ("25006", False, StorageReadOnly), ("55P03", False, StorageBusy),
     ("57P01", False, StorageGone), ("08006", True, StorageGone), ("", True, StorageGone)],
)  # fmt: skip
def test_it_reads_what_postgresql_says(state: str, lost: bool, kind: type[Unavailable]) -> None:
    assert type(trouble.of_database(_pg(state), lost)) is kind


def _pg(state: str) -> Exception:
    error = Exception("whatever it says")
    error.sqlstate = state  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize("error", [_pg("23505"), _pg(""), sqlite3.IntegrityError("unique"), ValueError("no")])
def test_it_leaves_errors_of_statements_alone(error: Exception) -> None:
    assert trouble.of_database(error) is None


def test_it_reads_what_files_say() -> None:
    said = [trouble.of_file(OSError(number, "")) for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOENT)]
    assert [type(one) for one in said] == [StorageFull, StorageFull, StorageReadOnly, type(None)]


@only_sqlite
def test_it_answers_507_in_the_apis_shape_and_saves_nothing(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in("edith")
    said = {"X-CSRFToken": _token(browser)}
    with full(app):
        answer = browser.post(API, json=TASK | {"command": "true " + "x" * 60_000}, headers=said)
        assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (507, 507, "60")
        assert "Free some room" in answer.json["message"]
        assert browser.get(API).status_code == 200
    assert db.session.query(Task).count() == 0
    assert browser.post(API, json=TASK, headers=said).status_code == 200


@only_sqlite
def test_it_shows_the_form_again_with_what_was_typed(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in("edith")
    token = _token(browser)
    with full(app):
        answer = browser.post("/tasks/new", data=FORM | {"command": "true " + "y" * 60_000, "csrf_token": token})
        page = answer.get_data(as_text=True)
        assert (answer.status_code, "The disk is full" in page, "typed by hand" in page) == (507, True, True)
        assert browser.get("/tasks").status_code == 200


@only_sqlite
@pytest.mark.usefixtures("impatient")
def test_it_answers_503_while_another_program_holds_the_database(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in("edith")
    said = {"X-CSRFToken": _token(browser)}
    with locked():
        answer = browser.post(API, json=TASK, headers=said)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert browser.get(API).status_code == 200
    assert browser.post(API, json=TASK, headers=said).status_code == 200


@only_sqlite
@pytest.mark.usefixtures("impatient")
def test_it_refuses_a_page_in_the_house_s_look(app: Flask, sign_in: SignIn, edith: User) -> None:
    task = make_task(as_actor(edith))
    browser = sign_in("edith")
    token = _token(browser)
    with locked():
        answer = browser.post(f"/tasks/{task.id}/run", data={"csrf_token": token})
    assert (answer.status_code, "Not now" in answer.get_data(as_text=True)) == (503, True)


@only_sqlite
def test_it_sends_newcomers_away_while_the_first_waits_in_vain(app: Flask, clock: FrozenClock) -> None:
    database._queue._knocking = clock.monotonic()
    clock.move(seconds=database.HOPE + 1)
    try:
        with pytest.raises(StorageBusy), transaction():
            pass
    finally:
        database._queue._knocking = None


@only_sqlite
def test_it_goes_on_after_it_was_refused(app: Flask) -> None:
    with full(app), pytest.raises(StorageFull), transaction() as session:
        session.get_one(Group, 1).description = "x" * 100_000
    assert in_threads(app, 2, _rename) == []
    assert db.session.get_one(Group, 1).description == "short"


def _rename() -> None:
    with transaction() as session:
        session.get_one(Group, 1).description = "short"


def test_it_says_in_words_when_nobody_answers(app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = sign_in("edith")

    def gone(*_: object, **__: object) -> None:
        raise trouble.gone()

    monkeypatch.setattr("scheduler.gate.standing.of_sign_in", gone)
    answer = browser.get("/tasks")
    assert (answer.status_code, "cannot be reached" in answer.get_data(as_text=True)) == (503, True)
    assert browser.get(API).json["code"] == 503


def test_it_is_not_ready_on_a_full_disk(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = SimpleNamespace(f_files=0, f_ffree=0, f_frsize=4096, f_bfree=3, f_bavail=3)
    monkeypatch.setattr(trouble.os, "statvfs", lambda _folder: disk)
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.get_data(as_text=True)) == (503, "storage: full\n")


def test_it_counts_a_disk_without_inodes_as_full(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    disk = SimpleNamespace(f_files=1000, f_ffree=0, f_frsize=4096, f_bfree=10**9, f_bavail=10**9)
    monkeypatch.setattr(trouble.os, "statvfs", lambda _folder: disk)
    assert trouble.condition(tmp_path) == "full"


def test_a_folder_that_is_a_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "instance").write_text("")
    with pytest.raises(StorageReadOnly, match="cannot be written to"):
        trouble.refuse_unwritable(tmp_path / "instance")


def _token(browser: FlaskClient) -> str:
    return token_in(browser.get("/tasks").get_data(as_text=True))
