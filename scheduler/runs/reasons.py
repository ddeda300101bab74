"""Why a run did not run or did not go on, as sentences of the catalogue: one place for pages and API; translates nothing."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scheduler.errors import N_
from scheduler.runs.models import Run
from scheduler.runs.status import Status

_KILLED = N_("Killed by signal 9 (out of memory?): not by the scheduler, but by the kernel or by somebody on the machine.")
_BY_SIGNAL: Mapping[int, str] = {
    signal.SIGKILL: _KILLED,
    signal.SIGXCPU: N_("Ended by signal 24: it used up the processor time that its task allows each process."),
    signal.SIGXFSZ: N_("Ended by signal 25: it made a file larger than its task allows."),
}
UNDONE = frozenset({Status.MISSED, Status.SKIPPED, Status.CANCELLED})


@dataclass(frozen=True)
class Sentence:
    """A sentence of the catalogue with `%(name)s` places, and what fills them; instants as they are, for the edges to write."""

    text: str
    params: Mapping[str, Any] = field(default_factory=dict)


def of(run: Run) -> Sentence | None:
    """Why this run was missed, skipped or cancelled; None when there is nothing to say."""
    known = (run.reason or {}) if run.status in UNDONE else {}
    said = _REASONS.get(str(known.get("code", "")))
    return said(run, known) if said else None


def of_signal(status: str | None, number: int | None) -> Sentence | None:
    """What a signal that ended a program tells, where it tells anything: a SIGKILL we did not send, a limit of the task."""
    # Our own SIGKILL ends as a timeout or a cancelled run.
    text = _BY_SIGNAL.get(number or 0) if status == Status.TECHNICAL_FAILURE else None
    return Sentence(text) if text else None


def _one_or_many(one: str, many: str) -> Callable[[Run, Mapping[str, Any]], Sentence]:
    """Of one missed instant, or of a gap that one row stands for."""

    def said(run: Run, _known: Mapping[str, Any]) -> Sentence:
        if run.missed_count > 1 and run.missed_until:
            return Sentence(many, {"count": run.missed_count, "since": run.scheduled_at, "until": run.missed_until})
        return Sentence(one)

    return said


def _always(text: str) -> Callable[[Run, Mapping[str, Any]], Sentence]:
    return lambda _run, _known: Sentence(text)


def _overlap(_run: Run, known: Mapping[str, Any]) -> Sentence:
    if known.get("run_id"):
        return Sentence(N_("Skipped: run #%(number)s of this task was not over yet."), {"number": known["run_id"]})
    return Sentence(N_("Skipped: several of its times came together, late, and an earlier one of them was to run first."))


def _stopped(_run: Run, known: Mapping[str, Any]) -> Sentence:
    if not known.get("by"):
        return Sentence(N_("Stopped by the scheduler."))
    return Sentence(N_("Stopped by %(who)s."), {"who": known["by"]})


def _disabled(run: Run, _known: Mapping[str, Any]) -> Sentence:
    if run.status == Status.SKIPPED:
        return Sentence(N_("Skipped: what it waits for has ended, but the task was disabled."))
    if run.attempts:
        return Sentence(N_("It was to be retried, but its task was disabled."))
    return Sentence(N_("Its task was disabled before it could begin."))


def _broken(_run: Run, known: Mapping[str, Any]) -> Sentence:
    text = N_("Skipped: its schedule cannot be read any more (%(why)s). It is due again once it has been edited.")
    return Sentence(text, {"why": known.get("error") or "—"})


_REASONS: Mapping[str, Callable[[Run, Mapping[str, Any]], Sentence]] = {
    "down": _one_or_many(
        N_("Missed: the scheduler was not running."),
        N_("Missed about %(count)s times from %(since)s to %(until)s: the scheduler was not running."),
    ),
    "paused": _one_or_many(
        N_("Missed: everything was paused."),
        N_("Missed about %(count)s times from %(since)s to %(until)s: everything was paused."),
    ),
    "clock": _one_or_many(
        N_("Missed: the clock jumped over it, because it was set forward or the machine slept."),
        N_("Missed about %(count)s times from %(since)s to %(until)s: the clock was set forward or the machine slept."),
    ),
    "late": _one_or_many(
        N_("Missed: the scheduler was too busy, or was itself held up, and came to it later than its grace allows."),
        N_("Missed about %(count)s times from %(since)s to %(until)s: the scheduler came to them too late."),
    ),
    "overlap": _overlap,
    "stopped": _stopped,
    "replaced": _always(N_("Replaced: a newer run of this task took its place.")),
    "deleted": _always(N_("Ended because its task was deleted.")),
    "disabled": _disabled,
    "schedule": _broken,
}
