"""The tables of runs and attempts, of which only `ledger` adds rows and only `lifecycle` changes a status, and of the upkeep."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Float, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.columns import Json, UTCDateTime
from scheduler.database import Base

WAITS = text("status = 'pending'")


class Run(Base):
    """One planned execution of a task: a due instant, a click, a call. One row each, whatever became of it."""

    __tablename__ = "run"
    __table_args__ = (
        UniqueConstraint("task_id", "cause", "cause_key"),
        UniqueConstraint("public_id"),
        Index("ix_run_task", "task_id", "id"),
        Index("ix_run_status", "status", "id"),
        # The dispatcher looks at the first few of those that wait, however many do.
        Index("ix_run_queue", "status", "weight", "id", sqlite_where=WAITS, postgresql_where=WAITS),
        Index("ix_run_scheduled", "scheduled_at", "status"),  # days are added up from this alone
        # Retention walks along it, and only what is over has an end: live runs are not even in it.
        Index("ix_run_finished", "finished_at", sqlite_where=text("finished_at IS NOT NULL"),
              postgresql_where=text("finished_at IS NOT NULL")),
        {"sqlite_autoincrement": True},  # a number names folders: it is never given twice, not even after a clean-up
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"))
    task_version: Mapped[int]
    cause: Mapped[str] = mapped_column(String(12))
    cause_key: Mapped[str] = mapped_column(String(80))
    late: Mapped[bool] = mapped_column(default=False)  # run after its grace, by the misfire policy
    triggered_by: Mapped[str] = mapped_column(String(64), default="")
    upstream: Mapped[list[str] | None] = mapped_column(Json)  # of a dependency: the public ids of the runs it came after

    status: Mapped[str] = mapped_column(String(20))
    reason: Mapped[dict[str, Any] | None] = mapped_column(Json)  # why missed, skipped, cancelled: {code, …}
    priority: Mapped[int] = mapped_column(default=0)
    weight: Mapped[float] = mapped_column(default=0.0, server_default="0")  # its place in the queue, by `policy.weight`
    group_id: Mapped[int]

    scheduled_at: Mapped[datetime] = mapped_column(UTCDateTime)
    queued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    not_before: Mapped[datetime | None] = mapped_column(UTCDateTime)  # a waiting retry's time
    hastened_by: Mapped[str] = mapped_column(String(64), default="", server_default="")  # who had its retry start at once
    started_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # of the first attempt
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    duration: Mapped[float | None]  # seconds, of the last attempt
    cancel_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # somebody asked it to stop
    cancel_by: Mapped[str] = mapped_column(String(64), default="")
    cancel_count: Mapped[int] = mapped_column(default=0)  # the second time means: kill at once

    attempts: Mapped[int] = mapped_column(default=0)  # how many were made
    exit_code: Mapped[int | None]
    signal: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(Text)
    summary: Mapped[str | None] = mapped_column(Text)
    last_line: Mapped[str | None] = mapped_column(Text)
    log_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    peak_memory_kb: Mapped[int | None]
    cpu_seconds: Mapped[float | None]

    missed_count: Mapped[int] = mapped_column(default=0)  # a long gap is one row: how many instants it stands for
    missed_until: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Attempt(Base):
    """One try of a run: one process, one exit code, one log."""

    __tablename__ = "attempt"
    __table_args__ = (Index("ix_attempt_status", "status"),)

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(String(20))
    task_version: Mapped[int]
    claimed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    duration: Mapped[float | None]
    exit_code: Mapped[int | None]
    signal: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(Text)
    node: Mapped[str] = mapped_column(String(32))  # that performs it: its files are there alone; "": no worker has taken it
    host: Mapped[str] = mapped_column(String(64), default="")
    pid: Mapped[int | None]
    peak_memory_kb: Mapped[int | None]
    cpu_seconds: Mapped[float | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(Json)  # progress, metrics and what else the process left


class Ending(Base):
    """That a run has ended, for whoever tells people: written in that same transaction, gone when it has been read.

    It stands alone: neither the run nor its task need be there any more.
    """

    __tablename__ = "ending"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int]
    task_id: Mapped[int]
    status: Mapped[str] = mapped_column(String(20))
    count: Mapped[int] = mapped_column(default=1)  # how many due instants the run stands for
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class Upkeep(Base):
    """One run of the installation's own housekeeping: when it was due, who asked for it, what it freed."""

    __tablename__ = "upkeep"

    id: Mapped[int] = mapped_column(primary_key=True)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # None: somebody asked for it
    asked_by: Mapped[str] = mapped_column(String(64), default="")
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    status: Mapped[str] = mapped_column(String(20), index=True)  # pending, running, success, technical_failure, cancelled, lost
    started_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    freed: Mapped[dict[str, int]] = mapped_column(Json, default=dict)
    error: Mapped[str] = mapped_column(Text, default="")


class Tally(Base):
    """How many runs there have ever been, by what is counted: grows only, whatever retention takes away."""

    __tablename__ = "tally"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[float] = mapped_column(Float, default=0.0)
