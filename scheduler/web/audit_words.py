"""What an audit entry says to people: the act in words, and what changed from what to what; finding entries lives in accounts."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from flask_babel import gettext

from scheduler.accounts.models import AuditEntry
from scheduler.errors import N_

ACTS: Mapping[str, str] = {
    "task.create": N_("Created it"),
    "task.edit": N_("Changed it"),
    "task.enable": N_("Enabled it"),
    "task.disable": N_("Disabled it"),
    "task.delete": N_("Moved it to the trash"),
    "task.restore": N_("Restored it"),
    "task.run": N_("Ran it"),
    "task.try": N_("Tried it out without saving"),
    "run.stop": N_("Stopped a run"),
    "run.hasten": N_("Let a waiting retry start at once"),
    "scheduler.pause": N_("Paused everything"),
    "scheduler.resume": N_("Resumed everything"),
    "task.purge": N_("Removed it for good"),
    "workspaces.clean": N_("Removed workspaces"),
    "upkeep.run": N_("Had everything cleaned"),
    "tasks.import": N_("Brought in a file"),
    "keys.rotate": N_("Made a new key for the secrets"),
    "secret.create": N_("Created it"),
    "secret.edit": N_("Changed it"),
    "secret.delete": N_("Removed it for good"),
    "group.create": N_("Created it"),
    "group.edit": N_("Changed it"),
    "recipe.create": N_("Created it"),
    "recipe.edit": N_("Changed it"),
    "recipe.delete": N_("Deleted it"),
    "denied": N_("Was refused"),
}
LONGEST = 300


def act(action: str) -> str:
    """What was done, in words; an act without any goes by its name."""
    return str(gettext(ACTS[action])) if action in ACTS else action


def changes(entry: AuditEntry) -> Iterator[tuple[str, str | None, str | None]]:
    """Each value that differs: its name, before, after; of a thing made or removed nothing but that it was."""
    before, after = entry.before, entry.after
    if before is None:
        return
    for name in [*before, *(name for name in after or {} if name not in before)]:
        yield name, text(before.get(name)), text((after or {}).get(name))


def text(value: Any) -> str | None:
    """A value as it is shown, shortened; None where there is none."""
    if value is None:
        return None
    found = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return found if len(found) <= LONGEST else found[:LONGEST] + "…"
