"""What v1's answers hold, as models: for the OpenAPI document and for the tests, which hold every answer to them."""

from typing import Any

from scheduler.api.described import Shape

Number = int | float


class User(Shape):
    """A user, without anything that signs them in."""

    id: int
    username: str
    email: str
    role: str
    is_active: bool
    limited_to_groups: bool
    language: str | None
    timezone: str | None
    created_at: str
    last_login_at: str | None


class Brief(Shape):
    """An execution in four words."""

    execution_id: str
    status: str
    start_time: str | None
    duration_seconds: Number | None


class Progress(Shape):
    """How far an execution says it is."""

    current_step: str | None
    progress_percent: Number | None


class Attempt(Shape):
    """One try of an execution."""

    number: int
    start_time: str | None
    end_time: str | None
    exit_code: int | None
    signal: int | str | None
    status: str
    error_message: str | None
    metrics: dict[str, Number]
    unmet_limits: dict[str, int | None]
    left_behind: int


class Usage(Shape):
    """What an execution used."""

    max_memory_mb: Number | None
    cpu_seconds: Number | None
    avg_cpu_percent: Number | None


class Execution(Shape):
    """One execution with its attempts."""

    execution_id: str
    task_id: int
    task_name: str
    task_version: int | None
    status: str
    failure_kind: str | None
    reason: str | None
    reason_text: str | None
    missed_count: int
    missed_until: str | None
    cause: str
    triggered_by: str | None
    upstream_executions: list[str]
    scheduled_at: str
    queued_at: str | None
    next_attempt_at: str | None
    start_time: str | None
    end_time: str | None
    duration_seconds: Number | None
    created_at: str | None
    attempt: int
    attempts: list[Attempt]
    exit_code: int | None
    signal: int | str | None
    output_summary: str | None
    progress: Progress
    metrics: dict[str, Number]
    error_message: str | None
    host: str | None
    pid: int | None
    log_file_path: str
    error_log_path: str
    workspace_path: str
    resource_usage: Usage


class Summary(Shape):
    """How a task's executions went, in numbers."""

    total_executions: int
    success_count: int
    failed_count: int
    last_success: str | None
    last_failure: str | None


class Task(Shape):
    """A task; beside these fields, those of what it runs: they depend on its `type`."""

    model_config = {"extra": "allow", "strict": True}

    id: int
    key: str
    name: str
    description: str | None
    project_id: int
    project_name: str
    group: str
    tags: list[str]
    owner: str | None
    private: bool
    type: str | None
    params: dict[str, str]
    env: dict[str, str]
    working_directory: str
    schedule_type: str
    schedule_config: str | dict[str, Any] | None
    timezone: str
    start_at: str | None
    end_at: str | None
    max_runs: int | None
    is_active: bool
    status: str
    timeout_seconds: int
    kill_grace_seconds: Number
    max_instances: int
    priority: int
    retry_count: int
    retry_delay_seconds: Number
    retry_backoff: str
    retry_max_delay_seconds: Number
    business_exit_codes: list[int]
    success_exit_codes: list[int]
    overlap_policy: str
    misfire_policy: str
    misfire_grace_seconds: Number | None
    depends_on: list[str | int]
    depends_mode: str
    metadata: dict[str, Any]
    notify: dict[str, Any] | list[Any]
    version: int
    next_run_time: str | None
    last_execution: Brief | None
    created_at: str
    updated_at: str


class TaskInFull(Task):
    """A task, with how its executions went."""

    execution_summary: Summary


class DayCount(Shape):
    """A day in UTC."""

    date: str
    success: int
    failed: int


class Trends(Shape):
    """Day by day, the newest first; days without any are left out."""

    daily_counts: list[DayCount]


class Running(Shape):
    """An execution under way."""

    task_id: int
    task_name: str
    execution_id: str
    start_time: str | None
    running_time: int
    status: str
    progress: Progress
