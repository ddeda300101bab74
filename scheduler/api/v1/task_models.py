"""The body of a task as one model, for the OpenAPI document: the draft's fields, the policy's, and those of every kind.

What a body may really hold depends on its `type`, and is read by `task_bodies` and judged by the draft.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, create_model
from pydantic.fields import FieldInfo

from scheduler.api import wishes
from scheduler.api.described import bounded
from scheduler.errors import N_
from scheduler.kinds import kinds
from scheduler.tasks.drafts import Particulars
from scheduler.tasks.policy import Policy

REQUIRED = {"name", "schedule_type", "schedule_config"}
Fields = dict[str, Any]


class _Whole(BaseModel):
    """Unknown fields are refused by name."""

    model_config = ConfigDict(extra="forbid")


def _optional(fields: dict[str, FieldInfo]) -> Fields:
    return {name: (bounded(field) | None, None) for name, field in fields.items() if field.annotation}


def _contents() -> Fields:
    """The fields of every kind; one that two kinds have is of either's type."""
    found: Fields = {}
    for kind in kinds:
        for name, (annotation, default) in _optional(kind.model.model_fields).items():
            found[name] = (found[name][0] | annotation if name in found else annotation, default)
    return found


_BOTH: Fields = {
    **_contents(),
    **_optional(Policy.model_fields),
    **_optional(Particulars.model_fields),
    "project_id": (int | str | None, None),
    "notify": (wishes.OldForm | list[wishes.Rule] | None, None),
}

NewTask: type[BaseModel] = create_model(
    "NewTask",
    __base__=_Whole,
    __doc__=N_("A task to be made. One that names no `type` and no `command` runs what its group says."),
    **{**_BOTH, "name": (str, ...), "schedule_type": (str, ...), "schedule_config": (Any, None)},
)
TaskChanges: type[BaseModel] = create_model(
    "TaskChanges",
    __base__=_Whole,
    __doc__=N_("What is to be changed of a task; what is left out stays, null empties, an old `version` is 409."),
    **{**_BOTH, "version": (int | None, None)},
)
