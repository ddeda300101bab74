"""Terminal output as markup: what is coloured, what is left out, what is escaped."""

import pytest

from scheduler.web.ansi import ansi


def test_it_leaves_plain_text_as_it_is() -> None:
    assert ansi("dumped 12 tables\n") == "dumped 12 tables"


def test_it_escapes_markup() -> None:
    assert ansi("<b onclick=x>&</b>") == "&lt;b onclick=x&gt;&amp;&lt;/b&gt;"


def test_it_escapes_markup_between_colours() -> None:
    assert ansi("\x1b[31m<i>\x1b[0m") == '<span class="ansi-fg1">&lt;i&gt;</span>'


@pytest.mark.parametrize(
    ("codes", "classes"),
    [
        ("32", "ansi-fg2"),
        ("1;31", "ansi-bold ansi-fg1"),
        ("91", "ansi-fg9"),
        ("97;41", "ansi-bg1 ansi-fg15"),
        ("104", "ansi-bg12"),
        ("38;5;4", "ansi-fg4"),
        ("38;5;9", "ansi-fg9"),
        ("48;5;3", "ansi-bg3"),
        ("48;5;11", "ansi-bg11"),
        ("38;5;200;4", "ansi-under"),
        ("38;2;1;2;3;3", "ansi-italic"),
        ("31;32", "ansi-fg2"),
    ],
)
def test_it_turns_colours_into_classes(codes: str, classes: str) -> None:
    assert ansi(f"\x1b[{codes}mx") == f'<span class="{classes}">x</span>'


@pytest.mark.parametrize("codes", ["", "0", "31;0", "31;39", "41;49", "1;22", "4;24", "38", "38;5", "999", ";;;"])
def test_it_ends_colours(codes: str) -> None:
    assert ansi(f"\x1b[{codes}mx") == "x"


@pytest.mark.parametrize(
    "sequence",
    [
        "\x1b[2J",
        "\x1b[?25l",
        "\x1b[1;1H",
        "\x1b]0;title\x07",
        "\x1b]8;;javascript:alert(1)\x1b\\",
        "\x1bP1$r\x1b\\",
        "\x1b(B",
        "\x1b7",
        "\x07",
        "\x00",
        "\x9b",
        "\u202e",
        "\u2066",
    ],
)
def test_it_strips_what_is_not_text(sequence: str) -> None:
    assert ansi(f"a{sequence}b") == "ab"


def test_it_strips_a_sequence_that_was_cut_off() -> None:
    assert ansi("a\x1b]0;half a tit") == "a"


def test_it_shows_a_redrawn_line_as_it_ended() -> None:
    assert ansi("10%\r50%\r100%\r\n") == "100%"


def test_it_keeps_tabs_and_chinese() -> None:
    assert ansi("备份\t完成") == "备份\t完成"


def test_it_is_quick_with_a_long_hostile_line() -> None:
    assert "x" in ansi("\x1b[31m\x1b]" * 5_000 + "\x1b\\x")


def test_it_strips_a_colour_no_terminal_has() -> None:
    assert ansi(f"\x1b[{'9' * 5_000}mx") == "x"
