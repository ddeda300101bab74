"""Lines of a log as markup: colours, matches, time on the viewer's clock; which lines is the window's business."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import tzinfo

from flask_babel import gettext
from markupsafe import Markup, escape

from scheduler.runs.logs import GAP, Line
from scheduler.web import formats
from scheduler.web.ansi import CONTROLS, ESCAPES, ansi


@dataclass(frozen=True)
class Shown:
    """One line ready to be written; a gap has no number of its own."""

    number: int
    look: str
    time: str
    text: Markup
    cut: bool
    replaces: bool = False  # it stands on the page already, unfinished


def shown(lines: Iterable[Line], zone: tzinfo, needle: str = "", current: int = 0, open_number: int = 0) -> list[Shown]:
    """`lines` for a reader in `zone`, with `needle` marked; `open_number` is the unfinished line the reader has already."""
    return [
        Shown(
            0 if line.stream == GAP else line.number,
            _look(line, current),
            f"{line.at.astimezone(zone):%H:%M:%S}.{line.at.microsecond // 100_000}" if line.at else "",
            _text(line, needle),
            line.cut and line.stream != GAP,
            line.number == open_number,
        )
        for line in lines
    ]


def _text(line: Line, needle: str) -> Markup:
    if line.stream == GAP:
        size = formats.size(int("".join(filter(str.isdigit, line.text)) or 0))
        return escape(gettext("… %(size)s of output were not kept here …", size=size))
    return marked(line.text, needle) if needle else ansi(line.text)


def marked(text: str, needle: str) -> Markup:
    """`text` with every `needle` in it marked; a line without one keeps its colours."""
    plain = CONTROLS.sub("", ESCAPES.sub("", text))
    lower, wanted = plain.lower(), needle.lower()
    if wanted not in lower or len(lower) != len(plain):
        return ansi(text)
    pieces: list[Markup] = []
    at = 0
    while (found := lower.find(wanted, at)) >= 0:
        pieces += [escape(plain[at:found]), Markup("<mark>{}</mark>").format(plain[found : found + len(wanted)])]
        at = found + len(wanted)
    return Markup("").join([*pieces, escape(plain[at:])])


def _look(line: Line, current: int) -> str:
    words = ["line"]
    if line.stream == "stderr":
        words.append("line-err")
    if line.stream == GAP:
        words.append("line-note")
    if line.number == current:
        words += ["is-marked", "is-current"]
    return " ".join(words)
