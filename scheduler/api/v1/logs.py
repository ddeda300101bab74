"""Logs of executions: as the document's file of lines, as lines with time, level and stream, and as the text itself."""

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response

from scheduler import gate
from scheduler.accounts.permissions import require
from scheduler.api import asking, described
from scheduler.api.answers import done
from scheduler.api.times import shown
from scheduler.api.v1.execution_shapes import log_label
from scheduler.api.v1.log_models import Lines, LogFile, Search, Try, Which
from scheduler.config import settings
from scheduler.runs import folders, history, logs, whereabouts
from scheduler.runs.history import Entry
from scheduler.runs.logs import LEVELS, Filters, Line, Log
from scheduler.schedules import zone

calls = Blueprint("v1_logs", __name__, url_prefix="/v1/scheduler/executions/<execution_id>/logs")
STREAMS = {"output": "stdout", "error": "stderr"}  # the document's two logs
MOST_LINES = 10_000
MOST_READ = 200_000  # lines looked through for those of one stream
AT_ONCE = 2000


@calls.get("/file")
@described.call(asks=Which, answers=LogFile, refuses=(404,))
@gate.allowed("log.read")
def file(execution_id: str) -> Response:
    """The last lines of one of the document's two logs; the newest attempt's."""
    entry = _entry(execution_id)
    log_type = asking.word("log_type", STREAMS) or "output"
    most = asking.number("lines", MOST_LINES, (1, MOST_LINES))
    with _opened(entry, entry.run.attempts) as log:
        lines, counted = _of_stream(log, STREAMS[log_type], most)
        host = whereabouts.holder(entry.run.id, entry.run.attempts)
        return _told(
            host,
            {
                "execution_id": entry.run.public_id,
                "log_type": log_type,
                "content": [line.text for line in lines],
                "file_path": log_label(entry.run, log_type),
                "file_size": log.size,
                "lines_count": counted,
                "last_modified": shown(lines[-1].at or entry.run.finished_at if lines else entry.run.finished_at),
                "on_host": host or None,
            },
        )


@calls.get("")
@described.call(asks=Search, answers=Lines, refuses=(404,))
@gate.allowed("log.read")
def lines(execution_id: str) -> Response:
    """Lines of an attempt's log: the last ones, those after a number, or those a search finds."""
    entry = _entry(execution_id)
    attempt = _attempt(entry)
    most = asking.number("limit", 1000, (1, MOST_LINES))
    after = asking.number("after", -1, (0, 2**62))
    filters = _filters(entry)
    query = asking.text("q")
    with _opened(entry, attempt) as log:
        if query or filters != Filters():
            matches = log.search(query, filters)
            numbers = [number for number in matches.numbers if number > after][:most]
            found = [line for number in numbers for line in log.read(number, 1)]
            total, truncated = matches.total, matches.truncated
        else:
            found = log.tail(most) if after < 0 else log.after(after, most)
            total, truncated = log.lines, False
        ended = {"total": total, "truncated": truncated, "complete": log.complete, "size": log.size}
    shown_lines = [_line(line) for line in found]
    host = whereabouts.holder(entry.run.id, attempt)
    where = {"execution_id": entry.run.public_id, "attempt": attempt, "on_host": host or None}
    return _told(host, {**where, **ended, "lines": shown_lines})


@calls.get("/download")
@described.call(asks=Try, form="text", refuses=(404, 409), sends=("Content-Disposition",))
@gate.allowed("log.read")
def download(execution_id: str) -> Response:
    """What the attempt printed, as a file."""
    entry = _entry(execution_id)
    attempt = _attempt(entry)
    log = logs.open_log(whereabouts.here(entry.run.id, attempt))
    response = Response(_pieces(log), mimetype="text/plain")
    response.headers["Content-Disposition"] = f'attachment; filename="{entry.run.public_id}-{attempt}.log"'
    return response


def _told(host: str, data: dict[str, Any]) -> Response:
    """The log; where another machine has it, the sentence that says so."""
    return done(data, whereabouts.ELSEWHERE, host=host) if host else done(data)


def _entry(execution_id: str) -> Entry:
    actor = gate.current_actor()
    entry = history.find(actor, execution_id)
    require(actor, "log.read", entry.task)
    return entry


def _attempt(entry: Entry) -> int:
    """The attempt asked for; the newest unless told."""
    newest = max(entry.run.attempts, 1)
    return asking.number("attempt", newest, (1, newest))


def _opened(entry: Entry, attempt: int) -> Log:
    return logs.open_log(folders.attempt_folder(settings().instance, entry.run.id, attempt))


def _filters(entry: Entry) -> Filters:
    here = zone(entry.task.timezone)
    return Filters(
        stream=asking.word("stream", list(STREAMS.values())) or None,
        level=asking.word("level", [*LEVELS, "WARNING"]) or None,
        since=asking.moment("since", here),
        until=asking.moment("until", here),
    )


def _of_stream(log: Log, stream: str, most: int) -> tuple[list[Line], int]:
    """The last lines of one stream, and how many of it there are; of a very long log, how many lines of any."""
    found: list[Line] = []
    counted, last = 0, log.lines
    while last > 0 and (len(found) < most or log.lines <= MOST_LINES) and log.lines - last < MOST_READ:
        first = max(last - AT_ONCE, 0)
        part = [line for line in log.read(first + 1, last - first) if line.number <= last and line.stream in (stream, logs.GAP)]
        found = part + found
        counted += sum(line.stream == stream for line in part)
        last = first
    return found[-most:], counted if log.lines <= MOST_LINES else log.lines


def _line(line: Line) -> dict[str, Any]:
    return {
        "number": line.number,
        "timestamp": line.at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if line.at else None,
        "level": line.level,
        "stream": line.stream,
        "message": line.text,
        "cut": line.cut,
        "unfinished": line.unfinished,
    }


def _pieces(log: Log) -> Iterator[bytes]:
    with log:
        yield from log.raw()
