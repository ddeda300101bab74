"""Names, keys, and the keys made from names."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scheduler.errors import Invalid
from scheduler.tasks import wording


@pytest.mark.parametrize("name", ["a", "每天备份", "Café 5", "a.b-c_d (e) / f", "x" * 100, "ÄÖÜ ñ"])
def test_it_accepts_names_people_give(name: str) -> None:
    assert wording.name(name) == name


LYING = ["a\x00b", "a\x1bb", "a\u200fb", "a\ufeffb", "😀", "\ue000", "\ud800"]


@pytest.mark.parametrize("name", ["", " ", "\t\n", "x" * 101, "a<b", "a>b", *LYING])
def test_it_refuses_names_that_lie_or_break_pages(name: str) -> None:
    with pytest.raises(Invalid):
        wording.name(name)


def test_it_tidies_spaces() -> None:
    assert wording.name("  a \u3000 b\tc ") == "a b c"


@pytest.mark.parametrize("key", ["a", "a-1", "1a", "a_b", "0-x", "k" * 100])
def test_it_accepts_keys(key: str) -> None:
    assert wording.key(key) == key


@pytest.mark.parametrize("key", ["", "A", "1", "-a", "_a", "a b", "a/b", "a\n", "ключ", "k" * 101, "12-3"])
def test_it_refuses_other_keys(key: str) -> None:
    with pytest.raises(Invalid):
        wording.key(key)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Nightly Backup", "nightly-backup"),
        ("Café", "cafe"),
        ("a  b--c", "a-b-c"),
        ("每天备份", "task-"),
        ("7", "task-7-"),
        ("备份 db", "task-db-"),
    ],
)
def test_it_makes_keys_that_read_like_names(name: str, key: str) -> None:
    assert wording.key_from(name).startswith(key)


@given(some.text(max_size=200))
def test_every_name_has_a_key_and_always_the_same(name: str) -> None:
    key = wording.key_from(name.encode("utf-8", "replace").decode())
    assert wording.key(key) == key == wording.key_from(name.encode("utf-8", "replace").decode())


def test_names_without_ascii_do_not_share_a_key() -> None:
    assert wording.key_from("备份") != wording.key_from("清理")


@pytest.mark.parametrize(("text", "count"), [("plain\n\ttext\r", 0), ("a\0", 1), ("a\x07", 1)])
def test_it_finds_controls_in_longer_texts(text: str, count: int) -> None:
    assert len(wording.plain(text, "description")) == count
