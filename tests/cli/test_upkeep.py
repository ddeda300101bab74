"""Backup, restore, check and the rotation of keys, on a real database file."""

import json
import sqlite3
import tarfile
from pathlib import Path

import pytest
from sqlalchemy import update

from scheduler import config, nodes, vault
from scheduler.accounts import chain
from scheduler.accounts.models import AuditEntry
from scheduler.accounts.permissions import SYSTEM
from scheduler.cli import copies
from scheduler.daemon.presence import mark
from scheduler.daemon.process import leadership
from scheduler.database import db
from scheduler.kinds import kinds
from scheduler.runs.models import Attempt
from scheduler.tasks import contents, definitions, secrets
from scheduler.tasks.models import Task, TaskRevision
from tests.cli.conftest import House
from tests.factories import make_run, make_task
from tests.fakes import FakeCarrier

WEB = {"name": "web", "type": "http", "url": "http://example.org/", "auth": {"type": "bearer", "token": "s3cret"}}


def test_what_was_backed_up_comes_back(house: House) -> None:
    make_task(key="one")
    backup = house.backup()
    make_task(key="two")
    assert "tasks: 1" in house.call("restore", "--yes", backup["backup"])
    assert house.keys() == ["one"]
    assert list((house.folder / "backups").glob("replaced-*/*"))


def test_what_ran_since_is_put_aside_with_its_log(house: House) -> None:
    old = make_run().id
    backup = house.backup()
    for number in (old, old + 1):
        (house.folder / "runs" / str(number) / "1").mkdir(parents=True)
    house.call("restore", "--yes", backup["backup"])
    assert [path.name for path in (house.folder / "runs").iterdir()] == [str(old)]
    assert [path.name for path in house.folder.glob("backups/replaced-*/runs/*")] == [str(old + 1)]
    assert "files: ok" in house.call("check")


def test_it_comes_back_in_the_place_of_a_damaged_one(house: House) -> None:
    if copies.dialect() != "sqlite":
        pytest.skip("a server mends its files itself")
    make_task(key="one")
    backup = house.backup()
    db.session.remove()
    db.engine.dispose()
    path = Path(str(db.engine.url.database))
    path.write_bytes(b"nonsense" * 1000)
    house.call("restore", "--yes", backup["backup"])
    assert house.keys() == ["one"] and list(house.folder.glob("backups/replaced-*/damaged.db"))


def test_a_backup_is_for_its_owner_alone_and_keeps_the_keys_apart(house: House) -> None:
    backup = house.backup()
    for name in ("backup", "keys"):
        assert Path(backup[name]).stat().st_mode & 0o077 == 0
    with tarfile.open(backup["backup"]) as archive:
        assert not [name for name in archive.getnames() if "key" in name]
    with tarfile.open(backup["keys"]) as archive:
        assert set(archive.getnames()) == {"keys/vault.key", "keys/session.key", "keys/audit.key"}


def test_with_the_keys_the_audit_log_is_whole_elsewhere(house: House) -> None:
    make_task(key="one")
    backup = house.backup()
    (house.folder / "keys" / "audit.key").unlink()
    chain.use(vault.audit_key(house.folder / "keys"))
    assert "keys/audit.key is another" in house.call("check", fails=True)
    house.call("restore", "--yes", "--keys", backup["keys"], backup["backup"])
    chain.use(vault.audit_key(house.folder / "keys"))
    assert "audit: ok" in house.call("check")


def test_a_backup_can_do_without_keys_and_with_logs(house: House) -> None:
    (house.folder / "runs" / "7").mkdir(parents=True)
    backup = house.backup("--no-keys", "--logs")
    with tarfile.open(backup["backup"]) as archive:
        assert "runs/7" in archive.getnames() and "keys" not in backup


def test_the_keys_are_needed_where_others_are(house: House) -> None:
    definitions.create(SYSTEM, WEB)
    backup = house.backup()
    (house.folder / "keys" / "vault.key").unlink()
    vault.use(vault.open_vault(house.folder / "keys"))
    assert "--keys" in house.call("restore", "--yes", backup["backup"], fails=True)
    house.call("restore", "--yes", "--keys", backup["keys"], backup["backup"])
    vault.use(vault.open_vault(house.folder / "keys"))
    assert house.secret() == "s3cret"


def test_nothing_is_restored_under_a_running_daemon(house: House) -> None:
    backup = house.backup()
    term = leadership(house.app).take()
    assert term is not None
    assert "Stop the server first" in house.call("restore", "--yes", backup["backup"], fails=True)
    term.resign()


def test_nothing_is_restored_under_a_running_worker(house: House) -> None:
    backup = house.backup()
    nodes.seen(mark(house.folder), works=True)
    before = config.use(config.settings().model_copy(update={"engine": config.Engine(type="celery")}))
    assert "Stop the workers first" in house.call("restore", "--yes", backup["backup"], fails=True)
    nodes.seen(mark(house.folder), works=False)
    house.call("restore", "--yes", backup["backup"])
    config.use(before)


def test_something_else_is_no_backup(house: House) -> None:
    path = house.folder / "x.tar.gz"
    path.write_bytes(b"nonsense")
    assert "no backup of ours" in house.call("restore", "--yes", str(path), fails=True)


