"""A crontab brought in: each line is told what becomes of it, nothing is dropped in silence, nothing runs twice."""

import os
import pwd
import subprocess
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db
from scheduler.errors import Invalid
from scheduler.tasks import trash
from scheduler.tasks.models import Task
from scheduler.tasks.transfer import crontab, crontab_again, crontab_tasks, exchange
from scheduler.tasks.transfer.changes import Options
from scheduler.tasks.transfer.source import Source

DEBIAN = """\
# /etc/crontab: system-wide crontab
# Unlike any other crontab you don't have to run the `crontab'
# command to install the new version when you edit this file

SHELL=/bin/sh
# You can also override PATH, but by default, newer versions inherit it from the environment
#PATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin

# Example of job definition:
# .---------------- minute (0 - 59)
# |  .------------- hour (0 - 23)
# *  *  *  *  * user-name command to be executed
17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly
25 6\t* * *\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }
#
"""
MINE = """\
MAILTO=me@example.org
PATH = "/usr/local/bin:/usr/bin:/bin"
CRON_TZ=Europe/Berlin
TZ=UTC
# Nightly backup
# of the order database
0 2 * * * /opt/backup.sh --full
#0 3 * * * /opt/old.sh
@reboot /opt/begin.sh
@daily date +\\%F
5 4 * * sun mail -s hi bob%Dear Bob,%100\\% yours
-*/15 * * * * true
"""


def read(text: str, form: str = "user") -> Source:
    return crontab_tasks.read(text, form)


def notes(source: Source, number: int) -> str:
    return " ".join(note.text % note.params for note in source.lines[number - 1].notes)


def bring(text: str, **options: bool) -> list[Task]:
    exchange.bring_in(SYSTEM, exchange.read(text.encode(), "crontab"), Options(**options))
    return db.session.query(Task).filter(Task.deleted_at.is_(None)).order_by(Task.id).all()


def test_every_line_has_a_role() -> None:
    roles = [line.role for line in read(MINE).lines]
    assert roles == ["setting"] * 4 + ["comment"] * 2 + ["task", "lost"] + ["task"] * 4


def test_the_comment_right_above_is_name_and_description() -> None:
    values = read(MINE).entries[0].values
    assert (values["name"], values["description"]) == ("Nightly backup", "of the order database")


def test_settings_hold_for_the_lines_below() -> None:
    values = read(MINE).entries[0].values
    assert values["env"] == {"PATH": "/usr/local/bin:/usr/bin:/bin", "TZ": "UTC"} and values["timezone"] == "Europe/Berlin"
    assert values["metadata"] == {"crontab": "0 2 * * * /opt/backup.sh --full", "mailto": "me@example.org"}
    assert read("0 1 * * * a\nX=1\n0 2 * * * b").entries[0].values["env"] == {}


def test_it_says_what_is_otherwise_here() -> None:
    source = read(MINE)
    told = {1: "Nothing is mailed", 3: "in this zone", 4: "for the command alone", 8: "switched off", 9: "when the machine boots"}
    for number, text in {**told, 11: "its input", 12: "The “-” in front"}.items():
        assert text in notes(source, number)


def test_a_job_at_boot_is_one_that_is_run_by_hand() -> None:
    assert read("@reboot x").entries[0].values["schedule_type"] == "manual"


def test_a_percent_sign_parts_the_command_from_its_input(tmp_path: Path) -> None:
    command = read("* * * * * cat -; cat - >&2%one%two \\% three").entries[0].values["command"]
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == "one\ntwo % three\n"


def test_input_that_holds_the_end_mark_stays_whole() -> None:
    command = read("* * * * * cat%END%END_").entries[0].values["command"]
    assert subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True).stdout == "END\nEND_\n"


def test_another_shell_reads_its_commands() -> None:
    assert read("SHELL=/bin/bash\n* * * * * x").entries[0].values["shell"] == "bash"
    source = read("SHELL=/usr/bin/zsh\n* * * * * x")
    assert source.entries[0].values["command"] == "#!/usr/bin/zsh\nx" and "/usr/bin/zsh" in notes(source, 1)


def test_it_starts_where_cron_would_start_it() -> None:
    home = pwd.getpwuid(os.getuid()).pw_dir
    assert read("* * * * * x").entries[0].values["working_directory"] == home
    assert read("HOME=/srv\n* * * * * x").entries[0].values["working_directory"] == "/srv"


def test_debian_s_own_crontab_is_the_system_s() -> None:
    source = crontab_tasks.read(DEBIAN)
    first, second = source.entries
    assert first.values["command"] == "cd / && run-parts --report /etc/cron.hourly"
    assert first.values["schedule_config"] == {"cron": "17 * * * *"} and not first.values["description"]
    assert second.values["metadata"]["user"] == "root" and not source.problems


