"""What a plan consists of: one change for each task and group, the problems, and what was asked for beside the file."""

from dataclasses import dataclass, field
from typing import Any

from scheduler.tasks.drafts import Draft
from scheduler.tasks.models import Group, Task
from scheduler.tasks.transfer.grouping import GroupChange
from scheduler.tasks.transfer.recipe_entries import RecipeChange
from scheduler.tasks.transfer.rule_section import RuleChange
from scheduler.tasks.transfer.source import Entry, Located, Source


@dataclass(frozen=True)
class Options:
    """Asked for beside the file: `replace` moves tasks it lacks to the trash, and deletes recipes and rules where it
    speaks of such at all; `enable` switches a crontab's tasks on; `allowed_only` leaves out rules that the actor may not have."""

    replace: bool = False
    enable: bool = False
    allowed_only: bool = False


@dataclass
class Change:
    """What becomes of one task: create, change, same or delete; `fields` holds what differs, before and after."""

    action: str
    entry: Entry
    key: str
    name: str
    group: Group | None = None
    task: Task | None = None  # the one that stands
    draft: Draft | None = None
    made: Task | None = None  # the one that would stand, in no session
    depends_on: list[str] = field(default_factory=list)  # keys
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass
class Plan:
    """Everything a file would do, and everything that keeps it from being done."""

    source: Source
    changes: list[Change] = field(default_factory=list)
    groups: list[GroupChange] = field(default_factory=list)
    recipes: list[RecipeChange] = field(default_factory=list)
    rules: list[RuleChange] = field(default_factory=list)
    problems: list[Located] = field(default_factory=list)
    left_out: list[Located] = field(default_factory=list)  # asked for: what would else be among the problems
    state: tuple[Any, ...] = ()

    def of(self, action: str) -> list[Change]:
        """The changes of one kind."""
        return [change for change in self.changes if change.action == action]


PLAIN = Options()
