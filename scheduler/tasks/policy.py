"""How a task is to be run: timeout, retries, limits, overlap, misfire; the values and their ranges, not the decisions."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from scheduler.config import settings

ExitCodes = Annotated[list[Annotated[int, Field(ge=0, le=255)]], Field(max_length=256)]


class Limits(BaseModel):
    """What one attempt may use; None: as much as the machine lets it."""

    model_config = ConfigDict(extra="forbid")

    cpu_seconds: int | None = Field(None, ge=1, le=31_536_000)
    memory_mb: int | None = Field(None, ge=16, le=16_777_216)
    processes: int | None = Field(None, ge=1, le=1_000_000)
    open_files: int | None = Field(None, ge=16, le=1_048_576)
    file_size_mb: int | None = Field(None, ge=1, le=16_777_216)
    nice: int | None = Field(None, ge=0, le=19)  # how far it steps back for others; no limit, but kept with them


class Policy(BaseModel):
    """The rules of one task; lengths of time are whole seconds."""

    model_config = ConfigDict(extra="forbid")

    timeout_seconds: int = Field(default_factory=lambda: settings().execution.timeout, ge=1, le=2_592_000)
    kill_grace_seconds: int = Field(default_factory=lambda: settings().execution.kill_grace_seconds, ge=0, le=3600)
    max_instances: int = Field(1, ge=1, le=1000)
    priority: int = Field(0, ge=-1000, le=1000)
    retry_count: int = Field(0, ge=0, le=100)
    retry_delay_seconds: int = Field(60, ge=0, le=86_400)
    retry_backoff: Literal["fixed", "exponential"] = "fixed"
    retry_max_delay_seconds: int = Field(3600, ge=0, le=604_800)
    success_exit_codes: ExitCodes = [0]  # they go before the next
    business_exit_codes: ExitCodes = [1]
    overlap_policy: Literal["skip", "queue", "replace", "allow"] = "skip"
    misfire_policy: Literal["skip", "run_once", "run_all"] = "skip"
    misfire_grace_seconds: int = Field(300, ge=1, le=604_800)
    limits: Limits = Limits()
    run_as: str = Field("", max_length=64)  # a user of this machine; empty: the configured one, else the scheduler's own
    retention_days: int | None = Field(None, ge=1, le=36_500)  # None: as the installation keeps history
    max_records: int | None = Field(None, ge=1, le=100_000_000)
