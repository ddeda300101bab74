"""The search in the corner of every page, Ctrl+K: tasks, a run by its number, places to go; lists filter themselves."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from scheduler.accounts.permissions import Actor, can
from scheduler.errors import N_, NotFound
from scheduler.runs import history
from scheduler.runs.history import Entry
from scheduler.tasks import queries
from scheduler.tasks.models import Task
from scheduler.tasks.queries import Wanted
from scheduler.web import access, navigation, rendering

MOST = 8  # tasks
LONGEST = 200
RUN = re.compile(r"#?(\d{1,18})|(exec-[\w-]+)", re.ASCII)

pages = Blueprint("searching", __name__)


@dataclass(frozen=True)
class Place:
    """Somewhere one can go, by its name."""

    word: str
    url: str
    icon: str


@dataclass(frozen=True)
class Deed:
    """A place of no menu; `needs` is the act one must be allowed."""

    label: str
    endpoint: str
    icon: str
    needs: str = "self.edit"


DEEDS: Sequence[Deed] = (
    Deed(N_("New task"), "task_editing.new", "plus", "task.create"),
    Deed(N_("Import"), "importing.ask", "upload", "task.create"),
    Deed(N_("Pause everything"), "pausing.ask", "player-pause", "pause.all"),
    Deed(N_("Trash"), "trash.index", "trash", "task.delete"),
    Deed(N_("New user"), "users.new", "user-plus", "user.manage"),
    Deed(N_("My account"), "account.show", "settings"),
    Deed(N_("API keys"), "account_keys.show", "key"),
    Deed(N_("Change the password"), "account.password", "lock"),
)


@dataclass(frozen=True)
class Found:
    """What was found, and for what."""

    text: str
    tasks: Sequence[Task]
    total: int
    run: Entry | None
    places: Sequence[Place]
    can: Callable[[str, Task], bool]

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to show but the way into the history."""
        return not (self.tasks or self.run or self.places)


@pages.get("/search")
@access.signed_in
def index() -> ResponseReturnValue:
    """What goes by these words; for htmx the results alone, without a word everywhere one can go."""
    text = request.args.get("q", "").replace("\0", "").strip()[:LONGEST]
    return rendering.render("search/index.html", "search/_found.html", found=_found(access.current_actor(), text))


def _found(actor: Actor, text: str) -> Found:
    tasks, total = queries.listed(actor, Wanted(text=text), 0, MOST, brief=True) if text else ([], 0)
    return Found(text, tasks, total, _run(actor, text), _places(actor, text), lambda act, task: can(actor, act, task))


def _run(actor: Actor, text: str) -> Entry | None:
    """The run of that number or id: a search through all of history is for the page of the runs."""
    match = RUN.fullmatch(text)
    try:
        return history.find(actor, match[1] or match[2]) if match else None
    except NotFound:
        return None


def _places(actor: Actor, text: str) -> list[Place]:
    menu = [Place(one.word, one.url, one.icon) for section in ("work", "system") for one in navigation.entries(section)]
    deeds = [Place(gettext(one.label), url_for(one.endpoint), one.icon) for one in DEEDS if can(actor, one.needs)]
    return [place for place in [*menu, *deeds] if text.lower() in place.word.lower()]
