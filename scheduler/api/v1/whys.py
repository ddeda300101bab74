"""Why a task ran or not at an instant, or will or will not."""

from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel

from scheduler import gate
from scheduler.api import asking, described
from scheduler.api.answers import done
from scheduler.api.described import Shape
from scheduler.api.language import say
from scheduler.api.times import shown, written
from scheduler.errors import N_, Invalid
from scheduler.runs import why
from scheduler.runs.reasons import Sentence
from scheduler.runs.why import Explanation
from scheduler.schedules import zone
from scheduler.tasks import queries

calls = Blueprint("v1_whys", __name__, url_prefix="/v1/scheduler/tasks/<task_id>")


class At(BaseModel):
    """The instant that is meant; without an offset on the task's clock."""

    at: str


class Why(Shape):
    """The one cause, in a word and in a sentence."""

    task_id: int
    at: str
    cause: str
    text: str
    notes: list[str]
    due_at: str | None
    execution_id: str | None
    missed_count: int
    previous: str | None
    next: str | None


@calls.get("/why")
@described.call(asks=At, answers=Why, refuses=(404,))
@gate.allowed("task.see")
def explain(task_id: str) -> Response:
    """The one cause, in a word and in a sentence, with the run it is about and the nearest due instants."""
    actor = gate.current_actor()
    task = queries.find(actor, task_id)
    instant = asking.moment("at", zone(task.timezone))
    if instant is None:
        raise Invalid.because(N_("Say which instant is meant."), field="at")
    return done({"task_id": task.id} | _shape(why.explain(actor, task, instant)))


def _shape(found: Explanation) -> dict[str, Any]:
    return {
        "at": shown(found.asked),
        "cause": found.because,
        "text": _said(found.sentence),
        "notes": [_said(note) for note in found.notes],
        "due_at": shown(found.due),
        "execution_id": found.run.public_id if found.run else None,
        "missed_count": found.run.missed_count if found.run else 0,
        "previous": shown(found.before),
        "next": shown(found.after),
    }


def _said(sentence: Sentence) -> str:
    return say(sentence.text, **written(sentence.params))
