"""Runs as a CSV file, line by line as they are read; which runs is the filters' business."""

import csv
import io
from collections.abc import Iterable, Iterator

from scheduler.accounts.permissions import Actor
from scheduler.database import db
from scheduler.runs import history
from scheduler.runs.history import Entry, Wanted
from scheduler.web import run_words, viewer

MOST = 100_000
CHUNK = 1000
COLUMNS = ("id", "number", "task", "task_key", "status", "cause", "triggered_by", "due", "started", "finished", "delay_seconds",
           "duration_seconds", "exit_code", "signal", "attempts", "summary", "last_line", "reason")  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def lines(actor: Actor, wanted: Wanted) -> Iterator[str]:
    """The runs `wanted`, newest first, at most 100,000; the mark in front lets spreadsheets see that it is UTF-8."""
    yield "\ufeff" + _line(COLUMNS)
    before: int | None = None
    for _ in range(MOST // CHUNK):
        page = history.page(actor, wanted, CHUNK, before=before)
        yield "".join(_line(_cells(entry)) for entry in page.entries)
        before = page.older
        db.session.expunge_all()
        if before is None:
            return


def _cells(entry: Entry) -> Iterator[object]:
    run, zone = entry.run, viewer.timezone()
    yield from (run.public_id, run.id, entry.task.name, entry.task.key, run.status, run.cause, run.triggered_by)
    for instant in (run.scheduled_at, run.started_at, run.finished_at):
        yield instant.astimezone(zone).isoformat(timespec="seconds") if instant else ""
    delay = run_words.delay(run)
    yield from ("" if delay is None else round(delay, 3), run.duration, run.exit_code, run.signal, run.attempts)
    yield from (run.summary, run.last_line, run_words.reason(run))


def _line(cells: Iterable[object]) -> str:
    target = io.StringIO()
    csv.writer(target).writerow([_safe(cell) for cell in cells])
    return target.getvalue()


def _safe(cell: object) -> object:
    """A text that a spreadsheet would take for a formula is quoted with an apostrophe."""
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(FORMULA) else cell.replace("\0", "")
    return "" if cell is None else cell
