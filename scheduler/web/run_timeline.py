"""The story of a run as its page tells it: due, queued, each attempt, stops, the end; nothing is kept here."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext

from scheduler.runs.models import Attempt
from scheduler.runs.status import AttemptStatus
from scheduler.web import formats, run_words
from scheduler.web.looks import STATUS
from scheduler.web.run_head import Head


@dataclass(frozen=True)
class Event:
    """Something that happened to a run, and when."""

    at: datetime
    text: str
    tone: str = "idle"


def events(head: Head) -> list[Event]:
    """What happened so far and what is planned, in order of time."""
    return sorted(_events(head), key=lambda event: event.at)


def _events(head: Head) -> Iterator[Event]:
    run = head.run
    yield Event(run.scheduled_at, gettext("Due (%(cause)s)", cause=run_words.cause(run)))
    yield Event(run.queued_at, gettext("Queued"))
    for attempt in head.attempts:
        yield from _of_attempt(attempt)
    if run.cancel_at:
        who = run.cancel_by or gettext("the scheduler")
        yield Event(run.cancel_at, gettext("%(who)s asked it to stop", who=who), "warn")
    if run.not_before and head.live:
        yield Event(run.not_before, gettext("Next attempt planned"), "busy")
    if run.finished_at:
        look = STATUS[run.status]
        yield Event(run.finished_at, gettext("Ended: %(status)s", status=look.word), look.tone)


def _of_attempt(attempt: Attempt) -> Iterator[Event]:
    number = attempt.number
    yield Event(attempt.started_at or attempt.claimed_at, gettext("Attempt %(number)s started", number=number), "busy")
    if attempt.finished_at and attempt.status != AttemptStatus.RUNNING:
        look = STATUS[attempt.status]
        how = run_words.exit_word(attempt.exit_code, attempt.signal)
        text = gettext("Attempt %(number)s ended: %(status)s", number=number, status=look.word)
        if attempt.signal is not None:
            text = gettext("%(text)s, signal %(how)s", text=text, how=how)
        elif how != formats.NOTHING:
            text = gettext("%(text)s, exit code %(how)s", text=text, how=how)
        yield Event(attempt.finished_at, text, look.tone)
