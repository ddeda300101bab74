"""`task_notify` in a body, 003's rules or 001's older form: checked, and kept with the task as given until there are rules."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from scheduler.api.bodies import Body
from scheduler.errors import Invalid
from scheduler.tasks.models import Task
from scheduler.validation import problems

KEPT = "task_notify"  # in a task's metadata
Event = Literal["success", "business_failure", "technical_failure", "timeout", "lost", "missed", "skipped", "recovered"]


class OldForm(Body):
    """The older form: whether to write to one address when a run succeeds, and when it fails."""

    on_success: bool = False
    on_failure: bool = False
    email: Annotated[str, Field(max_length=320, pattern=r"^$|^[^@\s]+@[^@\s]+$")] = ""


class Channel(Body):
    """By which way; what else it needs depends on its type."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(min_length=1, max_length=50)]


class Rule(Body):
    """After how many such events in a row what is sent by which channels."""

    name: Annotated[str, Field(max_length=200)] = ""
    enabled: bool = True
    triggers: Annotated[list[Event], Field(max_length=20)]
    threshold: Annotated[int, Field(ge=1, le=1000)] = 1
    channels: Annotated[list[Channel], Field(max_length=20)] = []


_RULES = TypeAdapter(Annotated[list[Rule], Field(max_length=50)])


def checked(given: Any) -> Any:
    """`given`, if it can be made into rules; `Invalid` naming what is wrong below `notify`."""
    try:
        if isinstance(given, dict):
            OldForm.model_validate(given)
        else:
            _RULES.validate_python(given)
    except ValidationError as error:
        raise Invalid(problems(error, "notify")) from error
    return given


def kept(task: Task) -> Any:
    """What was asked for a task; nothing is an empty object."""
    return task.notes.get(KEPT, {})
