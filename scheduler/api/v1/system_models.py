"""What the calls about the installation ask and answer, as models for the OpenAPI document and the tests."""

from typing import Any

from pydantic import BaseModel, Field

from scheduler.api.described import Shape
from scheduler.api.v1.answer_models import Number


class Age(BaseModel):
    """For how many hours an execution has been over."""

    max_age_hours: int = Field(24, ge=0, le=876_000)


class QueueStatus(Shape):
    """How much waits, runs, and was done today."""

    pending_tasks: int
    running_tasks: int
    completed_today: int


class Metrics(Shape):
    """How the machine and the scheduler are doing."""

    cpu_percent: Number | None
    memory_percent: Number | None
    disk_usage: Number | None
    active_tasks: int
    scheduler_status: str
    queue_status: QueueStatus
    database_status: str
    redis_status: str
    last_updated: str


class Summary(Shape):
    """What was removed."""

    directories_removed: int
    directories_failed: int
    space_freed_mb: Number
    oldest_removed: str | None
    cleanup_time: str


class Cleaned(Shape):
    """What a clean-up of workspaces did."""

    cleanup_summary: Summary


class Record(Shape):
    """One clean-up."""

    id: int
    status: str
    due_at: str | None
    asked_by: str | None
    start_time: str | None
    end_time: str | None
    freed: dict[str, Any]
    error_message: str | None


class Records(Shape):
    """When the next clean-up is due, what it keeps, and what it did lately."""

    next_run: str | None
    keeps: dict[str, Any]
    runs: list[Record]
