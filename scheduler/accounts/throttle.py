"""How often a password may be tried for one account from one address; in a table, so that restarts and instances share it."""

from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import delete

from scheduler import clock
from scheduler.accounts.models import FailedSignIn
from scheduler.database import transaction
from scheduler.errors import N_, Throttled

FREE_TRIES = 5
WAITS = (1, 2, 4, 8, 15)  # minutes, growing with each further try
MEMORY = timedelta(days=1)


def begin(username: str, address: str) -> None:
    """Count a try before its password is looked at, so that tries at once count too; `Throttled` when it is one too many."""
    now = clock.now()
    left = 0
    with transaction() as session:
        forget_old()
        row = session.get(FailedSignIn, _key(username, address))
        if row is None:
            name, place = _key(username, address)
            row = FailedSignIn(username=name, address=place, count=0, last_at=now)
            session.add(row)
        left = _left(row, now)
        if not left:
            row.count, row.last_at = row.count + 1, now
    if left:
        raise throttled(left)


def forgive(username: str, address: str | None = None) -> None:
    """Forget the tries from one address, or from every one: the password was right, or is another now."""
    name, place = _key(username, address or "")
    query = delete(FailedSignIn).where(FailedSignIn.username == name)
    with transaction() as session:
        session.execute(query if address is None else query.where(FailedSignIn.address == place))


def forget_old() -> int:
    """Drop the tries that count no longer; answers of how many accounts and addresses."""
    with transaction() as session:
        old = delete(FailedSignIn).where(FailedSignIn.last_at < clock.now() - MEMORY).returning(FailedSignIn.username)
        return len(session.connection().execute(old).all())


def throttled(seconds: int) -> Throttled:
    """The error that says for how long no further try is looked at."""
    error = Throttled.because(N_("Too many tries. Please wait %(minutes)s min."), minutes=ceil(seconds / 60))
    error.retry_after = seconds
    return error


def _left(row: FailedSignIn, now: datetime) -> int:
    """The seconds this account and address still have to wait."""
    if row.count < FREE_TRIES:
        return 0
    wait = timedelta(minutes=WAITS[min(row.count - FREE_TRIES, len(WAITS) - 1)])
    return max(0, ceil((row.last_at + wait - now).total_seconds()))


def _key(username: str, address: str) -> tuple[str, str]:
    """The account as the table holds it: any text may be typed into a sign-in form."""
    clean = username.replace("\0", "").encode("utf-8", "replace").decode()
    return clean.casefold()[:64], address[:64]