@pytest.mark.parametrize(
    "text", ["0 5 * * * /usr/bin/x y", "0 5 * * * backup.sh now", "# m h dom mon dow command\n0 5 * * * root x"]
)
def test_a_user_s_crontab_is_told_from_it(text: str) -> None:
    assert not crontab.is_system(text.split("\n"))


def test_one_line_that_is_not_the_system_s_settles_it(monkeypatch: pytest.MonkeyPatch) -> None:
    looked, read = [], crontab.read
    monkeypatch.setattr(crontab, "read", lambda line, system: (looked.append(line), read(line, system))[1])
    assert not crontab.is_system(["# x", "0 5 * * * root x", "nonsense", *["0 5 * * * root x"] * 1000]) and len(looked) == 3


def test_another_user_is_mentioned() -> None:
    assert "“nobody”" in notes(crontab_tasks.read("0 5 * * * nobody x", "system"), 1)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("61 * * * * x", "line 1: schedule_config.minute: Minute 61"),
        ("hello world", "neither a setting"),
        ("* * * *", "neither a setting"),
        ("* * * * *", "no command"),
        ("@hourly", "no command"),
        ("@fortnightly x", "“@fortnightly” is no schedule"),
        ("CRON_TZ=Mars/Base", "not a known time zone"),
        ("30 2 30 2 * x", "never fires"),
        ('"a b"=1', "not a variable's name"),
        ("* * * * * " + "x" * 100_000, "too long"),
    ],
)
def test_a_wrong_line_keeps_all_of_them_out(app: Flask, line: str, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        bring(f"{line}\n0 1 * * * fine\n")
    assert told in str(refused.value) and db.session.query(Task).count() == 0


def test_the_tasks_are_disabled_unless_asked_otherwise(app: Flask) -> None:
    assert [task.enabled for task in bring(MINE)] == [False] * 5


def test_they_can_be_enabled_at_once(app: Flask) -> None:
    assert [task.enabled for task in bring("0 2 * * * x\n0 3 * * * y", enable=True)] == [True, True]


def test_bringing_it_in_again_changes_nothing_that_was_done_meanwhile(app: Flask) -> None:
    task = bring(MINE)[0]
    task.enabled = True
    db.session.commit()
    assert len(bring(MINE)) == 5 and db.session.get_one(Task, task.id).enabled


def test_it_never_touches_a_task_from_elsewhere(app: Flask) -> None:
    first = bring("# same\n0 1 * * * one")[0]
    tasks = bring("# same\n0 2 * * * two\n# same\n0 3 * * * three")
    assert [task.name for task in tasks] == ["same", "same (2)", "same (3)"]
    assert tasks[0].id == first.id and tasks[0].content == {"command": "one"}


def test_a_look_counts_what_they_will_fire_once_enabled(app: Flask) -> None:
    outcome = exchange.look(SYSTEM, exchange.read(b"0 2 * * * x", "crontab"))
    assert [fires.gained for fires in outcome.fires.values()] == [14]


def test_line_ends_of_other_systems_belong_to_no_command(app: Flask) -> None:
    assert bring("0 1 * * * one\r\n0 2 * * * two\r\n")[0].content == {"command": "one"}


@given(
    text=st.text(st.characters(blacklist_categories=["Cs"]), max_size=200) | st.from_regex(r"([*\d@/ ,=#%\\a-z-]{0,30}\n){0,6}")
)
def test_whatever_it_is_each_line_is_reported(text: str) -> None:
    source = crontab_tasks.read(text)
    assert len(source.lines) == len(crontab.lines_of(text))
    assert len(source.entries) + len(source.problems) <= len(source.lines)


def test_lines_that_are_alike_are_tasks_of_their_own_and_stay_the_same_ones(app: Flask) -> None:
    text = "0 1 * * * x\n" * 60
    made = {task.key: task.id for task in bring(text)}
    assert made.keys() == {"x", *(f"x-{number}" for number in range(2, 61))}
    assert {task.key: task.id for task in bring(text)} == made


def test_a_line_is_the_task_it_was_although_one_before_it_was_deleted(app: Flask) -> None:
    first, second = bring("# same\n0 1 * * * one\n# same\n0 2 * * * two")
    trash.remove(SYSTEM, first.id)
    assert [task.id for task in bring("# same\n0 2 * * * two")] == [second.id]


def test_thousands_of_lines_that_are_alike_ask_once_each_what_is_free(app: Flask) -> None:
    class Taken(set[str]):
        asked = 0

        def __contains__(self, name: object) -> bool:
            self.asked += 1
            return super().__contains__(name)

    taken = Taken({"x", "x-7"})
    free = crontab_again.Free("-{}", taken)
    assert [free.of("x") for _ in range(1000)][4:7] == ["x-6", "x-8", "x-9"]
    assert taken.asked < 3 * 1000
