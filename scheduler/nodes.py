"""Where daemons work and which of them leads: the tables `node` and `lease`; how one comes to lead is the daemon's to say."""

import fcntl
import os
import secrets
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, String, extract, func, select
from sqlalchemy.orm import Mapped, mapped_column

from scheduler import clock, heartbeat
from scheduler.columns import UTCDateTime
from scheduler.config import settings
from scheduler.database import Base, db, transaction

HOST = os.uname().nodename[:64]
LEADER = "leader"  # the name of the one lease there is
BEAT = 20.0  # seconds between two signs of life of a node
SILENT = timedelta(seconds=60)  # after which one counts as out of reach


class Node(Base):
    """One instance folder in which daemons work: the attempts handed over there are known there alone."""

    __tablename__ = "node"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    host: Mapped[str] = mapped_column(String(64))
    mark: Mapped[str] = mapped_column(String(120))  # which start of which machine, and which folder of it
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)  # by the database's clock
    works_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # when its worker was last there; none without its broker


class Lease(Base):
    """Who leads, or did last. On SQLite a lock of the kernel decides, and this only tells of it."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    holder: Mapped[str] = mapped_column(String(32))  # one daemon, at random
    epoch: Mapped[int]  # one more with each change
    node: Mapped[str] = mapped_column(String(32))
    host: Mapped[str] = mapped_column(String(64))
    pid: Mapped[int]
    since: Mapped[datetime] = mapped_column(UTCDateTime)
    ticked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # by the database's clock; never on SQLite


def own() -> str:
    """The name of this process's node: made at random once, kept in the instance folder, the same for all its processes.

    Not the host's name: a container has another one each time, though its folder holds what its last life left.
    """
    return _identity(settings().instance)


def moment() -> Any:
    """The present instant for a statement: several machines agree on the database's, one machine has its own."""
    return func.clock_timestamp(type_=DateTime(timezone=True)) if shared() else clock.now()


def shared() -> bool:
    """Whether daemons of several machines may use this database."""
    return db.engine.dialect.name == "postgresql"


def seen(mark: str, works: bool | None = None) -> None:
    """Write down that this node is alive; a worker says whether it `works`: it is there and has its broker."""
    with transaction() as session:
        node = session.get(Node, own()) or Node(id=own())
        node.host, node.mark, node.seen_at = HOST, mark, moment()
        if works is not None:
            node.works_at = moment() if works else None
        session.add(node)


def rival(mark: str) -> Node | None:
    """Another folder or machine that works under our name just now, because one is a copy of the other."""
    recent = select(Node).where(Node.id == own(), Node.mark != mark, Node.seen_at > moment() - SILENT)
    return db.session.scalars(recent).first()


def out_of_reach(node: str) -> datetime | None:
    """When a node was last heard of, if that is too long ago; None while it is there, or nobody knows it."""
    if node == own():
        return None
    return db.session.scalar(select(Node.seen_at).where(Node.id == node, Node.seen_at <= moment() - SILENT))


def workers() -> int:
    """How many nodes have a worker that was there, and had its broker, a moment ago."""
    return db.session.scalar(select(func.count()).where(Node.works_at > moment() - SILENT)) or 0


def host_of(node: str) -> str:
    """The machine of a node that was ever heard of; else nothing."""
    return db.session.scalar(select(Node.host).where(Node.id == node)) or ""


def leading() -> Lease | None:
    """Who leads; None while nobody's tick is fresh."""
    return db.session.get(Lease, LEADER) if ticking() else None


def tick_age() -> float | None:
    """Seconds since the leader's last pass, here or on another machine; None when there never was one."""
    here = heartbeat.age(settings().instance)
    if heartbeat.fresh(settings().instance) or not shared():
        return here
    there = db.session.scalar(select(extract("epoch", moment() - Lease.ticked_at)).where(Lease.name == LEADER))
    return min((age for age in (here, None if there is None else float(there)) if age is not None), default=None)


def last_tick() -> datetime | None:
    """When the last leader made its last pass, as far as is known here."""
    here = heartbeat.last(settings().instance)
    there = db.session.scalar(select(Lease.ticked_at).where(Lease.name == LEADER)) if shared() else None
    return max((moment for moment in (here, there) if moment is not None), default=None)


def ticking() -> bool:
    """Whether some daemon is at work."""
    age = tick_age()
    return age is not None and abs(age) <= heartbeat.FRESH


@lru_cache
def _identity(instance: Path) -> str:
    """What is in the file, or what we now write there; of two that come at once the second reads what the first wrote."""
    with os.fdopen(os.open(instance / "node", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        found = file.read().strip()
        if not found:
            found = secrets.token_hex(8)
            file.write(f"{found}\n")
        return found[:32]
