"""The list of tasks: its page, and its rows alone when they refresh themselves; what is done to tasks has files of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler.accounts.permissions import Actor, can
from scheduler.kinds import kinds
from scheduler.runs import history
from scheduler.runs.status import FAILED, Status
from scheduler.tasks import queries, trash
from scheduler.tasks.models import Task
from scheduler.web import access, live, rendering, task_rows
from scheduler.web.task_rows import Filters, Row

PAGE = 50
FARTHEST = 100_000

pages = Blueprint("tasks", __name__)


@dataclass(frozen=True)
class Listing:
    """One page of the list, and where it stands in all of it."""

    rows: Sequence[Row]
    total: int
    page: int
    counts: dict[str, int]

    @property
    def last(self) -> int:
        """The number of the last page."""
        return max(-(-self.total // PAGE), 1)

    @property
    def span(self) -> tuple[int, int]:
        """From which to which of all of them."""
        return (self.page - 1) * PAGE + 1, min(self.page * PAGE, self.total)


@pages.get("/tasks")
@access.signed_in
def index() -> ResponseReturnValue:
    """The tasks the filters ask for; for htmx the list alone."""
    filters = task_rows.filters(request.args)
    response = _shown(filters)
    if rendering.partial():
        response.headers["HX-Push-Url"] = url_for("tasks.index") + filters.query()
    return response


@pages.get("/tasks/rows")
@access.signed_in
def rows() -> ResponseReturnValue:
    """The list alone, for a page that refreshes itself: 204 when it shows just this already."""
    filters = task_rows.filters(request.args)
    listing = _listing(access.current_actor(), filters)
    seen = _digest(listing, filters)
    return ("", 204) if live.unchanged(seen) else _shown(filters, listing)


def _shown(filters: Filters, listing: Listing | None = None) -> Response:
    actor = access.current_actor()
    listing = listing or _listing(actor, filters)
    if not listing.counts["all"]:
        page, region = "tasks/first.html", "tasks/_list.html"
    else:
        page, region = "tasks/index.html", "tasks/_list.html"
    return rendering.render(
        page,
        region,
        listing=listing,
        filters=filters,
        seen=_digest(listing, filters),
        chips=_chips(listing.counts),
        groups=[(group.key, group.name) for group in queries.groups(actor)],
        types=[(kind.name, _(kind.label)) for kind in kinds],
        tags=[(tag, tag) for tag in queries.tags(actor)],
        trashed=not listing.counts["all"] and bool(trash.deleted(actor)),
        can={action: can(actor, action) for action in ("task.create", "task.run", "task.enable", "task.delete")},
    )


def _listing(actor: Actor, filters: Filters) -> Listing:
    running = history.tasks_with(Status.RUNNING)
    counts = queries.counts(actor, frozenset(FAILED), running)
    page = min(max(request.args.get("page", 1, type=int), 1), FARTHEST)
    wanted = filters.wanted(running)
    found: Sequence[Task]
    found, total = queries.listed(actor, wanted, (page - 1) * PAGE, PAGE, brief=True)
    if total and not found:  # beyond the end: tasks were deleted meanwhile
        page = -(-total // PAGE)
        found, total = queries.listed(actor, wanted, (page - 1) * PAGE, PAGE, brief=True)
    return Listing(task_rows.made(actor, found), total, page, counts)


def _digest(listing: Listing, filters: Filters) -> str:
    return live.digest(filters.values, listing.total, listing.page, listing.counts, [row.facts for row in listing.rows])


def _chips(counts: dict[str, int]) -> list[tuple[str, str, int]]:
    words = {"": _("All"), "running": _("Running"), "failed": _("Failing"), "disabled": _("Disabled"), "never": _("Never run")}
    return [(key, word, counts[key or "all"]) for key, word in words.items()]
