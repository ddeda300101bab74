"""The recipes of a file: what would be made or changed of them, by those who may; and those that stand, as a file has them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from scheduler.accounts.permissions import Actor, can
from scheduler.errors import N_, Forbidden, Invalid, Problem, SchedulerError
from scheduler.tasks import definitions, own_recipes, recipe_drafts, wording
from scheduler.tasks.models import Group, OwnRecipe
from scheduler.tasks.recipe_drafts import Given, GivenParameter, RecipeDraft
from scheduler.tasks.transfer.source import Entry, Located, enough, located, refused, while_few

ALWAYS = ("key", "name")
TAKEN = N_("“%(value)s” is taken by another template.")


@dataclass
class RecipeChange:
    """What becomes of one recipe: create, change, same or delete."""

    action: str
    entry: Entry
    key: str
    name: str
    draft: RecipeDraft | None = None  # none of one that is deleted
    row: OwnRecipe | None = None
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)


def exported(rows: Iterable[OwnRecipe]) -> list[dict[str, Any]]:
    """What is to be said of them; what is as in a new one is left out."""
    return [_values(own_recipes.written(row)) for row in rows]


def plan(
    session: Session, actor: Actor, entries: Sequence[Entry], groups: Mapping[str, Group], replace: bool = False
) -> tuple[list[RecipeChange], list[Located]]:
    """The changes, and what is wrong; `groups` are those there would be, by key. `replace`: what the file lacks is deleted."""
    changes: list[RecipeChange] = []
    problems: list[Located] = []
    seen: set[str] = set()
    rows = {row.key: row for row in session.scalars(select(OwnRecipe)).unique()} if entries or replace else {}
    for entry in while_few(entries, problems):
        try:
            change = _judged(actor, entry, rows, groups)
            if change.key in seen:
                raise Invalid.because(TAKEN, field="key", value=change.key)
            seen.add(change.key)
            changes.append(change)
        except SchedulerError as error:
            problems += refused(entry, error)
    if replace and not enough(problems):
        kept = {change.key for change in changes}
        others, wrong = _others(actor, [row for key, row in rows.items() if key not in kept])
        changes, problems = [*changes, *others], [*problems, *wrong]
    return changes, [*problems, *_taken(changes, rows)]


def write(session: Session, actor: Actor, changes: Sequence[RecipeChange]) -> None:
    """Make, change and delete them, with their audit rows, within a transaction."""
    for change in changes:
        if change.action == "delete":
            own_recipes.remove(actor, change.key)
    session.flush()  # their names are free
    moving = [change for change in changes if change.row is not None and change.action == "change"]
    for change in moving:  # two may change their names for each other's
        if change.row is not None and change.row.name != change.name:
            session.execute(update(OwnRecipe).where(OwnRecipe.id == change.row.id).values(name=f"\x7f{change.row.id}"))
    for change in moving:
        own_recipes.change(session, actor, own_recipes.locked(session, actor, change.key), _draft(change))
    for change in changes:
        if change.action == "create":
            own_recipes.make(session, actor, _draft(change))


def _draft(change: RecipeChange) -> RecipeDraft:
    assert change.draft is not None
    return change.draft


def _others(actor: Actor, rows: Iterable[OwnRecipe]) -> tuple[list[RecipeChange], list[Located]]:
    """Every recipe the actor may see that the file does not have, to be deleted; and those that may not be."""
    found: list[RecipeChange] = []
    problems: list[Located] = []
    for row in rows:
        if own_recipes.may(actor, "task.see", row):
            found.append(RecipeChange("delete", Entry(0, row.key, {}), row.key, row.name, row=row))
            try:
                own_recipes.require(actor, "task.delete", row)
            except SchedulerError as error:
                problems += refused(found[-1].entry, error)
    return found, problems


def _judged(actor: Actor, entry: Entry, rows: Mapping[str, OwnRecipe], groups: Mapping[str, Group]) -> RecipeChange:
    given = entry.values
    key = given.get("key") or wording.key_from(str(given.get("name") or ""))
    row = rows.get(key) if isinstance(key, str) else None
    if row is not None and not own_recipes.may(actor, "task.see", row):
        raise Invalid.because(TAKEN, field="key", value=key)
    draft = recipe_drafts.read({**given, "key": key})
    after = _values(draft.given.model_dump() | {"task": draft.task})
    before = _values(own_recipes.written(row)) if row is not None else {}
    if row is not None and after == before:
        return RecipeChange("same", entry, key, row.name, draft, row)
    if row is not None:
        own_recipes.require(actor, "task.edit", row)
    if row is None or (after.get("group"), after.get("private")) != (before.get("group"), before.get("private")):
        _placed(actor, draft.given, groups)
    names = [name for name in (*before, *(name for name in after if name not in before)) if before.get(name) != after.get(name)]
    fields = {name: (before.get(name), after.get(name)) for name in names} if row is not None else {}
    return RecipeChange("create" if row is None else "change", entry, key, draft.given.name, draft, row, fields)


def _placed(actor: Actor, given: Given, groups: Mapping[str, Group]) -> None:
    """Refuse a place the actor may put nothing in."""
    place = OwnRecipe(private=given.private, owner_id=actor.id, group_id=None)
    if given.group not in (None, ""):
        group = groups.get(str(given.group))
        if group is None or not can(actor, "task.see", definitions.group_place(group)):
            raise Invalid.because(N_("There is no group “%(group)s”."), field="group", group=str(given.group)[:60])
        place.group_id = group.id
    if not own_recipes.may(actor, "task.create", place):
        raise Forbidden.because(N_("Your role does not allow this."))


def _taken(changes: Sequence[RecipeChange], rows: Mapping[str, OwnRecipe]) -> list[Located]:
    """What is called like another, or like one that keeps its name."""
    after = {row.name: row.key for row in rows.values()} | {
        row.name: "" for row in (one.row for one in changes) if row is not None
    }
    problems: list[Located] = []
    for change in changes:
        if change.action == "delete":
            continue
        if after.get(change.name):
            problems.append(located(change.entry, Problem("name", TAKEN, {"value": change.name})))
        after[change.name] = change.key
    return problems


def _values(written: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in written.items() if name in ALWAYS or value != Given.model_fields[name].default}
    if "parameters" in found:
        found["parameters"] = [_parameter(one) for one in found["parameters"]]
    if "task" in found:
        found["task"] = {name: found["task"][name] for name in recipe_drafts.TASK_FIELDS if name in found["task"]}
    return found


def _parameter(written: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: written.get(name, field.default) for name, field in GivenParameter.model_fields.items()}
    return {name: value for name, value in told.items() if name == "name" or value != GivenParameter.model_fields[name].default}
