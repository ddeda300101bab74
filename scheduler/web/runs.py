"""The history of runs across all tasks: the list, its filters and its export; one run has a page of its own."""

from flask import Blueprint, Response, request, stream_with_context, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from scheduler.runs import history
from scheduler.runs.models import Run
from scheduler.web import access, live, rendering, run_export, run_filters, run_words
from scheduler.web.run_filters import Filters

PAGE = 50

pages = Blueprint("runs", __name__)


@pages.record_once
def _words(state: BlueprintSetupState) -> None:
    """Templates may ask what runs are called."""
    state.app.jinja_env.globals["run_words"] = run_words


@pages.get("/runs")
@access.signed_in
def index() -> ResponseReturnValue:
    """The runs the filters ask for, newest first; for htmx the list alone, or 204 when it has not changed."""
    filters = run_filters.read(request.args, access.current_actor())
    shown = history.page(access.current_actor(), filters.wanted, PAGE, **filters.places)
    seen = live.digest(*(facts(entry.run) for entry in shown.entries))
    if live.unchanged(seen):
        return "", 204
    response = rendering.render(
        "runs/index.html",
        "runs/_list.html",
        filters=filters,
        entries=shown.entries,
        seen=seen,
        newer_url=_turn(filters, "after", shown.newer),
        older_url=_turn(filters, "before", shown.older),
        chips=run_filters.chips(filters.values["status"]),
        ranges=run_filters.RANGE_WORDS,
        causes=run_words.CAUSES,
        in_region=rendering.partial(),
    )
    if rendering.partial() and "seen" not in request.args:
        response.headers["HX-Push-Url"] = url_for("runs.index") + filters.query()
    return response


@pages.get("/runs.csv")
@access.signed_in
def export() -> Response:
    """The same runs as a file for spreadsheets, at most 100,000."""
    actor = access.current_actor()
    filters = run_filters.read(request.args, actor)
    response = Response(stream_with_context(run_export.lines(actor, filters.wanted)), mimetype="text/csv")
    response.headers["Content-Disposition"] = "attachment; filename=runs.csv"
    return response


def facts(run: Run) -> tuple[object, ...]:
    """What a row shows of a run that may still change."""
    return (run.id, run.status, run.attempts, run.cancel_count, run.not_before, run.finished_at)


def _turn(filters: Filters, side: str, at: int | None) -> str:
    return "" if at is None else url_for("runs.index") + filters.query(**{side: at})
