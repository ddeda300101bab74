"""Files of nonsense: refused with a line and a reason, quickly, whatever they are."""

import json
import random
import time
from contextlib import suppress
from typing import Any

import pytest
import yaml
from flask import Flask

from scheduler.accounts.permissions import SYSTEM
from scheduler.errors import Invalid
from scheduler.tasks import drafts
from scheduler.tasks.transfer import decoding, exchange, source
from scheduler.tasks.transfer.changes import Options, Plan
from tests.factories import make_task

LAUGHS = "a: &a [x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(30))
HEAD = "format: scheduler\nversion: 1\n"
CASES = [
    ("json", b"{", "line 1"),
    ("json", b'{"format": "scheduler",\n"version": 1, "tasks": [}', "line 2"),
    ("json", b'{"format": "scheduler", "format": "x"}', "twice"),
    ("json", b'{"format": NaN}', "finite"),
    ("json", b'{"format": 1e999}', "finite"),
    ("json", b"[" * 100_000, "deeply"),
    ("json", b'{"a":' * 100_000, "deeply"),
    ("json", b"[]", "format: scheduler"),
    ("json", b"9" * 10_000, "JSON"),
    ("json", b'{"format": "scheduler", "version": 2}', "version"),
    ("json", b'{"format": "scheduler", "version": 1, "recipe": []}', "recipe"),
    ("json", b'{"format": "scheduler", "version": 1, "tasks": {}}', "list"),
    ("json", b'{"format": "\\ud800"}', "halves"),
    ("yaml", LAUGHS.encode(), "Anchors"),
    ("yaml", b"a: *b", "aliases"),
    ("yaml", b"[" * 100_000, "deeply"),
    ("yaml", b"- " * 100_000, "deeply"),
    ("yaml", b"a: 1\na: 2", "line 2"),
    ("yaml", b"a: .nan", "finite"),
    ("yaml", b"!!python/object/apply:os.system [ls]", "Tags"),
    ("yaml", b"a: !!binary aGk=", "Tags"),
    ("yaml", b"1: 2", "quotes"),
    ("yaml", b"a: 1\n---\nb: 2", "second document"),
    ("yaml", b"a: [1, 2", "YAML"),
    ("yaml", "格式".encode("gbk"), "UTF-8"),
    ("yaml", b"a\0b", "NUL"),
    ("crontab", "# 备份\n* * * * * 备份".encode("gbk"), "UTF-8"),
    ("crontab", b"\xff\xfe*\0 \0", "UTF-8"),
    ("tasks.json", b"3", "tasks.json"),
    ("rtf", b"", "not one of"),
    ("json", b" " * (20 * 1024 * 1024 + 1), "20 MB"),
]


