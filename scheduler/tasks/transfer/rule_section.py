"""The notification rules of a file, as far as a transfer has to know of them; who understands them is told from above."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy.orm import Session

from scheduler.accounts.permissions import Actor
from scheduler.errors import Problem
from scheduler.tasks.models import Group
from scheduler.tasks.transfer.source import Entry, Located

Values = dict[str, Any]


@dataclass
class RuleChange:
    """What becomes of one rule: create, change, same or delete; `place` says what it is about, by keys."""

    action: str
    entry: Entry
    place: Values
    values: Values  # what it is to say, whole
    rule_id: int | None = None
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How people tell it from others: what it is about, and what it is called."""
        about = self.place.get("task") or self.place.get("group") or "*"
        return ": ".join(filter(None, (str(about), str(self.values.get("name") or ""))))


@dataclass(frozen=True)
class Scene:
    """What there would be after the import: tasks (None: made by it) and groups by key, and the numbers of tasks that go."""

    tasks: Mapping[str, Any]
    groups: Mapping[str, Group]
    leaving: Collection[int] = ()
    replace: bool = False  # rules that the file lacks are deleted
    allowed_only: bool = False  # what the actor may not do is left out


@dataclass
class RulePlan:
    """The changes, what is wrong, what was left out as it was asked for, and what there is to say of all of them."""

    changes: list[RuleChange] = field(default_factory=list)
    problems: list[Located] = field(default_factory=list)
    left_out: list[Located] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)


class Section(Protocol):
    """Whoever understands rules."""

    def exported(self, actor: Actor) -> list[Values]:
        """The rules the actor may see, as a file has them."""

    def state(self, session: Session) -> tuple[Any, ...]:
        """What a plan depends on, to see whether it has moved."""

    def plan(self, session: Session, actor: Actor, entries: Sequence[Entry], scene: Scene) -> RulePlan:
        """What the entries would do; changes nothing and raises nothing for what is wrong with them."""

    def write(self, actor: Actor, changes: Sequence[RuleChange]) -> None:
        """Make, change and delete them, within a transaction; `Invalid` with the line for what cannot be done after all."""


_section: Section | None = None


def use(section: Section) -> None:
    """Have `section` read and write the rules of files from now on."""
    global _section
    _section = section


def known() -> Section:
    """Whoever understands rules."""
    if _section is None:
        raise RuntimeError("Nobody understands rules: `create_app` says who.")
    return _section
