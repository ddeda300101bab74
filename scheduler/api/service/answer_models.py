"""What the service face's answers hold, as models: for the OpenAPI document, and for the tests to hold answers to."""

from typing import Any

from pydantic import ConfigDict

from scheduler.api.described import Shape
from scheduler.api.templates import Template

Number = int | float


class Brief(Shape):
    """A task in the first form's list."""

    id: str
    name: str
    group: str
    status: str
    schedule: str
    next_run: str | None
    last_run: str | None
    last_status: str | None
    current_status: str


class Whole(Brief):
    """A task in the first form; beside these fields all others that can be sent, and those of what it runs."""

    model_config = ConfigDict(extra="allow", strict=True)

    description: str | None
    type: str | None
    enabled: bool
    tags: list[str]
    timezone: str
    metadata: dict[str, Any]
    task_notify: dict[str, Any] | list[Any]


class TaskPage(Shape):
    """A page of the first form's list."""

    total: int
    page: int
    limit: int
    tasks: list[Brief]


class Scheduled(Shape):
    """A task in the second form."""

    id: int
    task_name: str
    description: str
    status: str
    current_status: str
    enabled: bool
    schedule_type: str
    schedule_config: dict[str, Any]
    action_type: str
    action_config: dict[str, Any]
    group: str
    tags: list[str]
    timezone: str
    task_dependencies: list[str]
    task_notify: dict[str, Any] | list[Any]
    next_run_time: str | None
    last_run_time: str | None
    last_success_time: str | None
    last_failure_time: str | None
    total_runs: int
    success_runs: int
    failure_runs: int
    average_duration: Number
    created_at: str
    updated_at: str


class Deleted(Shape):
    """A task that is in the trash now."""

    id: str | int
    deleted: bool


class Begun(Shape):
    """An execution that was asked for."""

    execution_id: str
    status: str


class Stopped(Shape):
    """The executions that were told to stop."""

    id: str | int
    execution_ids: list[str]


class Execution(Shape):
    """An execution in the first form."""

    id: str
    task_id: str
    status: str
    failure_kind: str | None
    reason: str | None
    cause: str
    scheduled_at: str
    started_at: str | None
    finished_at: str | None
    duration: Number | None
    output: str


class ExecutionDetail(Execution):
    """… with what went wrong."""

    error: str | None
    exit_code: int | None


class ExecutionPage(Shape):
    """A page of a task's history, in the first form."""

    total: int
    page: int
    limit: int
    executions: list[Execution]


class Line(Shape):
    """A line of a log."""

    timestamp: str
    level: str
    stream: str
    message: str


class Lines(Shape):
    """Lines of a log."""

    logs: list[Line]


class LogEntry(Shape):
    """An execution in the second form."""

    execution_id: str
    started_at: str | None
    completed_at: str | None
    duration: Number | None
    status: str
    failure_kind: str | None
    error_message: str | None
    result: dict[str, Any]


class LogPage(Shape):
    """A page of executions in the second form."""

    logs: list[LogEntry]
    total: int
    limit: int
    offset: int


class TaskStats(Shape):
    """How a task's executions went."""

    total_executions: int
    success: int
    failed: int
    success_rate: Number
    avg_duration: Number
    total_duration: Number


class AllStats(Shape):
    """How all tasks go."""

    total_tasks: int
    active_tasks: int
    total_executions: int
    success_rate: Number
    by_status: dict[str, int]


class Standing(Shape):
    """How the scheduler stands, in a few numbers."""

    running: bool
    total_tasks: int
    enabled_tasks: int
    running_executions: int


class Templates(Shape):
    """All of them."""

    templates: list[Template]
