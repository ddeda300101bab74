"""Making a task once, however often the request for it comes: its key is kept with what it made."""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import delete

from scheduler import clock
from scheduler.accounts.permissions import Actor
from scheduler.database import transaction
from scheduler.errors import N_, Conflict
from scheduler.tasks import definitions
from scheduler.tasks.models import CreationKey, Task

MEMORY = timedelta(days=7)
FIELD = "Idempotency-Key"


def create(actor: Actor, values: Mapping[str, Any], key: str = "") -> Task:
    """Save a new task. With a `key` this actor has used within a week, the task it made then is the answer.

    `Conflict` when the key came with other values, or its task has been deleted since. Otherwise as `definitions.create`.
    """
    if not key or actor.id is None:
        return definitions.create(actor, values)
    digest = hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()
    now = clock.now()
    with transaction() as session:
        session.execute(delete(CreationKey).where(CreationKey.created_at < now - MEMORY))
        known = session.get(CreationKey, (actor.id, key))
        if known is not None:
            return _made(session.get_one(Task, known.task_id), known, digest)
        task = definitions.create(actor, values)
        session.add(CreationKey(user_id=actor.id, key=key, digest=digest, task_id=task.id, created_at=now))
    return task


def _made(task: Task, known: CreationKey, digest: str) -> Task:
    if known.digest != digest:
        raise Conflict.because(N_("This key came with another request before."), field=FIELD)
    if task.deleted_at is not None:
        raise Conflict.because(N_("The task this key made is in the trash."), field=FIELD)
    return task
