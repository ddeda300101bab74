"""`import` and `export` on the command line."""

import json

import pytest

from scheduler.cli import files
from scheduler.database import db
from scheduler.tasks.models import DEFAULT_GROUP, Group, Task
from scheduler.tasks.transfer import decoding
from tests.cli.conftest import Call
from tests.factories import make_run, make_task

CRONTAB = "# Backup\n0 2 * * * /opt/backup.sh\n@reboot x\n"


def test_a_crontab_is_brought_in_from_standard_input(call: Call) -> None:
    done = call("import", "-", input=CRONTAB)
    assert done.exit_code == 0 and "new: 2" in done.output and "it becomes a task that is run by hand" in done.output
    assert db.session.query(Task).count() == 2


def test_a_dry_run_changes_nothing_and_counts_what_would_fire(call: Call) -> None:
    found = json.loads(call("import", "-", "--dry-run", "--json", input=CRONTAB).stdout)
    assert found["counts"]["new"] == 2 and found["fires"]["gained"] == 14 and db.session.query(Task).count() == 0


def test_what_moves_is_told_one_by_one(call: Call) -> None:
    make_task(key="one", name="one")
    text = """{"format": "scheduler", "version": 1, "groups": [{"key": "night"}],
      "templates": [{"name": "T", "task": {"command": "x"}}],
      "rules": [{"scope": "group", "group": "night", "name": "R", "triggers": ["lost"], "channels": [{"channel": "on call"}]}]}"""
    found = json.loads(call("import", "-", "--dry-run", "--replace", "--json", input=text).stdout)["changes"]
    told = [("group", "night", "new"), ("template", "t", "new"), ("task", "one", "deleted"), ("rule", "night: R", "new")]
    assert [(one["what"], one["key"], one["action"]) for one in found] == told
    assert "deleted  one\nnew      rule night: R\n" in call("import", "-", "--replace", input=text).output


def test_what_is_wrong_is_told_and_ends_with_one(call: Call) -> None:
    for words in ((), ("--dry-run",), ("--dry-run", "--json")):
        done = call("import", "-", *words, input="61 * * * * x\n")
        assert done.exit_code == 1 and "Minute 61" in done.output


def test_nonsense_is_told_without_a_stack_trace(call: Call) -> None:
    done = call("import", "-", "--format", "json", input=b"\xff")
    assert done.exit_code == 1 and "UTF-8" in done.output and "Traceback" not in done.output


def test_a_wrong_option_ends_with_two(call: Call) -> None:
    assert call("import", "-", "--format", "rtf", input="").exit_code == 2


def test_what_is_exported_comes_in_again(call: Call, tmp_path: object) -> None:
    make_task(key="one")
    path = f"{tmp_path}/tasks.yaml"
    assert call("export", "-o", path).exit_code == 0
    assert "as it is: 1" in call("import", path).output


def test_runs_of_what_is_replaced_are_stopped(call: Call) -> None:
    run = make_run()
    assert call("import", "-", "--replace", input='{"format": "scheduler", "version": 1}').exit_code == 0
    db.session.expire_all()
    assert run.status == "cancelled"


def test_some_are_exported_by_key(call: Call) -> None:
    make_task(key="one"), make_task(key="two")
    found = json.loads(call("export", "two", "--format", "json").stdout)
    assert [task["key"] for task in found["tasks"]] == ["two"]
    assert call("export", "nobody").exit_code == 1
    assert call("export", "two", "--json").stdout == call("export", "two", "--format", "json").stdout


def test_what_is_wrong_is_told_in_json_where_answers_are(call: Call) -> None:
    done = call("import", "-", "--json", "--format", "crontab", input="0 1 * * * x\n61 * * * * x\n")
    assert (done.exit_code, done.stdout) == (1, "")
    (wrong,) = json.loads(done.stderr)["errors"]
    assert wrong == {"field": "line 2: schedule_config.minute", "message": "Minute 61 is outside 0–59."}
    assert json.loads(call("export", "nobody", "--json").stderr)["error"] == "There is no such task."


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_it_works_before_the_first_start(call: Call, words: tuple[str, ...]) -> None:
    db.session.delete(db.session.get_one(Group, DEFAULT_GROUP))
    db.session.commit()
    done = call("import", "-", *words, input=CRONTAB)
    assert (done.exit_code, done.exception) == (0, None) and "new: 2" in done.output
    assert all(task.group.key == "default" for task in db.session.query(Task))


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_without_tables_it_says_what_to_do(call: Call, words: tuple[str, ...]) -> None:
    db.drop_all()
    done = call("import", "-", *words, input=CRONTAB)
    assert done.exit_code == 1 and done.stderr == "Error: There are no tables yet: start the server once.\n"


def test_what_is_not_listed_is_counted(call: Call) -> None:
    told = call("import", "-", "--dry-run", input="# x\n" * 230).output
    assert told.count("comment") == 200 and "30 more are not listed: --json lists them all." in told


def test_no_more_is_read_than_a_file_may_hold(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "LARGEST", 1024 * 1024)
    monkeypatch.setattr(files, "LARGEST", 1024 * 1024)
    done = call("import", "/dev/zero")
    assert done.exit_code == 1 and "larger than 1 MB" in done.output


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "No line of it is a task."),
        (b"\xef\xbb\xbf# only\r\n# comments\r\n", "No line of it is a task."),
        (b'{"version": 1, "format": "scheduler", "tasks": []}', "new: 0"),
        (b"\x7fELF\x02\x01\x01\0\xff", "line 1: This is not text in UTF-8"),
        (b"format: scheduler\nversion: 1\ntasks: &a []\n", "line 3: Anchors and aliases are not taken"),
        (b"format: scheduler\nversion: 1\nversion: 1\n", "line 3: “version” stands there twice."),
    ],
)
def test_odd_files_are_told_for_what_they_are(call: Call, data: bytes, told: str) -> None:
    done = call("import", "-", input=data)
    assert told in done.output and done.exit_code == (1 if "line" in told and "task." not in told else 0)
