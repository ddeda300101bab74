"""Who may do what: roles, grants, the one table from action to least role, and the one function that reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scheduler.accounts.models import User
from scheduler.accounts.standing import Person
from scheduler.errors import N_, Forbidden, NotFound

ROLES = ("viewer", "operator", "editor", "administrator")
LABELS: Mapping[str, str] = {
    "viewer": N_("Viewer"),
    "operator": N_("Operator"),
    "editor": N_("Editor"),
    "administrator": N_("Administrator"),
}
GRANTABLE = ROLES[:-1]  # an administrator is one everywhere

# On a task, or on whatever lies in a group: the least role there.
IN_GROUP: Mapping[str, str] = {
    "task.see": "viewer",
    "log.read": "viewer",
    "task.run": "operator",
    "task.stop": "operator",
    "task.enable": "operator",
    "task.create": "editor",
    "task.edit": "editor",
    "task.delete": "editor",
    "env.see": "editor",
    "secret.use": "editor",
}
# On the product as a whole: the least product-wide role.
PRODUCT_WIDE: Mapping[str, str] = {
    "self.edit": "viewer",
    "schedule.preview": "viewer",
    "audit.see": "viewer",
    "message.see": "viewer",
    "message.mark": "viewer",
    "metrics.see": "operator",
    "pause.all": "administrator",
    "run_as.choose": "administrator",
    "group.manage": "administrator",
    "secret.manage": "administrator",
    "user.manage": "administrator",
    "settings.manage": "administrator",
    "channel.manage": "administrator",
}
ACTIONS: Mapping[str, str] = {**IN_GROUP, **PRODUCT_WIDE}
# What an API key may be made for. Every one sees tasks, or nothing could be found that is to be run or changed.
SCOPES: Mapping[str, frozenset[str]] = {
    "read": frozenset({"task.see", "log.read", "schedule.preview", "audit.see", "metrics.see", "message.see"}),
    "run": frozenset({"task.see", "task.run", "task.stop", "task.enable"}),
    "write": frozenset(
        {"task.see", "env.see", "secret.use", "schedule.preview", "task.create", "task.edit", "task.delete", "message.mark"}
    ),
    "admin": frozenset(
        {
            "task.see",
            "secret.use",
            "self.edit",
            "pause.all",
            "group.manage",
            "secret.manage",
            "user.manage",
            "settings.manage",
            "channel.manage",
        }
    ),
}
# The one act that tells whether somebody may have a key of that scope.
SCOPE_NEEDS: Mapping[str, str] = {"read": "task.see", "run": "task.run", "write": "task.edit", "admin": "user.manage"}


@dataclass(frozen=True)
class Actor:
    """Whoever asks: what permission depends on, and what the audit log says about them."""

    id: int | None
    name: str
    role: str
    limited: bool = False
    grants: Mapping[int, str] = field(default_factory=dict)
    address: str = ""
    scopes: frozenset[str] | None = None  # of the API key that asks; None: no key, or everything its owner may do
    via: str = ""  # the beginning of that key


@dataclass(frozen=True)
class Scope:
    """Which tasks an actor may see: in one of these groups, and public or their own; or simply everything."""

    everything: bool
    all_groups: bool
    group_ids: frozenset[int]
    owner_id: int | None


SYSTEM = Actor(None, "system", "administrator")
NOBODY = Actor(None, "", "")


def actor_of(user: User | Person, address: str = "") -> Actor:
    """The user as an actor; one who is not active may do nothing."""
    grants = {grant.group_id: grant.role for grant in user.grants}
    return Actor(user.id, user.username, user.role if user.active else "", user.limited_to_groups, grants, address)


def can(actor: Actor, action: str, thing: Any = None) -> bool:
    """Whether `actor` may do `action` to `thing`: anything with `group_id`, and `owner_id` and `private` where it has them.

    Without a thing: whether there can be any thing they may do it to.
    """
    least = _rank(ACTIONS[action])
    if _rank(actor.role) < 0 or not _within(actor, action):
        return False
    if action in PRODUCT_WIDE:
        reaches_all = not actor.limited or least == 0
        return _rank(actor.role) >= least and (reaches_all or _is_administrator(actor))
    if thing is None:
        return least == 0 or _best_rank(actor) >= least
    return _may_know(actor, thing) and _rank_in(actor, getattr(thing, "group_id", None)) >= least


def require(actor: Actor, action: str, thing: Any = None, missing: str = N_("There is no such task.")) -> None:
    """`NotFound` saying `missing` when the actor may not even see `thing`, `Forbidden` when they may only not do this."""
    if can(actor, action, thing):
        return
    if thing is not None and action in IN_GROUP and not can(actor, "task.see", thing):
        raise NotFound.because(missing)
    raise Forbidden.because(N_("Your role does not allow this."))


def visible(actor: Actor) -> Scope:
    """What `can(actor, "task.see", …)` says yes to, as something queries can filter by."""
    if _is_administrator(actor):
        return Scope(True, True, frozenset(), actor.id)
    if _rank(actor.role) < 0:
        return Scope(False, False, frozenset(), None)
    return Scope(False, not actor.limited, frozenset(actor.grants), actor.id)


def _within(actor: Actor, action: str) -> bool:
    """Whether the key in use, if any, was made for that: its scopes only ever take away."""
    return actor.scopes is None or any(action in SCOPES[scope] for scope in actor.scopes if scope in SCOPES)


def _rank(role: str) -> int:
    return ROLES.index(role) if role in ROLES else -1


def _is_administrator(actor: Actor) -> bool:
    return actor.role == "administrator"


def _rank_in(actor: Actor, group_id: int | None) -> int:
    """The rank of the actor's role in one group: a grant raises it; without one a limited user has none."""
    if _is_administrator(actor):
        return _rank(actor.role)
    granted = actor.grants.get(group_id, "") if group_id is not None else ""
    if actor.limited and not granted:
        return -1
    return max(_rank(actor.role), min(_rank(granted), _rank(GRANTABLE[-1])))


def _best_rank(actor: Actor) -> int:
    return max([_rank_in(actor, group_id) for group_id in (None, *actor.grants)])


def _may_know(actor: Actor, thing: Any) -> bool:
    """A private thing is for its owner and administrators."""
    own = actor.id is not None and getattr(thing, "owner_id", None) == actor.id
    return not getattr(thing, "private", False) or own or _is_administrator(actor)
