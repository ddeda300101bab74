"""The scheduler as a whole: how it stands, what waits, pausing everything and going on."""

from typing import Any

from flask import Blueprint, Response, request

from scheduler import gate, nodes
from scheduler.api import asking, bodies, described, times
from scheduler.api.answers import done, page
from scheduler.api.bodies import Body
from scheduler.api.described import Shape
from scheduler.api.language import say
from scheduler.api.times import shown, written
from scheduler.api.v1 import questions
from scheduler.api.v1.answer_models import Number
from scheduler.api.v1.shapes import number
from scheduler.config import settings
from scheduler.errors import N_
from scheduler.nodes import Lease
from scheduler.runs import history, queue
from scheduler.runs.queue import Place
from scheduler.runs.status import Status
from scheduler.schedules import zone
from scheduler.tasks import pausing, queries
from scheduler.tasks.models import Pause

calls = Blueprint("v1_scheduling", __name__, url_prefix="/v1/scheduler")


class Wish(Body):
    """Why everything is to be paused, and until when."""

    reason: str | None = None
    until: str | None = None


class Paused(Shape):
    """A pause of everything."""

    reason: str
    paused_by: str
    since: str
    until: str | None
    ended_at: str | None
    ended_by: str | None


class Leading(Shape):
    """Which daemon leads."""

    host: str
    pid: int
    epoch: int
    since: str


class Standing(Shape):
    """How the scheduler stands."""

    running: bool
    paused: bool
    pause: Paused | None
    total_tasks: int
    enabled_tasks: int
    running_executions: int
    queued: int
    last_tick_age: Number | None
    leader: Leading | None


class Waiting(Shape):
    """An execution that waits, and for what."""

    position: int
    execution_id: str
    task_id: int
    task_name: str
    cause: str
    priority: int
    queued_at: str
    attempt: int
    next_attempt_at: str | None
    waits_for: str
    reason: str


@calls.get("/status")
@described.call(answers=Standing)
@gate.allowed("task.see")
def status() -> Response:
    """Whether the scheduler works, whether it is paused, and how much there is to do of what one may see."""
    actor = gate.current_actor()
    counts = queries.counts(actor, frozenset())
    paused = pausing.current()
    return done(
        {
            "running": nodes.ticking(),
            "paused": paused is not None,
            "pause": _pause(paused) if paused else None,
            "total_tasks": counts["all"],
            "enabled_tasks": counts["all"] - counts["disabled"],
            "running_executions": history.count(Status.RUNNING, actor),
            "queued": history.count(Status.PENDING, actor),
            "last_tick_age": number(nodes.tick_age()),
            "leader": _leader(nodes.leading()),
        }
    )


@calls.post("/pause")
@calls.post("/scheduler/pause", endpoint="pause_everything")
@described.call(takes=Wish, bodiless=True, answers=Paused)
@gate.allowed("pause.all")
def pause() -> Response:
    """Let nothing begin by itself, until `until` or until resumed; what somebody starts by hand starts."""
    wish = bodies.read(Wish) if request.get_data(cache=True) else Wish()
    here = zone(settings().engine.timezone)
    until = times.read(wish.until, "until", here) if wish.until else None
    return done(_pause(pausing.pause(gate.current_actor(), wish.reason or "", until)), N_("Everything is paused."))


@calls.post("/resume")
@calls.post("/scheduler/resume", endpoint="resume_everything")
@described.call(answers=Paused, refuses=(409,))
@gate.allowed("pause.all")
def resume() -> Response:
    """Let everything go on."""
    bodies.nothing()
    return done(_pause(pausing.resume(gate.current_actor())), N_("Everything goes on."))


@calls.get("/queue")
@described.call(asks=questions.Pages, answers=Waiting, form="page")
@gate.allowed("task.see")
def waiting() -> Response:
    """What waits to be started, in that order, and the one thing each waits for."""
    paging = asking.paging()
    places, total = queue.entries(gate.current_actor(), paging.first, paging.size)
    return page([_place(place) for place in places], total, paging)


def _leader(lease: Lease | None) -> dict[str, Any] | None:
    """Which daemon leads: its machine, its process there, which of all leaders so far it is, since when."""
    return {"host": lease.host, "pid": lease.pid, "epoch": lease.epoch, "since": shown(lease.since)} if lease else None


def _pause(found: Pause) -> dict[str, Any]:
    return {
        "reason": found.reason,
        "paused_by": found.paused_by,
        "since": shown(found.since),
        "until": shown(found.until),
        "ended_at": shown(found.ended_at),
        "ended_by": found.ended_by or None,
    }


def _place(place: Place) -> dict[str, Any]:
    run, why = place.run, place.why
    return {
        "position": place.position,
        "execution_id": run.public_id,
        "task_id": place.task.id,
        "task_name": place.task.name,
        "cause": run.cause,
        "priority": run.priority,
        "queued_at": shown(run.queued_at),
        "attempt": run.attempts,
        "next_attempt_at": shown(run.not_before),
        "waits_for": place.hold,
        "reason": say(why.text, **written(why.params)),
    }
