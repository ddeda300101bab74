"""Leading where several machines share a PostgreSQL: a row that has to be renewed, by the database's clock."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from scheduler import clock, nodes
from scheduler.daemon.leader import Leadership, Term, begin, taken
from scheduler.database import db, guarded
from scheduler.errors import Unavailable
from scheduler.nodes import LEADER, Lease

TTL = 10.0  # seconds a lease lasts
RENEWAL = 3.0  # seconds between renewals
RETRY = 0.5  # seconds between renewals while the lease is in doubt
MARGIN = 1.0  # seconds before its end from which it is not trusted any more
STUCK = 30.0  # seconds without a pass after which a leader lets its lease run out

_log = logging.getLogger("SchedulerEngine")


class LeaseTerm(Term):
    """Renews its lease in a thread of its own, for as long as the leader makes its passes.

    It is trusted up to a moment of this machine's steady clock, counted from before the renewal was sent: a process that
    was frozen finds that moment past, whatever it believed before. What it writes the row decides, within the transaction.
    """

    SIGN = 1.0  # it can be over any time, and then its loops shall end

    def __init__(self, app: Flask, holder: str, epoch: int, since: float) -> None:
        super().__init__(epoch)
        self.idle: Callable[[], float] = lambda: 0.0  # seconds since the last pass
        self._app = app
        self._mine = (Lease.name == LEADER, Lease.holder == holder, Lease.epoch == epoch)
        self._deadline = since + TTL - MARGIN
        self._resigned = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    @property
    def held(self) -> bool:
        return not self.over and clock.monotonic() < self._deadline

    def start(self) -> "LeaseTerm":
        """Begin to renew."""
        self._thread.start()
        return self

    def check(self, session: Session) -> None:
        super().check(session)
        # Shared, so that until the commit nobody takes over; the leader's own transactions do not wait for each other.
        if session.execute(select(Lease.epoch).where(*self._mine).with_for_update(read=True)).first() is None:
            self.over = True
            super().check(session)

    def renew(self) -> None:
        """Have the lease last `TTL` seconds from now; the term is over when it is another's by now."""
        before, idle = clock.monotonic(), self.idle()
        if idle > STUCK:
            return
        now = nodes.moment()
        values = {"expires_at": now + timedelta(seconds=TTL), "ticked_at": now - timedelta(seconds=idle)}
        with guarded(_nobody), db.engine.begin() as connection:
            if not connection.execute(update(Lease).where(*self._mine).values(values)).rowcount:
                self.over = True
                return
        self._deadline = before + TTL - MARGIN

    def resign(self) -> None:
        self.over = True
        self._resigned.set()
        if self._thread.ident is not None:
            self._thread.join(TTL)
        with self._app.app_context(), guarded(_nobody), db.engine.begin() as connection:
            ended = update(Lease).where(*self._mine, Lease.expires_at > nodes.moment())
            connection.execute(ended.values(expires_at=nodes.moment()))

    def _keep(self) -> None:
        while not self.over and not self._resigned.wait(RENEWAL if self.held else RETRY):
            try:
                with self._app.app_context():
                    self.renew()
            except (SQLAlchemyError, Unavailable) as error:
                _log.warning("event=lease_not_renewed epoch=%s reason=%s", self.epoch, str(error).partition("\n")[0])


class LeaseLeadership(Leadership):
    """Who has the unexpired lease leads; each change adds one to the epoch."""

    def __init__(self, app: Flask, mark: str) -> None:
        super().__init__()
        self._app = app
        self._mark = mark

    def take(self) -> Term | None:
        with guarded(_nobody):
            if taken():
                return None
            rival = nodes.rival(self._mark)
            if rival is not None:
                _log.error("event=node_doubled node=%s host=%s hint='delete the file node in the copied instance folder'",
                           rival.id, rival.host)  # fmt: skip
                return None
            before = clock.monotonic()
            epoch = begin(self.holder, timedelta(seconds=TTL))
            return None if epoch is None else LeaseTerm(self._app, self.holder, epoch, before).start()

    def elsewhere(self) -> bool:
        return db.session.scalar(select(Lease.node).where(Lease.name == LEADER)) not in (None, nodes.own())


def _nobody(_session: Session) -> None:
    """No check at all: only the bound on the length of a statement is wanted."""
