"""`rotate-keys`: a new key for the secrets, and every one of them sealed with it; keys themselves are the vault's."""

from typing import Any

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from scheduler import vault
from scheduler.accounts import audit
from scheduler.accounts.permissions import SYSTEM
from scheduler.cli.telling import as_json, say, told
from scheduler.config import settings
from scheduler.database import transaction
from scheduler.kinds import kinds
from scheduler.tasks import contents
from scheduler.tasks.models import Group, Secret, Task, TaskRevision


@click.command("rotate-keys")
@click.option(
    "--drop-old", is_flag=True, help="Forget the old keys; only while no server runs: one would go on sealing with them."
)
@as_json
@with_appcontext
def rotate_command(drop_old: bool, as_json: bool) -> None:
    """Make a new key and seal every secret with it; the old keys still open what they sealed, in old backups say.

    Servers that run take the new key by themselves when they meet a secret it has sealed.
    """
    folder = settings().instance / "keys"
    vault.use(told(lambda: vault.add_key(folder)))
    count = told(_reseal)
    if drop_old:
        vault.use(vault.drop_old_keys(folder))
    found = {"resealed": count, "keys": len(vault.vault().marks)}
    say(found, as_json, f"{count} secrets, tasks and groups were sealed anew; there are {found['keys']} keys now.")


def _reseal() -> int:
    """Seal anew what is sealed, in one transaction; answers how many secrets and contents there were."""
    count = 0
    with transaction() as session:
        for task in session.scalars(select(Task).where(Task.kind.is_not(None))).unique():
            new = contents.resealed(kinds.get(str(task.kind)), task.content)
            count += new != task.content
            task.content = new
        for revision in session.scalars(select(TaskRevision)):
            revision.values = _resealed(revision.values)
        for group in session.scalars(select(Group).where(Group.default_content.is_not(None))):
            new = _resealed(group.default_content or {})
            count += new != group.default_content
            group.default_content = new
        for secret in session.scalars(select(Secret)):
            secret.sealed = vault.vault().again(secret.sealed)
            count += 1
        audit.record(SYSTEM, "keys.rotate", ("installation", None, "vault.key"), after={"contents": count})
    return count


def _resealed(values: dict[str, Any]) -> dict[str, Any]:
    """Values that name their `type`, sealed anew."""
    known = values.get("type") in kinds.names
    return contents.resealed(kinds.get(values["type"]), values) if known else values


COMMANDS = (rotate_command,)
