"""The types of columns that every table may have: instants in UTC, JSON, and JSON read once for many rows; holds no table."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, ColumnElement, DateTime, Dialect, TypeDecorator, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

WITHOUT_ZONE = len("2026-03-02 12:00:00.000000")
SHORT = 4096  # letters of JSON that are worth remembering


class UTCDateTime(TypeDecorator[datetime]):
    """An aware instant, kept in UTC; a naive one is a programming error and is refused.

    SQLite keeps it as text. SQLAlchemy writes the same text, in four times the time: five stand in each row of a run.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        return _written if dialect.name == "sqlite" else _aware

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        return _read if dialect.name == "sqlite" else _in_utc


@lru_cache(maxsize=64)  # the rows of one wake-up have their instants in common
def _written(value: datetime | None) -> str | None:
    aware = _aware(value)
    return None if aware is None else aware.isoformat(" ", "microseconds")[:WITHOUT_ZONE]


def _aware(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is UTC:
        return value
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return value.astimezone(UTC)


@lru_cache(maxsize=64)  # … and when each is one object, what is remembered of it is found by that
def _read(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


def _in_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


class SharedJson(TypeDecorator[Any]):
    """To read JSON that many rows have in common, letter for letter: parsed once. Nobody may change what comes out.

    Use it on the run path alone, by `type_coerce`: elsewhere rows are changed in place.
    """

    impl = JSON
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any] | None:
        """PostgreSQL's driver parses by itself."""
        return _parsed if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _parsed(text: str | None) -> Any:
    return _remembered(text) if text is not None and len(text) < SHORT else json.loads(text or "null")


@lru_cache(maxsize=256)
def _remembered(text: str) -> Any:
    return json.loads(text)


def shared(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column of JSON, read as `SharedJson`."""
    return type_coerce(column, SharedJson()).label(column.key)


Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
