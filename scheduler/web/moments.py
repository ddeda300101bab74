"""Date and time fields of forms and addresses: what one holds, on the viewer's clock, and what to write into it."""

from datetime import datetime

from scheduler.web import viewer

FIRST, LAST = 1971, 2999  # years we know days of


def read(text: str) -> datetime | None:
    """The instant a field holds, on the viewer's clock when it names no offset; None when it holds none."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if not FIRST < found.year < LAST:
        return None
    return found if found.tzinfo else found.replace(tzinfo=viewer.timezone())


def typed(instant: datetime | None) -> str:
    """The instant as a field of the form has it, on the viewer's clock; empty for none."""
    if instant is None:
        return ""
    local = instant.astimezone(viewer.timezone())
    return f"{local:%Y-%m-%dT%H:%M:%S}" if local.second else f"{local:%Y-%m-%dT%H:%M}"
