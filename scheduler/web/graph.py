"""What waits for what, drawn: a card for each part that hangs together, boxes that are links, and the same as a list."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from scheduler.accounts.permissions import Actor
from scheduler.errors import N_
from scheduler.tasks import dependencies
from scheduler.tasks.dependencies import Graph
from scheduler.tasks.models import Task
from scheduler.web import access, layers, live, rendering, task_controls, task_rows
from scheduler.web.layers import HEIGHT, WIDTH, Edge
from scheduler.web.looks import STATUS, StatusLook

LARGEST, MOST = 150, 400  # boxes in one drawing, and on one page
MODES: Mapping[str, str] = {"all": N_("all"), "any": N_("any"), "finished": N_("ended")}

pages = Blueprint("graph", __name__)


@dataclass(frozen=True)
class Node:
    """A task in a drawing: `url` is empty for one the viewer may not open, `mode` for one that waits for one other at most."""

    id: int
    name: str
    status: str
    url: str
    mode: str
    upstreams: tuple[str, ...]
    at: tuple[float, float] = (0, 0)

    @property
    def look(self) -> StatusLook:
        """How its status looks."""
        return STATUS[self.status]

    @property
    def mode_word(self) -> str:
        """When it starts, in a word."""
        return str(gettext(MODES[self.mode])) if self.mode else ""

    @property
    def starts(self) -> str:
        """The same in a sentence."""
        return str(gettext(dict(task_controls.DEPENDS_MODES)[self.mode])) if self.mode else ""

    @property
    def sentence(self) -> str:
        """All that the box and its arrows say, in words."""
        said = gettext("%(name)s: %(status)s", name=self.name, status=self.look.word)
        if not self.upstreams:
            return str(said)
        others = gettext(", ").join(self.upstreams)
        if not self.mode:
            return str(gettext("%(task)s; runs after %(others)s", task=said, others=others))
        return str(gettext("%(task)s; runs after %(others)s (%(mode)s)", task=said, others=others, mode=self.mode_word))


@dataclass(frozen=True)
class Item:
    """A line of the list, and those that wait for it; `again` when these stand elsewhere in the list already."""

    node: Node
    following: list["Item"] = field(default_factory=list)
    again: bool = False


@dataclass(frozen=True)
class Drawing:
    """One part: boxes, arrows as paths, the points of their heads, and the same as a list."""

    nodes: list[Node]
    paths: list[str]
    heads: list[tuple[float, float]]
    width: float
    height: float
    items: list[Item]
    box = (WIDTH, HEIGHT)

    @property
    def title(self) -> str:
        """How large it is."""
        return str(ngettext("One task", "%(num)s tasks", len(self.nodes)))


@pages.get("/graph")
@access.signed_in
def index() -> ResponseReturnValue:
    """Everything that waits and what it waits for, as far as the viewer may see it; 204 when nothing has changed."""
    drawings, undrawn = drawn(access.current_actor(), dependencies.graph(access.current_actor()))
    seen = live.digest(drawings, undrawn)
    if live.unchanged(seen):
        return "", 204
    return rendering.render("graph/index.html", "graph/_graph.html", drawings=drawings, undrawn=undrawn, seen=seen)


def drawn(actor: Actor, graph: Graph) -> tuple[list[Drawing], int]:
    """The drawings of `graph`, the largest first, and how many parts were too large to draw."""
    nodes = {node.id: node for node in _nodes(actor, graph)}
    drawings: list[Drawing] = []
    undrawn = room = 0
    for part in layers.parts(nodes, graph.edges):
        if len(part) > LARGEST or room + len(part) > MOST:
            undrawn += 1
            continue
        room += len(part)
        inside = set(part)
        drawings.append(_drawing([nodes[one] for one in part], [edge for edge in graph.edges if edge[0] in inside]))
    return drawings, undrawn


def standing(task: Task, status: str | None) -> str:
    """How a task stands beside others: `status` is its own, None of one that may not be seen."""
    if status is None:
        return "hidden"
    if task.deleted_at is not None:
        return "deleted"
    return status if task.enabled or status in ("running", "pending", "retrying") else "disabled"


def page_of(task: Task) -> str:
    """Where its dependencies are shown."""
    return url_for("task_page.show", reference=task.id, tab="deps")


def _nodes(actor: Actor, graph: Graph) -> Iterable[Node]:
    """The boxes by name, for the list as much as for the drawing."""
    rows = {row.task.id: row for row in task_rows.made(actor, graph.tasks.values())}
    ids = {number for edge in graph.edges for number in edge} | set(rows)
    names = {number: rows[number].task.name if number in rows else f"#{number}" for number in ids}
    before: dict[int, list[str]] = {}
    for upstream, task in graph.edges:
        before.setdefault(task, []).append(names[upstream])
    for number in sorted(ids, key=lambda one: (names[one], one)):
        row = rows.get(number)
        status = standing(row.task, row.status) if row else "hidden"
        url = page_of(row.task) if row and row.task.deleted_at is None else ""
        upstreams = tuple(sorted(before.get(number, ())))
        mode = row.task.depends_mode if row and len(upstreams) > 1 else ""
        yield Node(number, names[number], status, url, mode, upstreams)


def _drawing(nodes: Sequence[Node], edges: Sequence[Edge]) -> Drawing:
    layout = layers.arranged([node.id for node in nodes], edges)
    placed = [Node(**{**vars(node), "at": layout.boxes[node.id]}) for node in nodes]
    heads = [(x, y + HEIGHT / 2) for x, y in (layout.boxes[target] for target in sorted({target for _, target in edges}))]
    return Drawing(placed, list(layout.paths.values()), heads, layout.width, layout.height, _items(placed, edges))


def _items(nodes: Sequence[Node], edges: Sequence[Edge]) -> list[Item]:
    """Each task below those it waits for; what follows from it stands there the first time only."""
    known = {node.id: node for node in nodes}
    following: dict[int, list[int]] = {}
    for source, target in edges:
        following.setdefault(source, []).append(target)
    told: set[int] = set()

    def item(number: int) -> Item:
        after = following.get(number, [])
        if number in told and after:
            return Item(known[number], again=True)
        told.add(number)
        return Item(known[number], [item(one) for one in sorted(after, key=lambda one: known[one].name)])

    waiting = {target for _, target in edges}
    return [item(node.id) for node in nodes if node.id not in waiting]
