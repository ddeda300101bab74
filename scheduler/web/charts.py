"""The smallest chart, drawn on the server: its strokes, its markup, and the sentence that says the same."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from flask_babel import get_locale, gettext, ngettext
from markupsafe import Markup

from scheduler.web.looks import STATUS, Tone

STEP, HEIGHT, LEAST = 5, 20, 2.0

Bar = tuple[str, float]  # a status, and a height from 0 to 1


def strokes(bars: Sequence[Bar], slots: int = 20) -> dict[str, str]:
    """One path for each tone, newest bar rightmost; `empty` marks the slots without a run."""
    shown = bars[-slots:]
    paths: dict[str, str] = {}
    for slot in range(slots - len(shown)):
        paths["empty"] = paths.get("empty", "") + f"M{slot * STEP + 2} {HEIGHT}v-1"
    for slot, (status, height) in enumerate(shown, start=slots - len(shown)):
        tone: Tone = STATUS[status].tone
        tall = max(LEAST, round(min(height, 1.0) * HEIGHT, 1))
        paths[tone] = paths.get(tone, "") + f"M{slot * STEP + 2} {HEIGHT}v-{tall:g}"
    return paths


def sparkline(bars: Sequence[Bar], slots: int = 20, label: str = "", wide: bool = False) -> Markup:
    """One drawing, one path for each tone, and what it shows in words; a list that refreshes itself draws most of them once."""
    return _drawn(tuple(bars), slots, label, wide, str(get_locale()))


@lru_cache(maxsize=4096)
def _drawn(bars: tuple[Bar, ...], slots: int, label: str, wide: bool, _language: str) -> Markup:
    shape = Markup('<svg class="spark{}"{} role="img" viewBox="0 0 {} {}" aria-label="{}">{}</svg>')
    path = Markup('<path class="stroke-{}" d="{}"/>')
    paths = Markup("").join(path.format(tone, stroke) for tone, stroke in strokes(bars, slots).items())
    stretched = Markup(' preserveAspectRatio="none"') if wide else ""
    return shape.format(" spark-wide" if wide else "", stretched, slots * STEP, HEIGHT, label or summary(bars), paths)


def summary(bars: Sequence[Bar]) -> str:
    """What a sparkline shows, in words: `Last 20 runs: Success 18, Technical failure 2`."""
    if not bars:
        return str(gettext("No runs yet"))
    counts = Counter(status for status, _ in bars).most_common()
    listed = gettext(", ").join(f"{STATUS[status].word} {count}" for status, count in counts)
    return str(ngettext("Last run: %(list)s", "Last %(num)s runs: %(list)s", len(bars), list=listed))
