"""What pages say of a recipe: its words, what it runs, when, with whom it is shared; a recipe itself is the tasks' business."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask_babel import gettext as _

from scheduler.accounts.permissions import Actor
from scheduler.errors import N_, Invalid
from scheduler.kinds import kinds
from scheduler.schedules import parse, spellings
from scheduler.tasks import own_recipes, placing
from scheduler.tasks.blanks import Parameter
from scheduler.tasks.models import OwnRecipe
from scheduler.tasks.recipes import CATEGORIES, Recipe, recipes

TIMING = ("schedule_type", "schedule_config", "timezone", "start_at", "end_at", "max_runs")
TYPES = (
    ("text", N_("Plain text")),
    ("number", N_("Number")),
    ("flag", N_("Yes or no")),
    ("list", N_("List")),
    ("secret", N_("Secret")),
)


@dataclass(frozen=True)
class Card:
    """A recipe as pages show it; `row` is that of one's own."""

    recipe: Recipe
    row: OwnRecipe | None
    actor: Actor

    @property
    def name(self) -> str:
        """What it is called."""
        return self.recipe.label if self.row else str(_(self.recipe.label))

    @property
    def text(self) -> str:
        """What it does."""
        return self.recipe.description if self.row or not self.recipe.description else str(_(self.recipe.description))

    @property
    def kind(self) -> str:
        """The kind of work."""
        name = str(self.recipe.task.get("type") or "shell").lower()
        return str(_(kinds.get(name).label)) if name in kinds else name

    @property
    def when(self) -> str:
        """What its schedule says."""
        task = self.recipe.task
        if any(placing.BLANK.search(text) for name in TIMING for _path, text in placing.leaves(task.get(name))):
            return str(_("At a time you choose"))
        try:
            kind, config = spellings.read(task.get("schedule_type", "manual"), task.get("schedule_config"))
            return parse(kind, config, task.get("timezone") or "UTC").describe(_)
        except Invalid:  # a date that has passed
            return str(_("At a time you choose"))

    @property
    def place(self) -> str:
        """With whom it is shared."""
        if self.row is None:
            return str(_("Built in"))
        if self.row.private:
            return str(_("Only you") if self.row.owner_id == self.actor.id else _("Private"))
        return str(_("Group %(name)s", name=self.row.group.name) if self.row.group else _("Shared with everybody"))

    def may(self, action: str) -> bool:
        """Whether the viewer may do that to it; what is built in stays as it is."""
        return self.row is not None and own_recipes.may(self.actor, action, self.row)

    def word(self, parameter: Parameter) -> str:
        """What a parameter is called."""
        return parameter.word if self.row or not parameter.label else str(_(parameter.label))


def find(actor: Actor, key: str) -> Card:
    """The recipe of that key; `NotFound` for one that is not there."""
    recipe = own_recipes.known(actor, key)
    return Card(recipe, own_recipes.find(actor, key) if recipe.own else None, actor)


def gallery(actor: Actor) -> list[tuple[str, list[Card]]]:
    """All of them by category: the known categories first, each with its word; within one the built-in ones first."""
    cards = [*(Card(one, None, actor) for one in recipes), *_own(actor, own_recipes.listed(actor))]
    names = [*CATEGORIES, *sorted({card.recipe.category for card in cards} - CATEGORIES.keys())]
    found = ((category(name), [card for card in cards if card.recipe.category == name]) for name in names)
    return [(word, members) for word, members in found if members]


def category(name: str) -> str:
    """A category in the viewer's language, as far as it is one of ours."""
    return str(_(CATEGORIES[name])) if name in CATEGORIES else name


def category_key(word: str) -> str:
    """The category that `word` names, in the viewer's language or in ours."""
    tidy = " ".join(word.split())
    return next((name for name in CATEGORIES if tidy in (name, category(name))), tidy)


def _own(actor: Actor, rows: Iterable[OwnRecipe]) -> list[Card]:
    return [Card(own_recipes.as_recipe(row), row, actor) for row in rows]
