"""The body of a task and the queries as the engine face takes them, as models for the OpenAPI document."""

from pydantic import BaseModel, Field

from scheduler.api import wishes
from scheduler.api.bodies import Body
from scheduler.api.service import questions


class TaskBody(Body):
    """A task as tasks.json has it; a new one needs its name, its program and its schedule."""

    task_id: str | None = None
    task_name: str | None = None
    task_desc: str | None = None
    task_exec: str | None = None
    task_schedule: str | None = None
    task_timeout: int | None = None
    task_retry: int | None = None
    task_retry_interval: int | None = None
    task_enabled: bool | None = None
    task_log: str | None = None
    task_env: dict[str, str] | None = None
    task_dependencies: list[str] | None = None
    task_notify: wishes.OldForm | list[wishes.Rule] | None = None


class All(BaseModel):
    """Which part of all tasks."""

    limit: int = Field(1000, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=10_000_000)


class Meant(BaseModel):
    """Which execution: the latest unless told."""

    execution_id: str = ""


class Lines(questions.Lines, Meant):
    """Which lines, and of which execution."""
