"""The chart of a task's last runs: where each bar stands and what it says; drawn by a template, no markup here."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext

from scheduler.runs.models import Run
from scheduler.runs.status import RAN
from scheduler.web import charts, formats, run_words
from scheduler.web.looks import STATUS

SLOTS, STEP, HEIGHT, LEAST = 60, 10, 100, 3.0


@dataclass(frozen=True)
class Bar:
    """One run: a closed path, its tone, and the sentence it tells when pointed at."""

    path: str
    tone: str
    title: str


@dataclass(frozen=True)
class Chart:
    """Bars, oldest first; `average` is the height of its line, the durations are in seconds."""

    bars: list[Bar]
    label: str
    longest: float
    average: float | None
    oldest: Run | None
    newest: Run | None

    width = SLOTS * STEP
    height = HEIGHT


def drawn(runs: Sequence[Run], average: float | None) -> Chart:
    """The chart of `runs` (newest first, at most 60 are shown), with a line at the average duration."""
    shown = list(reversed(runs[:SLOTS]))
    longest = max((run.duration or 0 for run in shown), default=0) or 1.0
    first = SLOTS - len(shown)
    bars = [_bar(run, first + place, longest) for place, run in enumerate(shown)]
    label = charts.summary([(run_words.standing(run), 0) for run in shown])
    line = round(HEIGHT * (1 - average / longest), 1) if average and average <= longest else None
    return Chart(bars, label, longest, line, shown[0] if shown else None, shown[-1] if shown else None)


def percentile(runs: Sequence[Run], share: float = 0.95) -> float | None:
    """The duration that this share of `runs` stayed within; None with too few to say."""
    durations = sorted(run.duration for run in runs if run.duration is not None and run.status in RAN)
    if len(durations) < 5:
        return None
    return durations[min(round(share * len(durations)), len(durations) - 1)]


def _bar(run: Run, slot: int, longest: float) -> Bar:
    look = STATUS[run_words.standing(run)]
    tall = max(LEAST, round((run.duration or 0) / longest * (HEIGHT - 2), 1))
    path = f"M{slot * STEP + 1} {HEIGHT}v-{tall:g}h{STEP - 2}v{tall:g}z"
    when = formats.absolute(run.scheduled_at, "short")
    texts = {"number": run.id, "status": look.word, "when": when, "lasted": formats.duration(run.duration)}
    return Bar(path, look.tone, gettext("#%(number)s · %(when)s · %(status)s · %(lasted)s", **texts))
