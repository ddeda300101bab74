"""The entries of the menu, in one list: a new page is one more line; pages and permissions themselves live elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from flask import request
from flask_login import current_user

from scheduler.errors import N_
from scheduler.web import viewer

EVERYBODY: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Entry:
    """One line of the menu; `roles` are those who see it, `key` the second letter of its shortcut after `g`."""

    label: str
    path: str
    icon: str
    section: Literal["work", "system"] = "work"
    key: str = ""
    roles: frozenset[str] = EVERYBODY

    @property
    def word(self) -> str:
        """The label in the viewer's language."""
        return str(viewer.sentence(self.label))

    @property
    def url(self) -> str:
        """The address, below the prefix the product is mounted at."""
        return request.script_root + self.path

    @property
    def current(self) -> bool:
        """Whether the page being shown is this one or lies below it."""
        return request.path == self.path or request.path.startswith(f"{self.path}/")

    @property
    def visible(self) -> bool:
        """Whether the viewer's role has this page."""
        return not self.roles or getattr(current_user, "role", "") in self.roles


ENTRIES = (
    Entry(N_("Tasks"), "/tasks", "list-check", key="t"),
    Entry(N_("Runs"), "/runs", "history", key="r"),
    Entry(N_("Queue"), "/queue", "hourglass", key="q"),
    Entry(N_("Dependencies"), "/graph", "git-branch"),
    Entry(N_("Templates"), "/templates", "template", key="m"),
    Entry(N_("Notifications"), "/notifications", "bell", "system", key="n"),
    Entry(N_("Clean-up"), "/settings/upkeep", "trash", "system", roles=frozenset({"administrator"})),
    Entry(N_("Secrets"), "/admin/secrets", "lock", "system", roles=frozenset({"administrator"})),
    Entry(N_("Users"), "/admin/users", "users", "system", roles=frozenset({"administrator"})),
    Entry(N_("API"), "/api/docs", "api", "system"),
)


def entries(section: str) -> Iterator[Entry]:
    """The lines of one section that the viewer may see."""
    return (entry for entry in ENTRIES if entry.section == section and entry.visible)
