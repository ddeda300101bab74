"""The groups of a file: what would be made or changed of them, by those who manage groups; tasks are planned elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.accounts import audit
from scheduler.accounts.permissions import Actor, require
from scheduler.errors import N_, Invalid, Problem, SchedulerError
from scheduler.kinds import kinds
from scheduler.kinds import read as read_content
from scheduler.tasks import contents, drafts, wording
from scheduler.tasks.models import Group
from scheduler.tasks.transfer import native
from scheduler.tasks.transfer.source import Entry, Located, refused, while_few
from scheduler.vault import MASK

MOST_CONCURRENT = 10_000


@dataclass
class GroupChange:
    """What becomes of one group: create, change or same."""

    action: str
    entry: Entry
    key: str
    group: Group
    values: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)


def plan(
    actor: Actor, entries: Sequence[Entry], groups: Mapping[str, Group]
) -> tuple[list[GroupChange], dict[str, Group], list[Located]]:
    """The changes, the groups there would be by key, and what is wrong."""
    known = dict(groups)
    changes: list[GroupChange] = []
    problems: list[Located] = []
    names = {group.name: group.key for group in groups.values()}
    seen: set[str] = set()
    for entry in while_few(entries, problems):
        try:
            change = _judged(actor, entry, groups)
            _free(change, names, seen)
        except SchedulerError as error:
            problems += refused(entry, error)
            continue
        changes.append(change)
        seen.add(change.key)
        known.setdefault(change.key, change.group)
    return changes, known, problems


def write(session: Session, actor: Actor, changes: Sequence[GroupChange]) -> None:
    """Make and change them, with their audit rows, within a transaction."""
    for change in changes:
        before = _shown(change.group)
        for name, value in change.values.items():
            setattr(change.group, name, value)
        if change.action == "create":
            change.group.created_at = clock.now()
            session.add(change.group)
        session.flush()
        if change.action != "same":
            thing = ("group", change.group.id, change.group.name)
            told = {"after": _shown(change.group)} | ({"before": before} if change.action == "change" else {})
            audit.record(actor, f"group.{'edit' if change.action == 'change' else 'create'}", thing, **told)


def _shown(group: Group) -> dict[str, Any]:
    return native.group_values(group)


def _judged(actor: Actor, entry: Entry, groups: Mapping[str, Group]) -> GroupChange:
    values = _checked(entry.values)
    group = groups.get(values["key"])
    if group is None:
        require(actor, "group.manage")
        change = GroupChange("create", entry, values["key"], Group(**values), values)
        return change
    if native.group_values(group) == entry.values:
        return GroupChange("same", entry, group.key, group)
    if values["default_content"]:
        values["default_content"] = _kept(values["default_content"], group.default_content or {})
    changed = {name: value for name, value in values.items() if getattr(group, name) != value}
    if changed:
        require(actor, "group.manage")
    shown = {name: (getattr(group, name), value) for name, value in changed.items() if name != "default_content"}
    if "default_content" in changed:
        shown["default_content"] = (MASK, MASK)
    return GroupChange("change" if changed else "same", entry, group.key, group, changed, shown)


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a group, each looked at."""
    found = [Problem(name, N_("There is no such field.")) for name in given if name not in native.GROUP_FIELDS]
    for name in ("key", "name", "description"):
        if not isinstance(given.get(name, ""), str):
            found.append(Problem(name, N_("This must be text.")))
    most = given.get("max_concurrent")
    if most is not None and (not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= MOST_CONCURRENT):
        found.append(Problem("max_concurrent", N_("This must be a whole number from 1 on.")))
    if found:
        raise Invalid(found)
    name = wording.name(given.get("name") or given.get("key") or "")
    key = wording.key(given.get("key") or wording.key_from(name))
    description = given.get("description", "")
    if wrong := wording.plain(description, "description"):
        raise Invalid(wrong)
    content = _content(given.get("default_content"))
    return {"key": key, "name": name, "description": description, "max_concurrent": most, "default_content": content}


def _content(given: Any) -> dict[str, Any] | None:
    if given is None:
        return None
    if not isinstance(given, dict):
        raise Invalid.because(N_("This must be a map of names to values."), field="default_content")
    kind, content = drafts.content_alone(given)
    return {"type": kind.name, **contents.sealed(kind, content)}


def _kept(wanted: dict[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """The content wanted; the one stored where they say the same, as sealing it anew would look like a change."""
    if stored.get("type") != wanted["type"]:
        return wanted
    kind = kinds.get(wanted["type"])
    clear = contents.unmasked(kind, contents.opened(kind, wanted), dict(stored))
    if clear == contents.opened(kind, dict(stored)):
        return dict(stored)
    content = read_content(kind, {name: value for name, value in clear.items() if name != "type"})
    return {"type": kind.name, **contents.sealed(kind, content)}


def _free(change: GroupChange, names: dict[str, str], seen: set[str]) -> None:
    name = change.values.get("name", change.group.name)
    if names.get(name, change.key) != change.key or change.key in seen:
        raise Invalid.because(N_("“%(value)s” is taken by another group."), field="name", value=name)
    names[name] = change.key
