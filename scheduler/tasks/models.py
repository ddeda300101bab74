"""The tables of tasks, groups, secrets and what waits for what; what kinds, schedules, policies hold is for `drafts` to check."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from scheduler.columns import Json, UTCDateTime
from scheduler.database import Base

DEFAULT_GROUP = 1
ALIVE = text("deleted_at IS NULL")  # a task in the trash gives its name and key back


class Group(Base):
    """A named set of tasks; number 1 (`default`) is there from the first start."""

    __tablename__ = "group"
    __table_args__ = (UniqueConstraint("name"), UniqueConstraint("key"))

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(Text, default="")
    default_content: Mapped[dict[str, Any] | None] = mapped_column(Json)
    max_concurrent: Mapped[int | None]
    version: Mapped[int] = mapped_column(default=1)  # the one people edit against
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Task(Base):
    """What is to be done, when, and how it has gone lately.

    The last block is a digest of the runs, kept in the transaction that ends each: a list of tasks never reads runs.
    """

    __tablename__ = "task"
    __table_args__ = (
        Index("uq_task_name", "name", unique=True, sqlite_where=ALIVE, postgresql_where=ALIVE),
        Index("uq_task_key", "key", unique=True, sqlite_where=ALIVE, postgresql_where=ALIVE),
        Index("ix_task_due", "enabled", "next_run_at"),
        Index("ix_task_list", "deleted_at", "name"),
        # Counting tasks by how they stand, and adding up how those of each group went, reads these alone, in their order.
        Index("ix_task_counts", "deleted_at", "enabled", "last_status", "last_run_id", "private", "owner_id", "group_id"),
        Index("ix_task_totals", "deleted_at", "group_id", "enabled", "private", "owner_id",
              "total_count", "success_count", "failure_count", "total_duration"),
        {"sqlite_autoincrement": True},  # the audit log names it by number for ever: no other may get that number
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(140))
    description: Mapped[str] = mapped_column(Text, default="")
    group_id: Mapped[int] = mapped_column(ForeignKey("group.id"), default=DEFAULT_GROUP, index=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    private: Mapped[bool] = mapped_column(default=False)

    kind: Mapped[str | None] = mapped_column(String(20))  # None: the group's default content
    content: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # secrets in it are sealed
    params: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    env: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    secrets: Mapped[list[str]] = mapped_column(Json, default=list, server_default="[]")  # the names of those it names
    working_directory: Mapped[str] = mapped_column(Text, default="")
    policy: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    notes: Mapped[dict[str, Any]] = mapped_column("metadata", Json, default=dict)

    schedule_kind: Mapped[str] = mapped_column(String(20))
    schedule_word: Mapped[str] = mapped_column(String(20), default="", server_default="")  # as it was asked for: `date`, `once`
    schedule_config: Mapped[dict[str, Any]] = mapped_column(Json)
    timezone: Mapped[str] = mapped_column(String(64))
    start_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    end_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    max_runs: Mapped[int | None]
    enabled: Mapped[bool] = mapped_column(default=True)
    next_run_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # the ledger goes on from here
    ticks: Mapped[int] = mapped_column(default=0)  # due instants so far, against max_runs
    depends_mode: Mapped[str] = mapped_column(String(10), default="all", server_default="all")

    version: Mapped[int] = mapped_column(default=1)  # the one people edit against
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    deleted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    trial: Mapped[bool] = mapped_column(default=False)  # born in the trash, to be run once from the form

    last_run_id: Mapped[int | None]
    last_status: Mapped[str | None] = mapped_column(String(20))
    last_started_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_duration: Mapped[float | None]
    last_success_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_failure_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    recent: Mapped[list[list[Any]]] = mapped_column(Json, default=list)  # newest last: [status, seconds], at most 20
    total_count: Mapped[int] = mapped_column(default=0)
    success_count: Mapped[int] = mapped_column(default=0)
    failure_count: Mapped[int] = mapped_column(default=0)
    total_duration: Mapped[float] = mapped_column(default=0.0)  # seconds, of the runs that ran

    group: Mapped[Group] = relationship(lazy="joined")
    tags: Mapped[list["Tag"]] = relationship(cascade="all, delete-orphan", lazy="selectin", order_by="Tag.name")


class Tag(Base):
    """A word on a task."""

    __tablename__ = "task_tag"

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(50), primary_key=True, index=True)


class TaskRevision(Base):
    """A task as an edit left it, with who made it; written with the edit, never changed."""

    __tablename__ = "task_revision"

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor_id: Mapped[int | None]
    actor_name: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(40))
    values: Mapped[dict[str, Any]] = mapped_column(Json)  # a draft's; secrets in it are sealed


class CreationKey(Base):
    """That a request with an `Idempotency-Key` of this user has made a task, so that the same one makes no second."""

    __tablename__ = "creation_key"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))  # of what was asked for
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class Dependency(Base):
    """That a task waits for another, its upstream, and the upstream's newest end that no run of the task has used up yet."""

    __tablename__ = "task_dependency"

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True)
    upstream_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True, index=True)
    arrival: Mapped[str | None] = mapped_column(String(40))  # the run's public id: retention may take the run itself


class OwnRecipe(Base):
    """A recipe somebody here made: seen by its owner alone (`private`), by those of a group, or without one by everybody."""

    __tablename__ = "recipe"
    __table_args__ = (UniqueConstraint("name"), UniqueConstraint("key"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(100))
    category: Mapped[str] = mapped_column(String(50))
    description: Mapped[str] = mapped_column(Text, default="")
    group_id: Mapped[int | None] = mapped_column(ForeignKey("group.id"), index=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    private: Mapped[bool] = mapped_column(default=False)
    parameters: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    task: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # a draft's values with blanks; never a secret
    version: Mapped[int] = mapped_column(default=1)  # the one people edit against
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)

    group: Mapped[Group | None] = relationship(lazy="joined")


class Secret(Base):
    """A value that tasks of some groups may name, and that nobody reads again."""

    __tablename__ = "secret"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)  # of the value or the groups
    updated_by: Mapped[str] = mapped_column(String(64), default="")
    last_used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    groups: Mapped[list[Group]] = relationship(secondary="secret_group", lazy="selectin", order_by="Group.name")


class SecretGroup(Base):
    """That tasks of this group may name that secret."""

    __tablename__ = "secret_group"

    secret_id: Mapped[int] = mapped_column(ForeignKey("secret.id", ondelete="CASCADE"), primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("group.id", ondelete="CASCADE"), primary_key=True, index=True)


class Pause(Base):
    """A time in which nothing begins by itself; one that ends by itself, at `until`, is never written to again."""

    __tablename__ = "pause"
    __table_args__ = (Index("ix_pause_ended_at", "ended_at", "until"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    since: Mapped[datetime] = mapped_column(UTCDateTime)
    until: Mapped[datetime | None] = mapped_column(UTCDateTime)  # the planned end
    reason: Mapped[str] = mapped_column(Text, default="")
    paused_by: Mapped[str] = mapped_column(String(64), default="")
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # somebody ended it
    ended_by: Mapped[str] = mapped_column(String(64), default="")
