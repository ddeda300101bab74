"""The body of a task as the service face takes it, as a model for the OpenAPI document; `bodies` is what reads it."""

from typing import Any

from pydantic import create_model

from scheduler.api import wishes
from scheduler.api.bodies import Body
from scheduler.api.described import bounded
from scheduler.api.service.bodies import KNOWN, NAMES
from scheduler.tasks.drafts import Particulars
from scheduler.tasks.policy import Policy

OWN: dict[str, Any] = {
    "enabled": bool,
    "schedule": str | dict[str, Any],
    "action_type": str,
    "action_config": dict[str, Any],
    "notify": wishes.OldForm | list[wishes.Rule],
}


def typed(name: str, ours: str) -> Any:
    """The type of a field of a draft; what depends on the task's type may be anything."""
    for model in (Particulars, Policy):
        if ours in model.model_fields:
            return bounded(model.model_fields[ours])
    return Any


def _fields() -> dict[str, Any]:
    found = {name: OWN.get(name, typed(name, name)) for name in sorted(KNOWN)}
    found |= {name: OWN.get(name) or OWN.get(ours) or typed(name, ours) for name, ours in NAMES.items()}
    return {name: (kind | None if kind is not Any else Any, None) for name, kind in found.items()}


TaskBody: Any = create_model("ServiceTask", __base__=Body, **_fields())
