"""Which HTTP status an error has, and which of ours one of the disk or of the connection pool is; answers nothing."""

from collections.abc import Mapping

from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from scheduler import trouble
from scheduler.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    SchedulerError,
    StorageFull,
    Throttled,
    Unauthenticated,
    Unavailable,
)

TROUBLES = (OSError, PoolTimeout)
_STATUS: Mapping[type[SchedulerError], int] = {
    Invalid: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Throttled: 429,
    StorageFull: 507,
    Unavailable: 503,
}


def status_of(error: Exception) -> int:
    """The HTTP status that says what kind of error this is."""
    if isinstance(error, HTTPException):
        return error.code or 500
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)


def trouble_of(error: Exception) -> Unavailable:
    """What one of `TROUBLES` says about the storage; raised again when it is a fault of ours."""
    found = trouble.of_file(error) if isinstance(error, OSError) else trouble.busy()
    if found is None:
        raise error
    return found