@pytest.mark.parametrize(("format_", "data", "told"), CASES, ids=lambda one: str(one)[:25])
def test_it_is_refused_with_a_reason(app: Flask, format_: str, data: bytes, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        exchange.read(data, format_)
    assert told in str(refused.value) and len(str(refused.value)) < 500


@pytest.mark.parametrize("format_", exchange.FORMATS)
def test_random_octets_never_break_it(app: Flask, format_: str) -> None:
    dice = random.Random(7)
    for size in (1, 10, 100, 1000, 5000):
        for _ in range(40):
            data = dice.randbytes(size) if size < 1000 else bytes(dice.choices(b"{}[]:,-&*!|>'\"%@`#\n \t09az/", k=size))
            try:
                exchange.read(data, format_)
            except Invalid as error:
                assert error.problems


@pytest.mark.slow  # twenty million letters each
@pytest.mark.parametrize("part", [b"* ", b"a", b"\n", b"x=1\n"])
def test_twenty_megabytes_of_nothing_take_seconds(app: Flask, part: bytes) -> None:
    began = time.process_time()
    with suppress(Invalid):
        exchange.read(part * (20_000_000 // len(part)), "crontab")
    assert time.process_time() - began < 20


@pytest.mark.parametrize("text", ["\ufeff" + HEAD, HEAD.replace("\n", "\r\n")])
def test_marks_and_line_ends_of_other_systems_are_no_nonsense(app: Flask, text: str) -> None:
    assert exchange.read(text.encode(), "yaml").entries == []


MANY = exchange.MOST_TASKS + 1
WIDE = [
    ("json", '{"format": "scheduler", "version": 1, "tasks": [' + "1," * MANY + "1]}", "20000 entries"),
    ("json", '{"format": "scheduler", "version": 1, ' + ",".join(f'"n{one}": 1' for one in range(MANY)) + "}", "20000 entries"),
    ("json", "[" + "[]," * decoding.MOST_VALUES + "1]", "1000000 values"),
    ("json", "[" + ("[" + "1," * 999 + "1],") * 1001 + "1]", "1000000 values"),
    ("yaml", f"{HEAD}tasks:\n" + "- 1\n" * MANY, "line 20004"),
    ("yaml", "".join(f"n{one}: 1\n" for one in range(MANY)), "line 20001"),
]


@pytest.mark.parametrize(("format_", "text", "told"), WIDE, ids=lambda one: str(one)[:25])
def test_what_holds_too_much_is_refused(format_: str, text: str, told: str) -> None:
    with pytest.raises(Invalid, match=told):
        exchange.read(text.encode(), format_)


def test_a_file_of_too_much_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MOST_VALUES", 10)
    events = iter(yaml.parse("- [1, 1, 1, 1]\n" * 100, Loader=yaml.CSafeLoader))
    with pytest.raises(Invalid, match=r"line 3: .* 10 values"):
        decoding._Builder().built(events)
    assert len(list(events)) > 500


@pytest.fixture
def five(monkeypatch: pytest.MonkeyPatch) -> int:
    """Five things wrong are enough."""
    monkeypatch.setattr(source, "ENOUGH", 5)
    return 5


def look(text: str, format_: str = "crontab") -> Plan:
    return exchange.look(SYSTEM, exchange.read(text.encode(), format_), Options(replace=True)).plan


def entries(section: str, **values: Any) -> str:
    entry = {"name": "x", "type": "shell", "command": "y", "schedule_type": "manual"} if section == "tasks" else {}
    found = [{**entry, "key": f"k{one}", **values} for one in range(20)]
    return json.dumps({"format": "scheduler", "version": 1, section: found})


def test_wrong_lines_are_not_judged_without_end(app: Flask, five: int, monkeypatch: pytest.MonkeyPatch) -> None:
    judged, read = [], drafts.read
    monkeypatch.setattr(drafts, "read", lambda *given, **more: (judged.append(1), read(*given, **more))[1])
    plan = look("".join(f"0 1 * * * fine {one}\n61 * * * * wrong {one}\n" for one in range(20)))
    assert len(judged) == 2 * five and len(plan.problems) == five and source.MORE in plan.source.notes
    assert [line.role for line in plan.source.lines] == ["task", "wrong"] * five + ["unread"] * 30
    assert not any(line.becomes for line in plan.source.lines[10:])


def test_lines_that_cannot_be_read_are_not_read_without_end(app: Flask, five: int) -> None:
    plan = look("0 1 * * * fine\n" + "nonsense\n" * 20)
    assert [line.role for line in plan.source.lines] == ["unread"] + ["wrong"] * five + ["unread"] * 15
    assert plan.changes == [] and source.MORE in plan.source.notes


@pytest.mark.parametrize("section", ["groups", "templates", "tasks", "rules"])
def test_nothing_behind_enough_is_judged(app: Flask, five: int, section: str) -> None:
    plan = look(entries(section, colour=1), "json")
    assert five <= len(plan.problems) <= five + 2 and source.MORE in plan.source.notes


def test_what_was_not_looked_at_deletes_nothing(app: Flask, five: int) -> None:
    make_task(key="k19")
    assert not look(entries("tasks", colour=1), "json").of("delete")


def test_what_is_wrong_with_all_of_them_together_has_an_end_too(app: Flask, five: int) -> None:
    assert len(look(entries("tasks"), "json").problems) == five  # all called alike
    text = entries("tasks", depends_on=["nobody"]).replace('"x"', '"%s"')
    assert len(look(text % tuple("abcdefghijklmnopqrst"), "json").problems) == five


def test_a_refusal_says_that_the_rest_was_not_looked_at(app: Flask, five: int) -> None:
    with pytest.raises(Invalid, match="the rest was not looked at"):
        exchange.bring_in(SYSTEM, exchange.read(b"nonsense\n" * 20, "crontab"))


def test_what_is_wrong_with_one_is_not_said_of_those_that_wait_for_it(app: Flask) -> None:
    one = {"key": "one", "name": "one", "command": "x", "schedule_type": "manual"}
    two = {**one, "key": "two", "name": "two", "depends_on": ["one"]}
    rule = {"scope": "task", "task": "one", "triggers": ["lost"], "channels": [{"channel": "on call"}]}
    text = json.dumps({"format": "scheduler", "version": 1, "tasks": [one | {"colour": 1}, two], "rules": [rule]})
    assert [problem.path for problem in look(text, "json").problems] == ["tasks[0].colour"]


@pytest.mark.parametrize(
    ("text", "format_"),
    [
        ('{"version": 1, "format": "scheduler"}', "json"),
        ('[{"task_id": "x"}]', "tasks.json"),
        ("# made by hand\n\nformat: scheduler\n", "yaml"),
        ("\ufeff---\ngroups:\n- key: a\n", "yaml"),
        ("services:\n  web: x\n", "yaml"),
        ("# note: this\nMAILTO=me@example.org\n", "crontab"),
        ("@daily echo a: b\n", "crontab"),
        ("", "crontab"),
    ],
)
def test_a_file_is_taken_for_what_it_looks_like(text: str, format_: str) -> None:
    assert decoding.guess(text.encode()) == format_
