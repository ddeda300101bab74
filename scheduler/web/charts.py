"""The numbers behind charts drawn on the server: which strokes, and the sentence that says the same; no markup."""

from collections import Counter
from collections.abc import Sequence

from flask_babel import gettext, ngettext

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


def summary(bars: Sequence[Bar]) -> str:
    """What a sparkline shows, in words: `Last 20 runs: Success 18, Technical failure 2`."""
    if not bars:
        return str(gettext("No runs yet"))
    counts = Counter(status for status, _ in bars).most_common()
    listed = gettext(", ").join(f"{STATUS[status].word} {count}" for status, count in counts)
    return str(ngettext("Last run: %(list)s", "Last %(num)s runs: %(list)s", len(bars), list=listed))
