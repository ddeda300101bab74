"""What a rule says, as document 003 writes it and 001 wrote it before: checked, made into one form; decides nothing."""

import hashlib
import json
import logging
import re
from collections.abc import Mapping
from datetime import time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from scheduler.errors import N_, Invalid, Problem
from scheduler.notify.channels import ways
from scheduler.validation import Refusal, problems

Event = Literal["success", "business_failure", "technical_failure", "timeout", "missed", "skipped", "lost", "recovered"]
HOUR = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")

_log = logging.getLogger("Notify")


class Part(BaseModel):
    """Unknown fields are refused by name, and nothing is taken for what it is not."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class OldForm(Part):
    """The older form: whether to write to one address when a run succeeds, and when it fails."""

    on_success: bool = False
    on_failure: bool = False
    email: Annotated[str, Field(max_length=320, pattern=r"^$|^[^@\s]+@[^@\s]+$")] = ""


class Choice(Part):
    """By which way: a channel's name or number, or a `type` and what that type needs."""

    model_config = ConfigDict(extra="allow")

    channel: Annotated[str, Field(min_length=1, max_length=100)] | int | None = None
    type: Annotated[str, Field(min_length=1, max_length=50)] | None = None

    @model_validator(mode="after")
    def _known(self) -> "Choice":
        given = self.model_extra or {}
        if (self.channel is None) == (self.type is None):
            raise Refusal(N_("Name a channel, or give a type and what it needs."), at="type")
        if self.type is None:
            if given:
                raise Refusal(N_("There is no such field."), at=next(iter(given)))
            return self
        try:
            ways.open_to_rules(self.type, given)
        except Invalid as error:
            problem = error.problems[0]
            raise Refusal(problem.text, at=problem.field, **problem.params) from error
        return self


class QuietHours(Part):
    """From when to when nothing is sent, on the installation's clock; what comes then is sent at the end."""

    model_config = ConfigDict(populate_by_name=True)

    begin: Annotated[str, Field(alias="from")]
    end: Annotated[str, Field(alias="to")]

    @field_validator("begin", "end")
    @classmethod
    def _hour(cls, text: str) -> str:
        if not HOUR.fullmatch(text):
            raise Refusal(N_("“%(value)s” is not a time of day, as in 02:00."), value=text[:20])
        return text

    @property
    def span(self) -> tuple[time, time]:
        """Both as times of day."""
        return time.fromisoformat(self.begin), time.fromisoformat(self.end)


class Terms(Part):
    """After how many such events in a row what is sent by which channels."""

    name: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    enabled: bool = True
    triggers: Annotated[list[Event], Field(max_length=20)]
    threshold: Annotated[int, Field(ge=1, le=1000)] = 1
    repeat: bool = False
    throttle_per_hour: Annotated[int, Field(ge=1, le=1000)] | None = None
    quiet_hours: QuietHours | None = None
    channels: Annotated[list[Choice], Field(max_length=20)] = []

    def shown(self) -> dict[str, Any]:
        """As it is kept and answered."""
        found = self.model_dump(by_alias=True)
        return found | {"channels": [choice.model_dump(exclude_none=True) for choice in self.channels]}

    @property
    def mark(self) -> str:
        """What changes when the rule waits for something else: its streaks begin anew."""
        basis = json.dumps([sorted(self.triggers), self.threshold, self.repeat])
        return hashlib.sha256(basis.encode()).hexdigest()[:16]


_FIELD = TypeAdapter(Annotated[list[Terms], Field(max_length=50)])


def read(values: Mapping[str, Any]) -> Terms:
    """One rule; `Invalid` naming each wrong field."""
    try:
        found = Terms.model_validate(dict(values))
    except ValidationError as error:
        raise Invalid(problems(error)) from error
    missing = [name for name in ("triggers", "channels") if not getattr(found, name)]
    if missing:
        raise Invalid(Problem(name, N_("This is required.")) for name in missing)
    return found


def checked(given: Any, field: str = "notify") -> Any:
    """`given` as a task has it, if it can be made into rules; `Invalid` naming what is wrong below `field`."""
    try:
        _rules(given)
    except ValidationError as error:
        raise Invalid(problems(error, field)) from error
    return given


def of_field(given: Any) -> list[Terms]:
    """The rules a task carries itself; none where they came by an import that kept what it could not read."""
    try:
        return _rules(given) if given else []
    except ValidationError as error:
        _log.debug("event=notify_unreadable reason=%s", error)
        return []


def _rules(given: Any) -> list[Terms]:
    if not isinstance(given, dict):
        return _FIELD.validate_python(given)
    old = OldForm.model_validate(given)
    failures: list[Event] = ["business_failure", "technical_failure", "lost"]
    triggers = [*(failures if old.on_failure else []), *(["success"] if old.on_success else [])]
    if not triggers or not old.email:
        return []
    return _FIELD.validate_python([{"triggers": triggers, "channels": [{"type": "email", "recipients": [old.email]}]}])