def test_a_question_is_asked_first(house: House) -> None:
    make_task(key="one")
    house.call("restore", house.backup()["backup"], fails=True)
    assert house.keys() == ["one"]


def test_check_finds_all_well(house: House) -> None:
    make_task(key="one")
    assert "tasks: ok" in house.call("check")


def test_check_names_what_is_not(house: House) -> None:
    make_task(key="one").schedule_config = {"cron": "nonsense"}
    db.session.commit()
    (house.folder / "runs" / "77").mkdir(parents=True)
    (house.folder / "keys" / "vault.key").chmod(0o644)
    found = json.loads(house.call("check", "--json", fails=True))["problems"]
    assert (
        "task one" in found["tasks"][0]
        and found["files"] == ["runs/77 belongs to no run"]
        and "read by others" in found["configuration"][0]
    )


def test_check_says_where_the_audit_log_was_touched(house: House) -> None:
    make_task(key="one")
    db.session.execute(update(AuditEntry).values(actor_name="nobody"))
    db.session.commit()
    assert "entry 1 of the audit log is not as it was written" in house.call("check", fails=True)


def test_check_misses_no_log_of_another_machine(house: House) -> None:
    run = make_run()
    run.log_bytes, run.attempts = 9, 1
    db.session.add(Attempt(run_id=run.id, number=1, status="success", task_version=1, claimed_at=run.queued_at, node="other"))
    db.session.commit()
    assert "files: ok" in house.call("check")


def test_check_asks_for_workers_where_they_are_needed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "workers: ok" in house.call("check")
    carrier = FakeCarrier()
    monkeypatch.setattr("scheduler.cli.checks.carrier", lambda now: carrier)
    carrier.asleep = [(1, 1)]
    assert "no worker is there, and 1 messages wait" in house.call("check", fails=True)
    nodes.seen("here", works=True)
    assert "workers: ok" in house.call("check")
    carrier.unreachable = True
    assert "the broker does not answer" in house.call("check", fails=True)


def test_a_worker_is_refused_where_nothing_is_handed_over(house: House) -> None:
    assert "engine.type" in house.call("worker", fails=True)


@pytest.mark.parametrize("words", [["export"], ["rotate-keys"], ["run", "backup"], ["reset-password", "admin"]])
def test_before_the_first_start_a_command_says_what_to_do(house: House, words: list[str]) -> None:
    db.drop_all()
    assert "start the server once" in house.call(*words, fails=True)


def test_check_knows_a_schema_of_another_version(house: House) -> None:
    db.session.execute(db.text("UPDATE alembic_version SET version_num = 'x'"))
    db.session.commit()
    assert "at version x" in house.call("check", fails=True)


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE t (x); INSERT INTO t SELECT hex(randomblob(2000)) FROM (VALUES (1), (2), (3), (4), (5));"
    )
    connection.close()
    assert copies.integrity(path) == "ok"
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 500)
    assert copies.integrity(path) != "ok"


def test_a_new_key_seals_every_secret(house: House) -> None:
    definitions.create(SYSTEM, WEB)
    before = db.session.query(Task).one().content["auth"]["token"]
    assert "1 secrets, tasks and groups" in house.call("rotate-keys")
    assert house.secret() == "s3cret" and db.session.query(Task).one().content["auth"]["token"] != before


def test_a_new_key_seals_what_tasks_only_name(house: House) -> None:
    before = secrets.put(SYSTEM, "TOKEN", {"value": "s3cret"}).sealed
    house.call("rotate-keys", "--drop-old")
    assert secrets.opened(1, "", ["TOKEN"]) == {"TOKEN": "s3cret"} and secrets.found(SYSTEM, "TOKEN").sealed != before
    assert len(vault.open_vault(house.folder / "keys").marks) == 1


def test_it_checks_that_secrets_can_be_had(house: House) -> None:
    secrets.put(SYSTEM, "TOKEN", {"value": "s3cret"})
    make_task(key="named", env={"T": "${secret:TOKEN}"})
    house.call("check")
    secrets.put(SYSTEM, "TOKEN", {"groups": []})
    assert "task named: The secret “TOKEN” is not shared with the group “default”" in house.call("check", fails=True)
    (house.folder / "keys" / "vault.key").unlink()
    vault.use(vault.open_vault(house.folder / "keys"))
    assert "secret TOKEN: A stored secret cannot be opened" in house.call("check", fails=True)


def test_what_a_task_was_before_can_still_be_opened(house: House) -> None:
    task = definitions.create(SYSTEM, WEB)
    definitions.edit(SYSTEM, task.id, {"priority": 3})
    house.call("rotate-keys", "--drop-old")
    values = [revision.values for revision in db.session.query(TaskRevision)]
    assert [contents.opened(kinds.get("http"), one)["auth"]["token"] for one in values] == ["s3cret", "s3cret"]


def test_a_server_that_runs_takes_the_new_key_by_itself(house: House) -> None:
    definitions.create(SYSTEM, WEB)
    servers = vault.open_vault(house.folder / "keys")
    house.call("rotate-keys", "--drop-old")
    assert len(vault.open_vault(house.folder / "keys").marks) == 1
    vault.use(servers)
    assert house.secret() == "s3cret"
