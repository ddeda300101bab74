"""What a task's content looks like at rest: secrets in it sealed, shown masked, opened only to be run."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from scheduler.config import settings
from scheduler.kinds import references
from scheduler.kinds.base import Content, Context, Kind
from scheduler.vault import MASK, vault

Values = dict[str, Any]


def context(params: Mapping[str, str] | None = None, timeout: float = 3600) -> Context:
    """What a kind may know when it checks or prepares a content on this installation."""
    now = settings()
    return Context(
        instance=now.instance,
        params=params or {},
        timeout=timeout,
        allow_absolute_programs=now.execution.allow_absolute_programs,
        outgoing_allow=now.security.outgoing_allow,
        outgoing_deny=now.security.outgoing_deny,
    )


def sealed(kind: Kind[Any], content: Content) -> Values:
    """`content` as the database keeps it."""
    return _mapped(kind, content.model_dump(mode="json", exclude_defaults=True), vault().seal)


def opened(kind: Kind[Any], stored: Values) -> Values:
    """What was sealed, in clear: for `prepare` alone."""
    return _mapped(kind, stored, vault().open)


def resealed(kind: Kind[Any], stored: Values) -> Values:
    """What was sealed, sealed with the newest key."""
    return _mapped(kind, stored, vault().again)


def masked(kind: Kind[Any], stored: Values) -> Values:
    """What people may see of it."""
    return _mapped(kind, stored, lambda _value: MASK)


def unmasked(kind: Kind[Any], values: Values, stored: Values) -> Values:
    """`values` where a secret sent back as its mask means the one that is stored."""
    clear = opened(kind, stored)

    def restore(path: str) -> Callable[[str], str]:
        return lambda value: _at(clear, path) or "" if value == MASK else value

    for path in kind.secret_paths:
        values = _changed(values, path.split("."), restore(path))
    return values


def _mapped(kind: Kind[Any], values: Values, change: Callable[[str], str]) -> Values:
    for path in kind.secret_paths:
        values = _changed(values, path.split("."), change)
    return values


def _changed(values: Values, path: list[str], change: Callable[[str], str]) -> Values:
    """A copy of `values` in which the text at `path`, where there is one, went through `change`; names of secrets are none."""
    new = copy.deepcopy(values)
    inner: Any = new
    for name in path[:-1]:
        inner = inner.get(name) if isinstance(inner, dict) else None
    value = inner.get(path[-1]) if isinstance(inner, dict) else None
    if value and isinstance(value, str) and not references.only(value):
        inner[path[-1]] = change(value)
    return new


def _at(values: Values, path: str) -> Any:
    inner: Any = values
    for name in path.split("."):
        inner = inner.get(name) if isinstance(inner, dict) else None
    return inner
