"""The parameters the service face takes in its queries, as models for the OpenAPI document; `asking` is what reads them."""

from typing import Literal

from pydantic import BaseModel, Field

Status = Literal["pending", "running", "success", "failed", "cancelled", "missed", "skipped"]
Standing = Literal["active", "inactive"] | Status


class Executions(BaseModel):
    """Which executions of a task; a time without an offset is on the task's clock."""

    page: int = Field(1, ge=1, le=10_000_000)
    limit: int = Field(20, ge=1, le=100)
    status: Status | None = None
    start_date: str | None = None
    end_date: str | None = None


class Tasks(BaseModel):
    """000's page and filters; with `enabled_only` or `offset` 004's list."""

    page: int = Field(1, ge=1, le=10_000_000)
    limit: int = Field(20, ge=1, le=1000)
    offset: int | None = Field(None, ge=0, le=10_000_000)
    enabled_only: bool | None = None
    group: str = ""
    status: Standing | None = None
    q: str = ""
    tag: str = ""


class Log(BaseModel):
    """004's slice of a list."""

    limit: int = Field(100, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=10_000_000)


class Lines(BaseModel):
    """Which lines of a log: the last ones, or those a search finds."""

    limit: int = Field(1000, ge=1, le=5000)
    level: Literal["DEBUG", "INFO", "WARN", "WARNING", "ERROR"] | None = None
    stream: Literal["stdout", "stderr"] | None = None
    q: str = ""
    since: str | None = None
    until: str | None = None


class Span(BaseModel):
    """From which day to which, both included, on the task's clock."""

    start_date: str | None = None
    end_date: str | None = None
