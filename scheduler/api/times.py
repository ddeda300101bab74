"""Instants as the API writes and reads them: out in UTC, in by ISO 8601 with an offset or on a given zone's clock."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from scheduler.errors import N_, Invalid

FIRST, LAST = datetime(1971, 1, 1, tzinfo=UTC), datetime(2999, 12, 31, tzinfo=UTC)


def shown(instant: datetime | None) -> str | None:
    """`2024-01-01T02:00:00Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if instant is not None else None


def written(params: Mapping[str, Any]) -> dict[str, Any]:
    """What fills the places of a sentence, its instants as the API writes them."""
    return {name: shown(value) if isinstance(value, datetime) else value for name, value in params.items()}


def read(text: str, field: str, zone: ZoneInfo) -> datetime:
    """The instant `text` says, on the clock of `zone` when it names no offset; beyond what we keep, the edge of it."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        problem = N_("“%(value)s” is not a time in ISO 8601, as in 2024-01-01T02:00:00Z.")
        raise Invalid.because(problem, field=field, value=text[:60]) from None
    if not FIRST.year < found.year < LAST.year:
        return FIRST if found.year <= FIRST.year else LAST
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
