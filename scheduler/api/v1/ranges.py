"""The span of time a list of executions is asked for: `start_date` and `end_date`, both included."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from scheduler.api import asking
from scheduler.errors import N_, Invalid

DAY = len("2024-01-01")


def days(here: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """From when, included, until when, excluded; a date alone is that whole day on the clock of `here`."""
    since, end = asking.moment("start_date", here), asking.moment("end_date", here)
    whole_day = len(asking.text("end_date").strip()) == DAY
    until = end + (timedelta(days=1) if whole_day else timedelta(seconds=1)) if end else None
    if since and until and until <= since:
        raise Invalid.because(N_("It must be later than the start."), field="end_date")
    return since, until
