"""What the examples of the OpenAPI document name: a task with a past, an execution, a group, a secret, a user, an API key."""

import shutil
from datetime import timedelta
from pathlib import Path
from secrets import token_urlsafe

from flask import Flask

from scheduler import clock, heartbeat
from scheduler.accounts import keys, permissions, tokens, users
from scheduler.accounts.models import SignIn, User
from scheduler.accounts.tokens import Tokens
from scheduler.api.openapi_examples import BODIES, MEMBER, PLACES
from scheduler.database import db, transaction
from scheduler.runs.models import Run
from scheduler.tasks import definitions, groups, own_recipes, secrets
from tests.api.conftest import end, prints
from tests.factories import make_run

PASSWORD = BODIES["v1_auth.login"]["password"]


def arrange(app: Flask, instance: Path, alive: bool = False) -> None:
    """Make all of it; where the examples name a number, it is the first there is. `alive`: the execution waits for its retry."""
    shutil.rmtree(instance / "runs", ignore_errors=True)
    heartbeat.beat(instance)
    actor = permissions.actor_of(db.session.get_one(User, 1))
    keys.create(actor, {"name": "nightly", "scopes": ["read"], "expires_at": None})
    group = groups.create(actor, {"name": "Reports", "key": PLACES["group_id"]})
    groups.grant(actor, group, MEMBER, "viewer")
    grace = {"username": PLACES["user_id"], "role": "operator", "password": PASSWORD, "must_change": False}
    users.create(actor, grace)
    schedule = {"schedule_type": "daily", "schedule_config": {"times": ["02:00"]}}
    task = definitions.create(actor, {"name": "Nightly backup", "key": PLACES["task_id"], "command": "echo copying", **schedule})
    pack = {"parameters": [{"name": "folder", "required": True}], "task": {"command": 'tar -czf "$folder.tar.gz" "$folder"'}}
    own_recipes.create(actor, {"name": "Pack a folder", "key": PLACES["template_id"], **pack})
    definitions.edit(actor, task.id, {"description": "copies everything", "retry_count": int(alive)}, None)
    secrets.put(actor, PLACES["name"], {"value": "tr0ub4dor and three", "groups": [group.id]})
    (instance / "tasks").mkdir(exist_ok=True)
    (instance / "tasks" / "test_task.py").touch()
    run = make_run(task, actor)
    prints(instance, run.id, b"copying\nWARN slow disk\n")
    end(app, run.id, exit_code=3)
    db.session.rollback()
    with transaction() as session:
        session.get_one(Run, run.id).public_id = PLACES["execution_id"]


def signed_in() -> Tokens:
    """Tokens of Ada, who is an administrator and signs in again, whatever became of her."""
    now = clock.now()
    with transaction() as session:
        ada = session.get_one(User, 1)
        ada.username, ada.role, ada.active, ada.one_time_password = "ada", "administrator", True, False
        begun = SignIn(id=token_urlsafe(32), user=ada, origin="api", created_at=now, expires_at=now + timedelta(hours=1))
        session.add(begun)
        session.flush()
        return tokens.issue(begun)
