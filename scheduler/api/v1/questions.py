"""The parameters v1's calls take in their queries, as models for the OpenAPI document; `asking` is what reads them."""

from typing import Literal

from pydantic import BaseModel, Field

from scheduler.kinds import kinds
from scheduler.runs.status import Cause

Word = Literal["PENDING", "RUNNING", "SUCCESS", "FAILED", "TIMEOUT", "CANCELLED", "MISSED", "SKIPPED"]


class Pages(BaseModel):
    """Which page of a list, and how long pages are."""

    page: int = Field(1, ge=1, le=10_000_000)
    size: int = Field(20, ge=1, le=100)


class Tasks(Pages):
    """Which tasks."""

    q: str = ""
    group: str = ""
    project_id: str = ""
    type: str = Field("", json_schema_extra={"enum": [*kinds.names]})
    tag: str = ""
    is_active: bool | None = None
    status: Word | None = None


class Executions(Pages):
    """Which executions of one task; a time without an offset is on the task's clock."""

    q: str = ""
    status: Word | None = None
    cause: str = Field("", json_schema_extra={"enum": [*map(str, Cause)]})
    start_date: str | None = None
    end_date: str | None = None


class AllExecutions(Executions):
    """Which executions of any task."""

    task_id: str = ""
