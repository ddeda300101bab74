"""What the calls about logs ask and answer, as models for the OpenAPI document and the tests."""

from typing import Literal

from pydantic import BaseModel, Field

from scheduler.api.described import Shape


class Which(BaseModel):
    """Which of the document's two logs, and how many of its last lines."""

    log_type: Literal["output", "error"] = "output"
    lines: int = Field(10_000, ge=1, le=10_000)


class Try(BaseModel):
    """Which attempt; the newest unless told."""

    attempt: int | None = Field(None, ge=1)


class Search(Try):
    """Which lines: the last, those after a number, or those that fit all that is said."""

    q: str = ""
    level: Literal["DEBUG", "INFO", "WARN", "WARNING", "ERROR"] | None = None
    stream: Literal["stdout", "stderr"] | None = None
    since: str | None = None
    until: str | None = None
    after: int | None = Field(None, ge=0)
    limit: int = Field(1000, ge=1, le=10_000)


class LogFile(Shape):
    """One of the document's two logs; empty, with `on_host`, where another machine has it."""

    execution_id: str
    log_type: str
    content: list[str]
    file_path: str
    file_size: int
    lines_count: int
    last_modified: str | None
    on_host: str | None


class Line(Shape):
    """A line of a log."""

    number: int
    timestamp: str | None
    level: str | None
    stream: str
    message: str
    cut: bool | int
    unfinished: bool


class Lines(Shape):
    """Lines of an attempt's log; none, with `on_host`, where another machine has it."""

    execution_id: str
    attempt: int
    on_host: str | None
    total: int
    truncated: bool
    complete: bool
    size: int
    lines: list[Line]
