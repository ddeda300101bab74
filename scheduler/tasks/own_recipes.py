"""The verbs on recipes of one's own: find, list, make, edit, delete; what one may say is checked beside."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.accounts import audit
from scheduler.accounts.permissions import Actor, can
from scheduler.database import db, storable, transaction
from scheduler.errors import N_, Conflict, Forbidden, NotFound
from scheduler.tasks import definitions, recipe_drafts, wording
from scheduler.tasks.blanks import Parameter
from scheduler.tasks.built_in import recipes
from scheduler.tasks.models import OwnRecipe
from scheduler.tasks.recipe_drafts import RecipeDraft
from scheduler.tasks.recipes import Recipe

NO_SUCH = N_("There is no such template.")
MOST = 1000


def may(actor: Actor, action: str, row: OwnRecipe) -> bool:
    """Whether `actor` may do `action` (one on tasks) to it: as to a task that lies where it is shared.

    What is shared with everybody is seen even by those who are limited to groups; what is private is its owner's.
    """
    if row.private:
        own = actor.id is not None and row.owner_id == actor.id
        return (own or actor.role == "administrator") and can(actor, action)
    if row.group_id is None and action == "task.see":
        return can(actor, action)
    return can(actor, action, row)


def require(actor: Actor, action: str, row: OwnRecipe) -> None:
    """Nothing where they may; `NotFound` when the actor may not even see it, `Forbidden` when they may only not do this."""
    if not may(actor, "task.see", row):
        raise NotFound.because(NO_SUCH)
    if not may(actor, action, row):
        raise Forbidden.because(N_("Your role does not allow this."))


def find(actor: Actor, key: str) -> OwnRecipe:
    """The recipe of that key; `NotFound` alike for one that is not there and one not for this actor."""
    row = db.session.scalars(select(OwnRecipe).where(OwnRecipe.key == storable(key))).one_or_none()
    if row is None or not may(actor, "task.see", row):
        raise NotFound.because(NO_SUCH)
    return row


def listed(actor: Actor) -> Sequence[OwnRecipe]:
    """Those the actor may see, by name."""
    rows = db.session.scalars(select(OwnRecipe).order_by(func.lower(OwnRecipe.name), OwnRecipe.id)).unique()
    return [row for row in rows if may(actor, "task.see", row)]


def gallery(actor: Actor) -> list[Recipe]:
    """Every recipe the actor may use: the built-in ones, then those made here."""
    return [*recipes, *map(as_recipe, listed(actor))]


def known(actor: Actor, reference: str) -> Recipe:
    """The recipe of that key, built in or not; as document 000 writes them, `template-001` is the first of the built-in ones.

    `NotFound` alike for one that is not there and one not for this actor.
    """
    numbered = {f"template-{number:03}": recipe for number, recipe in enumerate(recipes, 1)}
    if reference in recipes:
        return recipes.get(reference)
    return numbered.get(reference) or as_recipe(find(actor, reference))


def as_recipe(row: OwnRecipe) -> Recipe:
    """The row as a recipe to fill in."""
    parameters = tuple(Parameter(**{**one, "choices": tuple(one.get("choices", ()))}) for one in row.parameters)
    return Recipe(row.key, row.name, row.category, row.description, row.task, {}, parameters, own=True)


def create(actor: Actor, values: Mapping[str, Any]) -> OwnRecipe:
    """Save a new recipe; its key is made from its name when none is given.

    Raises `Invalid` naming every wrong field, `Conflict` for a name or key that is taken, `Forbidden`.
    """
    draft = recipe_drafts.read(values)
    with transaction() as session:
        return make(session, actor, draft)


def edit(actor: Actor, key: str, changes: Mapping[str, Any], version: int | None = None) -> OwnRecipe:
    """Save `changes` over what it says; tasks made of it stay as they are.

    `version` is the one the change was made against: when somebody else was faster nothing is saved (`Conflict`).
    """
    with transaction() as session:
        row = locked(session, actor, key)
        require(actor, "task.edit", row)
        if version is not None and version != row.version:
            text = N_("Somebody else changed it meanwhile: it is at version %(now)s, yours was %(yours)s. Nothing was saved.")
            raise Conflict.because(text, field="version", now=row.version, yours=version)
        place: dict[str, Any] = {}
        if changes.get("private") or changes.get("group") not in (None, ""):  # who names one place means it, and not both
            place = {"group": None, "private": False}
        change(session, actor, row, recipe_drafts.read({**written(row), **place, **changes}))
    return row


def make(session: Session, actor: Actor, draft: RecipeDraft) -> OwnRecipe:
    """A row of a checked draft, with its audit entry, within a transaction."""
    now = clock.now()
    row = OwnRecipe(created_at=now, updated_at=now, owner_id=actor.id, private=False)
    _apply(session, actor, row, draft)
    _allowed(actor, "task.create", row)
    if (session.scalar(select(func.count()).select_from(OwnRecipe)) or 0) >= MOST:
        raise Conflict.because(N_("There are %(count)s templates already, which is the most."), count=MOST)
    session.add(row)
    _flush(session, row)
    audit.record(actor, "recipe.create", _thing(row), after=written(row))
    return row


def change(session: Session, actor: Actor, row: OwnRecipe, draft: RecipeDraft) -> None:
    """Write a checked draft over the row, with its audit entry, within a transaction."""
    before, place = written(row), (row.group_id, row.private)
    with session.no_autoflush:
        _apply(session, actor, row, draft)
    if place != (row.group_id, row.private):
        _allowed(actor, "task.create", row)
    row.version += 1
    row.updated_at = clock.now()
    _flush(session, row)
    audit.record(actor, "recipe.edit", _thing(row), before=before, after=written(row))


def remove(actor: Actor, key: str) -> OwnRecipe:
    """Delete it; tasks made of it stay."""
    with transaction() as session:
        row = locked(session, actor, key)
        require(actor, "task.delete", row)
        audit.record(actor, "recipe.delete", _thing(row), before=written(row))
        session.delete(row)
    return row


def written(row: OwnRecipe) -> dict[str, Any]:
    """What it says, as a form, a file and the audit log have it."""
    return {
        "key": row.key,
        "name": row.name,
        "category": row.category,
        "description": row.description,
        "group": row.group.key if row.group else None,
        "private": row.private,
        "parameters": [dict(one) for one in row.parameters],
        "task": dict(row.task),
    }


def locked(session: Session, actor: Actor, key: str) -> OwnRecipe:
    """The row, nobody else's until the transaction ends."""
    number = find(actor, key).id
    query = (
        select(OwnRecipe).where(OwnRecipe.id == number).with_for_update(of=OwnRecipe).execution_options(populate_existing=True)
    )
    row = session.scalars(query).one_or_none()
    if row is None:  # somebody else was faster
        raise NotFound.because(NO_SUCH)
    return row


