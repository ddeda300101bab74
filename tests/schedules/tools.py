"""Small readers for the tables of these tests."""

from datetime import UTC, datetime


def utc(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def times(text: str, year: int = 2026) -> list[datetime]:
    """Instants written `01-31 02:00, …` in one year."""
    return [utc(f"{year}-{item.strip().replace(' ', 'T')}") for item in text.split(",")]


def english(text: str, **params: object) -> str:
    """The sentence as it is written, as gettext would give it for English."""
    return text % params if params else text
