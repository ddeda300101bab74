"""The tables of notifications: channels, rules, how long each rule's streaks are, deliveries, messages; the verbs live beside."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.columns import Json, UTCDateTime
from scheduler.database import Base


class Channel(Base):
    """A way to reach people, set up once and named by rules."""

    __tablename__ = "notification_channel"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    type: Mapped[str] = mapped_column(String(20))
    config: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # secrets in it are sealed
    enabled: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Rule(Base):
    """When to tell whom of which tasks' runs: of one task, of a group's, of all."""

    __tablename__ = "notification_rule"
    __table_args__ = ({"sqlite_autoincrement": True},)  # deliveries name it by number, also when it is gone

    id: Mapped[int] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(String(8))  # task, group, all
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    group_id: Mapped[int | None] = mapped_column(ForeignKey("group.id", ondelete="CASCADE"), index=True)
    terms: Mapped[dict[str, Any]] = mapped_column(Json)  # as 003 has a rule, checked
    version: Mapped[int] = mapped_column(default=1)
    created_by: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Streak(Base):
    """How many events in a row one rule has seen of one task."""

    __tablename__ = "notification_streak"

    rule: Mapped[str] = mapped_column(String(40), primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True)
    mark: Mapped[str] = mapped_column(String(16))  # of the rule's terms: with others it begins anew
    count: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)


class Delivery(Base):
    """One notification for one receiver: what is to be sent, and how sending it has gone."""

    __tablename__ = "notification_delivery"
    __table_args__ = (
        UniqueConstraint("rule", "run_id", "receiver"),
        Index("ix_notification_delivery_due", "status", "not_before"),
        Index("ix_notification_delivery_receiver", "receiver", "sent_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(String(40))
    rule_name: Mapped[str] = mapped_column(String(200), default="")
    event: Mapped[str] = mapped_column(String(20))
    task_id: Mapped[int] = mapped_column(index=True)
    run_id: Mapped[int]  # retention may take the run itself
    receiver: Mapped[str] = mapped_column(String(400))  # channel's type and address
    type: Mapped[str] = mapped_column(String(20))
    address: Mapped[str] = mapped_column(String(380))
    channel: Mapped[str] = mapped_column(String(100), default="")  # its name; empty: the rule says itself how
    config: Mapped[dict[str, Any]] = mapped_column(Json)  # as it was when this was chosen; secrets are sealed
    values: Mapped[dict[str, Any]] = mapped_column(Json)  # of the templates
    limit: Mapped[int | None]  # of its rule: so many an hour

    status: Mapped[str] = mapped_column(String(10), default="pending")  # pending, sent, failed, folded
    held: Mapped[bool] = mapped_column(default=False)  # its receiver has had enough for this hour
    folded_into: Mapped[int | None]  # the delivery that summed it up
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    not_before: Mapped[datetime] = mapped_column(UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    code: Mapped[int | None]
    answer: Mapped[str] = mapped_column(Text, default="")
    milliseconds: Mapped[int | None]


class Message(Base):
    """What somebody finds in their inbox here."""

    __tablename__ = "message"
    __table_args__ = (UniqueConstraint("delivery_id"), Index("ix_message_inbox", "user_id", "read_at", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    delivery_id: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    subject: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    event: Mapped[str] = mapped_column(String(20), default="")
    run: Mapped[str] = mapped_column(String(40), default="")  # its public id
    read_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
