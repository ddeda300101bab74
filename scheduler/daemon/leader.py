"""What it is to lead: one daemon at a time, for a term that can be lost; how one comes to lead is `flock`'s and `lease`'s."""

import os
import secrets
from abc import ABC, abstractmethod
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.database import db, transaction
from scheduler.nodes import HOST, LEADER, Lease, moment, own


class Deposed(Exception):
    """This daemon may not act: it leads no more, or cannot be sure that it does."""


class Term:
    """One time of leading; nobody contests this one, it is over when it is resigned."""

    SIGN = 5.0  # seconds between two signs of life

    def __init__(self, epoch: int = 0) -> None:
        self.epoch = epoch
        self.over = False

    @property
    def held(self) -> bool:
        """Whether one may act, as far as can be told without asking anybody."""
        return not self.over

    def trust(self) -> None:
        """`Deposed` unless one may act; for what no database can forbid."""
        if not self.held:
            raise Deposed("the leadership is in doubt")

    def check(self, session: Session) -> None:
        """At the beginning of a writing transaction: `Deposed` when somebody else leads."""
        if self.over:
            raise Deposed("another daemon leads")

    def show(self) -> None:
        """Every `SIGN` seconds: let others see that this process is not frozen."""

    def resign(self) -> None:
        """Let another lead, at once."""
        self.over = True


class Leadership(ABC):
    """A daemon's claim to lead."""

    def __init__(self) -> None:
        self.holder = secrets.token_hex(8)

    @abstractmethod
    def take(self) -> Term | None:
        """Try to lead; None while another daemon does."""

    @abstractmethod
    def elsewhere(self) -> bool:
        """Whether a daemon of another node leads, so that nobody sees to the attempts of ours unless we do."""


def begin(holder: str, lasts: timedelta | None = None) -> int | None:
    """Write down that `holder` leads from now on, for so long; its epoch. None when another's lease has not run out."""
    with transaction() as session:
        lease = session.get(Lease, LEADER, with_for_update=True, populate_existing=True)
        if lasts is not None and taken():
            return None
        now = clock.now() if lasts is None else session.scalar(select(moment()))
        assert now is not None
        lease = lease or Lease(name=LEADER, epoch=0)
        lease.holder, lease.epoch, lease.node, lease.host, lease.pid = holder, lease.epoch + 1, own(), HOST, os.getpid()
        lease.since, lease.expires_at = now, None if lasts is None else now + lasts
        session.add(lease)
        return lease.epoch


def taken() -> bool:
    """Whether a lease is in force."""
    return db.session.scalar(select(Lease.epoch).where(Lease.name == LEADER, Lease.expires_at >= moment())) is not None
