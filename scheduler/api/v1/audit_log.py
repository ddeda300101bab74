"""The audit log: administrators read all of it, everybody else their own acts; page by page, or whole as a file."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from flask import Blueprint, Response, stream_with_context

from scheduler import gate
from scheduler.accounts import audit
from scheduler.accounts.audit import Wanted
from scheduler.accounts.models import AuditEntry
from scheduler.accounts.permissions import Actor
from scheduler.api import asking, described
from scheduler.api.answers import page
from scheduler.api.described import Shape
from scheduler.api.times import shown
from scheduler.api.v1 import questions, ranges
from scheduler.config import settings
from scheduler.database import db
from scheduler.schedules import zone

calls = Blueprint("v1_audit", __name__, url_prefix="/v1/scheduler/audit")
AT_ONCE = 500
FORMATS = ("json", "csv")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Entry(Shape):
    """Who did what to which thing; of a change only what differs, secrets masked."""

    id: int
    at: str
    actor_id: int | None
    actor: str
    api_key: str | None
    address: str
    action: str
    object_type: str
    object_id: str
    object_name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Which(questions.Pages):
    """Which entries; a time without an offset is on the installation's clock."""

    actor: str = ""
    action: str = ""
    object_type: str = ""
    object_id: str = ""
    start_date: str | None = None
    end_date: str | None = None


class Export(Which):
    """… and as what: a line of JSON each, or a table."""

    format: Literal["json", "csv"] = "json"


@calls.get("")
@described.call(asks=Which, answers=Entry, form="page")
@gate.allowed("audit.see")
def listed() -> Response:
    """The entries, newest first."""
    paging = asking.paging()
    found, total = audit.numbered(gate.current_actor(), _wanted(), paging.first, paging.size)
    return page([_shape(entry) for entry in found], total, paging)


@calls.get("/export")
@described.call(asks=Export, form="text", media=("application/x-ndjson", "text/csv"), sends=("Content-Disposition",))
@gate.allowed("audit.see")
def export() -> Response:
    """All of them as a file, newest first."""
    kind = asking.word("format", FORMATS) or "json"
    write = _csv if kind == "csv" else _lines
    kinds = {"csv": "text/csv", "json": "application/x-ndjson"}
    pieces = stream_with_context(write(_entries(gate.current_actor(), _wanted())))
    response = Response(pieces, mimetype=kinds[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="audit.{"csv" if kind == "csv" else "ndjson"}"'
    return response


def _wanted() -> Wanted:
    since, until = ranges.days(zone(settings().engine.timezone))
    return Wanted(
        actor_name=asking.text("actor"),
        action=asking.text("action"),
        object_type=asking.text("object_type"),
        object_id=asking.text("object_id"),
        since=since,
        until=until,
    )


def _entries(actor: Actor, wanted: Wanted) -> Iterator[dict[str, Any]]:
    before: int | None = None
    while found := audit.entries(actor, wanted, before, AT_ONCE):
        before = found[-1].id
        yield from map(_shape, found)
        db.session.expunge_all()


def _lines(entries: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield from (f"{json.dumps(entry, ensure_ascii=False)}\n" for entry in entries)


def _csv(entries: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield "\ufeff" + _row(Entry.model_fields)  # the mark lets spreadsheets see that it is UTF-8
    yield from (_row(entry.values()) for entry in entries)


def _row(cells: Iterable[Any]) -> str:
    target = io.StringIO()
    csv.writer(target).writerow([_cell(cell) for cell in cells])
    return target.getvalue()


def _cell(value: Any) -> str:
    """A text that a spreadsheet would take for a formula is quoted with an apostrophe."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _shape(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": shown(entry.at),
        "actor_id": entry.actor_id,
        "actor": entry.actor_name,
        "api_key": entry.via or None,
        "address": entry.address,
        "action": entry.action,
        "object_type": entry.object_type,
        "object_id": entry.object_id,
        "object_name": entry.object_name,
        "before": entry.before,
        "after": entry.after,
    }
