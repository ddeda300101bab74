"""The seals that make the audit log a chain: each is made of its entry and of the seal before; writes no entry."""

import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from scheduler.accounts.models import AuditEntry
from scheduler.database import db, table

_entry = table(AuditEntry).c
_LAST = select(_entry.seal).order_by(_entry.id.desc()).limit(1)
_SEALED = tuple(column.name for column in table(AuditEntry).columns if column.name not in ("id", "seal"))
_ALL = select(_entry.id, _entry.seal, *(_entry[name] for name in _SEALED)).order_by(_entry.id)
EXACT, LARGEST = 2**53, 2**1023  # between them a whole number is what a float makes of it
AT_ONCE = 1000  # entries in memory while all are looked at

_key = b""


def use(key: bytes) -> None:
    """Seal with this key; it lies outside the database, so that whoever writes there cannot make seals."""
    global _key
    _key = key


def seal(connection: Connection, entry: Mapping[str, Any]) -> str:
    """The seal of the entry that is written next. Only in a writing transaction, of which there is one at a time."""
    return _seal(connection.execute(_LAST).scalar() or "", entry)


def broken() -> int | None:
    """The number of the first entry that is not as it was written, or follows one that is gone; None when there is none.

    That entries are missing at the end, the entries cannot tell.
    """
    last = ""
    for row in db.session.execute(_ALL, execution_options={"yield_per": AT_ONCE}):
        if not hmac.compare_digest(row.seal, _seal(last, row._asdict())):
            return int(row.id)
        last = row.seal
    return None


def _seal(last: str, entry: Mapping[str, Any]) -> str:
    text = json.dumps([last, *(_even(entry[name]) for name in _SEALED)], sort_keys=True)
    return hmac.digest(_key, text.encode(), "sha256").hex()


def _even(value: Any) -> Any:
    """The value as every database gives it back: PostgreSQL's JSON writes 1.0 as 1, and 1e23 with all its digits."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, Mapping):
        return {name: _even(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_even(inner) for inner in value]
    if isinstance(value, float) and abs(value) < EXACT and value.is_integer():
        return int(value)
    return float(value) if isinstance(value, int) and EXACT <= abs(value) < LARGEST else value
