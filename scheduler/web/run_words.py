"""What a run is called and why it is as it is, in sentences for people; how it is judged and started lives in runs."""

import re
import signal
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext, ngettext

from scheduler.errors import N_
from scheduler.runs import reasons
from scheduler.runs.models import Attempt, Run
from scheduler.runs.reasons import Sentence
from scheduler.runs.status import Cause, Status
from scheduler.tasks import secrets
from scheduler.tasks.models import Task
from scheduler.web import formats, task_controls

# Sentences that errors were kept in, with what found its places in them.
_WITH_PLACES: Mapping[str, re.Pattern[str]] = {
    text: re.compile(re.sub(r"%\\\((\w+)\\\)s", r"(?P<\1>.+?)", re.escape(text))) for text in (secrets.MISSING, secrets.TOO_LONG)
}
CAUSES: Mapping[str, str] = {
    Cause.SCHEDULE: N_("Schedule"),
    Cause.MANUAL: N_("By hand"),
    Cause.API: N_("API"),
    Cause.DEPENDENCY: N_("Another task"),
}
CODES: Mapping[int, str] = {
    126: N_("126 usually means that a program was found but may not be executed."),
    127: N_("127 usually means that a command was not found."),
    137: N_("137 usually means that a program was killed, often for lack of memory."),
    143: N_("143 usually means that a program was asked to end."),
}

LOST = N_("Nobody saw it end: the machine or its supervisor went away. It may have done its work or not, so it is not retried.")


def standing(run: Run) -> str:
    """The status by which `looks` knows the run; a queued one that has begun already waits to retry."""
    return "retrying" if run.status == Status.PENDING and run.started_at else run.status


def cause(run: Run) -> str:
    """What made the run: `Schedule`, `Schedule, late`, `By hand, ada`."""
    word = gettext(CAUSES.get(run.cause, run.cause))
    if run.late:
        return str(gettext("%(cause)s, late", cause=word))
    return str(gettext("%(cause)s, %(who)s", cause=word, who=run.triggered_by) if run.triggered_by else word)


def reason(run: Run) -> str:
    """Why it was missed, skipped or cancelled, in a sentence; empty when there is nothing to say."""
    said = reasons.of(run)
    return sentence(said) if said else ""


def sentence(said: Sentence) -> str:
    """A sentence of the domain in the viewer's language, its instants on the viewer's clock."""
    return str(gettext(said.text, **{name: _written(name, value) for name, value in said.params.items()}))


def blocker(run: Run) -> int | None:
    """The number of the run that was still in its way."""
    found = (run.reason or {}).get("run_id")
    return found if isinstance(found, int) else None


def last_words(run: Run) -> str:
    """What a list shows of how it went: its own summary, its last line, or why there is none."""
    return run.summary or run.last_line or reason(run) or error(run.error)


def error(text: str | None) -> str:
    """An error as it was kept, in the viewer's language where it is a sentence of ours."""
    for known, pattern in _WITH_PLACES.items():
        if text and (match := pattern.fullmatch(text)):
            return str(gettext(known, **match.groupdict()))
    return str(gettext(text)) if text else ""


def delay(run: Run) -> float | None:
    """Seconds from the due instant to the start."""
    return (run.started_at - run.scheduled_at).total_seconds() if run.started_at else None


def exit_word(code: int | None, number: int | None) -> str:
    """How a process ended: its exit code, or the signal's name and number."""
    if number is not None:
        return f"{signal_name(number)} ({number})"
    return formats.NOTHING if code is None else str(code)


def signal_name(number: int) -> str:
    """`SIGTERM` for 15."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(gettext("signal %(number)s", number=number))


def verdict(run: Run, attempt: Attempt | None, task: Task) -> str:
    """Why a run that did not succeed counts as it does, in a sentence."""
    status = attempt.status if attempt else run.status
    if status == Status.TIMEOUT:
        limit = formats.duration(task.policy["timeout_seconds"])
        return str(gettext("It ran longer than its time limit (now %(limit)s) and was stopped.", limit=limit))
    if status == Status.LOST:
        return str(gettext(LOST))
    if status == Status.BUSINESS_FAILURE:
        return str(gettext("A business failure: the program ran to its end and reports a bad result. It is not retried."))
    if status == Status.TECHNICAL_FAILURE:
        ended = attempt or run
        killed = reasons.of_signal(status, ended.signal)
        return sentence(killed) if killed else _technical(ended.exit_code, ended.signal)
    return ""


def unmet_limits(attempt: Attempt | None) -> list[str]:
    """Which limits of the task did not hold for this attempt, and what held instead, in sentences."""
    found: Mapping[str, int | None] = ((attempt.result or {}).get("unmet_limits") or {}) if attempt else {}
    words = task_controls.limit_words()
    return [
        str(gettext("The limit “%(name)s” could not be had: root has none.", name=gettext(words.get(name, name))))
        if most is None
        else str(
            gettext(
                "The limit “%(name)s” was %(most)s: the machine allows no more.", name=gettext(words.get(name, name)), most=most
            )
        )
        for name, most in found.items()
    ]


def left_behind(attempt: Attempt | None) -> str:
    """That processes went on when the task itself had ended; empty when none did."""
    count = (attempt.result or {}).get("left_behind", 0) if attempt else 0
    return (
        ngettext("It left %(num)s process behind, which was ended.", "It left %(num)s processes behind, which were ended.", count)
        if count
        else ""
    )


def _technical(code: int | None, number: int | None) -> str:
    if number is not None:
        return str(gettext("A technical failure: the program was ended by the signal %(name)s.", name=signal_name(number)))
    if code is None:
        return str(gettext("A technical failure: the program could not be started."))
    known = gettext(CODES[code]) if code in CODES else ""
    return " ".join(filter(None, [gettext("A technical failure: the program did not do its work."), known]))


def _written(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return formats.absolute(value, "exact" if value.second else "short")
    if isinstance(value, timedelta):
        return formats.duration(value)
    return formats.number(value) if name == "count" else value