def _apply(session: Session, actor: Actor, row: OwnRecipe, draft: RecipeDraft) -> None:
    given = draft.given
    row.name, row.category, row.description = given.name, given.category, given.description
    row.key = given.key or row.key or _free_key(session, given.name)
    row.parameters, row.task = draft.parameters, draft.task
    if given.group in (None, ""):
        row.group, row.group_id = None, None
    else:
        row.group = definitions.named_group(session, actor, given.group)
        row.group_id = row.group.id
    row.private = given.private


def _allowed(actor: Actor, action: str, row: OwnRecipe) -> None:
    """`Forbidden` for those who may not make one there; in a group they may not see there is none to name."""
    if not may(actor, action, row):
        raise Forbidden.because(N_("Your role does not allow this."))


def _free_key(session: Session, name: str) -> str:
    wanted = wording.key_from(name)
    with session.no_autoflush:
        taken = set(session.scalars(select(OwnRecipe.key).where(OwnRecipe.key.startswith(wanted, autoescape=True))))
    taken |= {*recipes.names, *recipe_drafts.RESERVED}
    wanted = f"own-{wanted}"[:80] if wanted.startswith("template-") else wanted
    return next(key for key in (wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 3))) if key not in taken)


def _flush(session: Session, row: OwnRecipe) -> None:
    """Send the change; what is taken already is said with its field."""
    taken = N_("“%(value)s” is taken by another template.")
    with session.no_autoflush:
        for field, column in (("name", OwnRecipe.name), ("key", OwnRecipe.key)):
            value = getattr(row, field)
            if session.scalar(select(OwnRecipe.id).where(column == value, OwnRecipe.id != (row.id or 0))):
                raise Conflict.because(taken, field=field, value=value)
    try:
        session.flush()
    except IntegrityError as error:  # two at once, on a database that lets two write
        raise Conflict.because(taken, field="name", value=row.name) from error


def _thing(row: OwnRecipe) -> audit.Thing:
    return "recipe", row.id, row.name
