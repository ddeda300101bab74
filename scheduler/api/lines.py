"""The log of an execution as the service and the engine face show it: lines with time, level and stream, and the text."""

from collections.abc import Iterator
from typing import Any

from flask import Response

from scheduler.accounts.permissions import Actor, require
from scheduler.api import asking
from scheduler.api.language import say
from scheduler.api.times import shown
from scheduler.config import settings
from scheduler.runs import folders, logs, whereabouts
from scheduler.runs.history import Entry
from scheduler.runs.logs import LEVELS, Filters, Line, Log
from scheduler.schedules import zone

MOST = 5000
USUAL = 1000
LONGEST_OUTPUT = 64 * 1024  # characters


def lines(actor: Actor, entry: Entry) -> list[dict[str, Any]]:
    """The last lines of the newest attempt, or the first that match `level`, `stream`, `q`, `since`, `until`.

    Where another machine has them, one line of the stream `gap` says so, whatever is asked.
    """
    require(actor, "log.read", entry.task)
    most, query, filters = asking.number("limit", USUAL, (1, MOST)), asking.text("q"), _filters(entry)
    if said := _elsewhere(entry):
        return [_line(Line(1, None, logs.GAP, "WARN", said), entry)]
    with opened(entry) as log:
        if query or filters != Filters():
            found = [line for number in log.search(query, filters).numbers[:most] for line in log.read(number, 1)]
        else:
            found = log.tail(most)
    return [_line(line, entry) for line in found]


def output(entry: Entry) -> str:
    """The end of what an execution printed; in brackets that another machine has it, where that is so."""
    if said := _elsewhere(entry):
        return f"[{said}]"
    with opened(entry) as log:
        return "\n".join(line.text for line in log.tail(USUAL))[-LONGEST_OUTPUT:]


def download(actor: Actor, entry: Entry) -> Response:
    """All that the newest attempt printed, as a file."""
    require(actor, "log.read", entry.task)
    log = logs.open_log(whereabouts.here(entry.run.id, _newest(entry)))
    response = Response(_pieces(log), mimetype="text/plain")
    response.headers["Content-Disposition"] = f'attachment; filename="{entry.run.public_id}.log"'
    return response


def opened(entry: Entry) -> Log:
    """The newest attempt's log."""
    return logs.open_log(folders.attempt_folder(settings().instance, entry.run.id, _newest(entry)))


def _newest(entry: Entry) -> int:
    return max(entry.run.attempts, 1)


def _elsewhere(entry: Entry) -> str:
    """That another machine has the log, where it has; the documents have no field for it, but lines where output is missing."""
    host = whereabouts.holder(entry.run.id, _newest(entry))
    return say(whereabouts.ELSEWHERE, host=host) if host else ""


def _filters(entry: Entry) -> Filters:
    here = zone(entry.task.timezone)
    return Filters(
        stream=asking.word("stream", ("stdout", "stderr")) or None,
        level=asking.word("level", [*LEVELS, "WARNING"]) or None,
        since=asking.moment("since", here),
        until=asking.moment("until", here),
    )


def _line(line: Line, entry: Entry) -> dict[str, Any]:
    """A line; where it names no level the documents' INFO."""
    at = shown(line.at or entry.run.finished_at or entry.run.queued_at)
    return {"timestamp": at, "level": line.level or "INFO", "stream": line.stream, "message": line.text}


def _pieces(log: Log) -> Iterator[bytes]:
    with log:
        yield from log.raw()
