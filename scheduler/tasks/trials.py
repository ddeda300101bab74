"""Trying out what stands in a form: a task that is born in the trash, for one run, and is gone for good a day later."""

from collections.abc import Mapping
from datetime import timedelta
from secrets import token_hex
from typing import Any

from scheduler import clock
from scheduler.accounts import audit
from scheduler.accounts.permissions import Actor, require
from scheduler.database import transaction
from scheduler.tasks import definitions, drafts, secrets, versions
from scheduler.tasks.models import Task

KEPT = timedelta(days=1)
# What a trial has nothing of, whatever the form says: it runs once, at once, after nobody, seen by who tries it out.
BARE: Mapping[str, Any] = {
    "schedule_type": "manual",
    "schedule_config": None,
    "start_at": None,
    "end_at": None,
    "max_runs": None,
    "is_active": False,
    "depends_on": [],
    "retry_count": 0,
    "private": True,
}


def create(actor: Actor, values: Mapping[str, Any], like: Task | None = None) -> Task:
    """A task to be run once with `values`, or with those changes over what `like` has, its secrets included.

    No list shows it and no name is taken by it. Raises as `definitions.create` does; the schedule is not looked at.
    """
    with transaction() as session:
        if like is not None:
            require(actor, "task.edit", like)
            values = definitions.merged(like, values)
        key = f"trial-{token_hex(6)}"
        draft = drafts.read({**values, **BARE, "key": key}, seed=key)
        group = definitions.named_group(session, actor, values.get("group"))
        for action in ("task.create", "task.run"):
            require(actor, action, definitions.group_place(group))
        definitions.permitted(actor, like, draft)
        definitions.runnable(draft, group)
        secrets.refuse(actor, group, draft.secrets)
        now = clock.now()
        task = Task(key=key, trial=True, created_at=now, updated_at=now, deleted_at=now, owner_id=actor.id)
        definitions.apply(task, draft, group)
        session.add(task)
        session.flush()
        after = definitions.written(task)
        versions.keep(session, actor, task, "task.try", after)
        audit.record(actor, "task.try", ("task", task.id, task.name), after=after)
    return task
