"""Files of nonsense: refused with a line and a reason, quickly, whatever they are."""

import random
import time
from contextlib import suppress

import pytest
from flask import Flask

from scheduler.errors import Invalid
from scheduler.tasks.transfer import exchange

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
