"""The tab of a task that tells what it waits for, what waits for it, and what is amiss with that; the drawing is graph's."""

from dataclasses import dataclass
from typing import Any

from scheduler.accounts.permissions import Actor, can
from scheduler.runs import history
from scheduler.runs.history import Entry
from scheduler.tasks import dependencies
from scheduler.tasks.models import Task
from scheduler.web import graph, task_controls, task_rows


@dataclass(frozen=True)
class Neighbour:
    """A task before or behind this one: how it stands, and of one before the run of it that counts already."""

    name: str
    status: str
    url: str
    mode: str = ""
    arrival: Entry | None = None
    waited: bool = False


def contents(actor: Actor, task: Task) -> dict[str, Any]:
    """What the tab's template needs."""
    upstreams = dependencies.upstreams(task)
    dependants = dependencies.dependants(actor, task)
    arrived = history.named(actor, [one.arrival for one in upstreams if one.arrival])
    runs = {entry.run.public_id: entry for entry in arrived}
    seen = [one.task for one in upstreams if can(actor, "task.see", one.task)]
    stands = {row.task.id: row.status for row in task_rows.made(actor, [*seen, *dependants])}
    modes = dict(task_controls.DEPENDS_MODES)
    drawings, undrawn = graph.drawn(actor, dependencies.graph(actor, task.id)) if upstreams or dependants else ([], 0)
    return {
        "waits_for": [
            Neighbour(dependencies.name_for(actor, one.task), graph.standing(one.task, stands.get(one.task.id)),
                      _url(one.task, stands), "", runs.get(one.arrival or ""), bool(one.arrival))
            for one in upstreams
        ],
        "waited_by": [
            Neighbour(one.name, graph.standing(one, stands[one.id]), _url(one, stands), modes[one.depends_mode])
            for one in dependants
        ],
        "mode": modes[task.depends_mode],
        "collects": task.depends_mode != "any",
        "warnings": dependencies.warnings(actor, task, upstreams),
        "drawings": drawings,
        "undrawn": undrawn,
    }  # fmt: skip


def _url(task: Task, known: dict[int, str]) -> str:
    return graph.page_of(task) if task.id in known and task.deleted_at is None else ""
