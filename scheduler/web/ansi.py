"""Terminal output as safe markup: ANSI colours become CSS classes, every other control sequence goes, all text is escaped."""

import re

from markupsafe import Markup, escape

ESCAPES = re.compile(
    r"\x1b\[(?P<sgr>[0-9;]{0,64})m"  # colours, the only sequence that means something here
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # cursor and screen
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # titles, links and other strings
    r"|\x1b[ -/]*[0-~]?"
)
# Left out of the text: control characters, and the marks that make text read in another order than it is written.
CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
STYLES = {1: "ansi-bold", 2: "ansi-dim", 3: "ansi-italic", 4: "ansi-under"}
ENDS = {22: {"ansi-bold", "ansi-dim"}, 23: {"ansi-italic"}, 24: {"ansi-under"}}


def ansi(text: str) -> Markup:
    """One line of output as markup; a line redrawn with carriage returns shows what a terminal would show last."""
    line = text.rstrip("\r\n").rsplit("\r", 1)[-1]
    pieces: list[Markup] = []
    classes: set[str] = set()
    at = 0
    for match in ESCAPES.finditer(line):
        pieces.append(_piece(line[at : match.start()], classes))
        at = match.end()
        if match["sgr"] is not None:
            classes = _after(classes, [int(code or 0) for code in match["sgr"].split(";")])
    pieces.append(_piece(line[at:], classes))
    return Markup("").join(pieces)


def _piece(text: str, classes: set[str]) -> Markup:
    safe = escape(CONTROLS.sub("", text))
    if not classes or not safe:
        return safe
    return Markup('<span class="{}">{}</span>').format(" ".join(sorted(classes)), safe)


def _after(classes: set[str], codes: list[int]) -> set[str]:
    """The classes in force after the codes of one colour sequence; 38 and 48 take the codes that name their colour."""
    now = set(classes)
    queue = list(codes)
    while queue:
        code = queue.pop(0)
        if code in (38, 48):
            colour, queue = _named(queue)
            if colour is None:
                continue
            code = colour + (code - 8 if colour < 8 else code + 44)
        if code == 0:
            now = set()
        elif code in STYLES:
            now.add(STYLES[code])
        elif code in ENDS:
            now -= ENDS[code]
        elif 30 <= code <= 39 or 90 <= code <= 97:
            now = {name for name in now if not name.startswith("ansi-fg")} | _colour("fg", code, 30)
        elif 40 <= code <= 49 or 100 <= code <= 107:
            now = {name for name in now if not name.startswith("ansi-bg")} | _colour("bg", code, 40)
    return now


def _colour(layer: str, code: int, first: int) -> set[str]:
    """The class of a colour code: bright ones count on from 8, and 9 above the first means the default."""
    index = code - first if code < 90 else code - first - 52
    return {f"ansi-{layer}{index}"} if 0 <= index < 16 and code != first + 9 else set()


def _named(codes: list[int]) -> tuple[int | None, list[int]]:
    """The colour that follows 38 or 48, when it is one of the sixteen, and the codes left."""
    if codes[:1] == [5]:
        colour = codes[1] if len(codes) > 1 and codes[1] < 16 else None
        return colour, codes[2:]
    return None, codes[4:] if codes[:1] == [2] else codes[1:]
