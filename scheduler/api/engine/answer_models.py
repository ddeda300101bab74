"""What the engine face's answers hold, as models: for the OpenAPI document, and for the tests to hold answers to."""

from typing import Any

from scheduler.api.described import Shape

Number = int | float


class Task(Shape):
    """A task as tasks.json has it, how it stands, and when it is due next."""

    task_id: str
    task_name: str
    task_desc: str
    task_exec: str
    task_schedule: str
    task_timeout: int
    task_retry: int
    task_retry_interval: int
    task_enabled: bool
    task_log: str
    task_env: dict[str, str]
    task_dependencies: list[str]
    task_notify: dict[str, Any] | list[Any]
    status: str
    next_run: str | None


class Tasks(Shape):
    """All tasks."""

    tasks: list[Task]


class Deleted(Shape):
    """A task that is in the trash now."""

    task_id: str
    deleted: bool


class Begun(Shape):
    """An execution that was asked for."""

    execution_id: str
    status: str


class Stopped(Shape):
    """The executions that were told to stop."""

    task_id: str
    execution_ids: list[str]


class Execution(Shape):
    """An execution, and in which way it failed."""

    task_id: str
    execution_id: str
    start_time: str | None
    end_time: str | None
    status: str
    failure_kind: str | None
    return_code: int | None
    error_message: str | None
    duration: Number | None


class Executions(Shape):
    """A page of a task's history."""

    total: int
    executions: list[Execution]


class Standing(Shape):
    """How a task stands."""

    task_id: str
    status: str
    running: bool
    last_execution: Execution | None


class NextRun(Shape):
    """When a task is due next."""

    task_id: str
    next_run: str | None


class Line(Shape):
    """A line of a log."""

    timestamp: str
    level: str
    stream: str
    message: str


class Lines(Shape):
    """Lines of a task's log."""

    task_id: str
    logs: list[Line]
