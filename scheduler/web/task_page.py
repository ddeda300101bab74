"""One task: how it stands, its runs, its configuration, its audit trail, and its history in a dialog; changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from scheduler.accounts import audit
from scheduler.accounts.permissions import can
from scheduler.errors import N_, NotFound
from scheduler.notify import rule_verbs
from scheduler.runs import history
from scheduler.runs.history import Entry, Page, Wanted
from scheduler.runs.models import Run
from scheduler.runs.status import ASKED_FOR, FAILED, Status
from scheduler.tasks import dependencies, pausing, queries
from scheduler.tasks.models import Task
from scheduler.web import (
    access,
    audit_words,
    live,
    notification_words,
    rendering,
    run_chart,
    run_filters,
    run_words,
    runs,
    task_dependencies,
    task_rows,
    task_settings,
    task_versions,
)
from scheduler.web.run_chart import Chart

PAGE = 20
MOST_ENTRIES = 50
TABS = {
    "runs": N_("Runs"),
    "deps": N_("Dependencies"),
    "notify": N_("Notifications"),
    "config": N_("Configuration"),
    "versions": N_("Versions"),
    "audit": N_("Audit log"),
}

pages = Blueprint("task_page", __name__)


@dataclass(frozen=True)
class Standing:
    """How a task stands now."""

    task: Task
    alive: list[Run]

    @property
    def status(self) -> str:
        """The status that stands for the task: of what runs or waits now, else of its last run."""
        running = next((run for run in self.alive if run.status == Status.RUNNING), None)
        if found := running or next(iter(self.alive), None):
            return run_words.standing(found)
        return self.task.last_status or "never"

    @property
    def running(self) -> Run | None:
        """The oldest run under way."""
        return next((run for run in self.alive if run.status == Status.RUNNING and run.started_at), None)

    @property
    def waiting(self) -> int:
        """How many runs wait that begin though the task is disabled: those that somebody asked for."""
        waiting = (run for run in self.alive if run.status == Status.PENDING)
        return sum(run.not_before is None and run.cause in ASKED_FOR for run in waiting)

    @property
    def average(self) -> float | None:
        """Seconds its runs took on average."""
        return self.task.total_duration / self.task.total_count if self.task.total_count else None

    @property
    def success_rate(self) -> float | None:
        """Of its runs that ran, the share that succeeded."""
        return self.task.success_count / self.task.total_count if self.task.total_count else None


@dataclass(frozen=True)
class Failure:
    """The newest run that failed, and what it said last."""

    run: Run
    text: str


@pages.get("/tasks/<reference>")
@access.signed_in
def show(reference: str) -> ResponseReturnValue:
    """The page of the task with this number or key; for htmx what changes on it, or 204 when nothing has."""
    try:
        task = queries.find(access.current_actor(), reference)
    except NotFound:
        return _gone()
    tab = request.args.get("tab", "runs")
    tab = tab if tab in TABS else "runs"
    now = Standing(task, history.alive([task.id]).get(task.id, []))
    alive = [runs.facts(run) for run in now.alive]
    related = task_dependencies.contents(access.current_actor(), task) if tab == "deps" else {}
    stands = (task.version, task.enabled, task.next_run_at, task.last_run_id, task.last_status, task.total_count)
    pause = pausing.current()
    seen = live.digest(*stands, alive, related, pause and (pause.id, pause.until))
    if live.unchanged(seen):
        return "", 204
    schedule = queries.plan_of(task).schedule
    after = dependencies.names([task.id], access.current_actor())[task.id]
    words = {"sentence": task_rows.planned(schedule, after), "cron": "; ".join(schedule.expressions())}
    common = {"task": task, "now_standing": now, "may": _may(task), "tab": tab, "tabs": TABS, "after": after, **words}
    inner = related or _TAB_CONTENTS[tab](task, now)
    return rendering.render("tasks/show.html", "tasks/_live.html", seen=seen, **common, **inner)


@pages.get("/tasks/<reference>/history")
@access.signed_in
def last_runs(reference: str) -> Response:
    """The last runs in a dialog, without leaving the list; as a page of its own for browsers without a script."""
    actor = access.current_actor()
    task = queries.find(actor, reference)
    entries = history.page(actor, Wanted(task_id=task.id), PAGE).entries
    shown = {"task": task, "entries": entries, "in_dialog": rendering.partial()}
    return rendering.render("tasks/history.html", "tasks/_history.html", **shown)


@pages.get("/tasks/<reference>/view")
@access.signed_in
def view(reference: str) -> ResponseReturnValue:
    """Where the page was in the first documents."""
    return redirect(url_for("task_page.show", reference=queries.find(access.current_actor(), reference).id))


@pages.get("/tasks/<reference>/executions")
@access.signed_in
def executions(reference: str) -> ResponseReturnValue:
    """Where the runs were in the first documents."""
    return redirect(url_for("task_page.show", reference=queries.find(access.current_actor(), reference).id, tab="runs"))


@pages.get("/tasks/<reference>/logs")
@access.signed_in
def latest_log(reference: str) -> ResponseReturnValue:
    """The page of the latest run; the task's own, with a word about it, when it has none."""
    task = queries.find(access.current_actor(), reference)
    run = latest_run(task)
    if run is None:
        rendering.toast(gettext("“%(name)s” has not run yet: there is no log.", name=task.name), "info")
        return rendering.go(url_for("task_page.show", reference=task.id))
    return rendering.go(url_for("run_page.show", public_id=run.public_id))


def latest_run(task: Task) -> Run | None:
    """The newest run that has begun, else the newest of all."""
    entries = history.page(access.current_actor(), Wanted(task_id=task.id), PAGE).entries
    begun = [entry.run for entry in entries if entry.run.attempts]
    return next(iter(begun), entries[0].run if entries else None)


def _may(task: Task) -> Callable[[str], bool]:
    actor = access.current_actor()
    return lambda action: can(actor, action, task)


def _gone() -> ResponseReturnValue:
    """A page that refreshes itself leaves for the list when its task is gone; whoever asks for it anew is told."""
    if not (rendering.partial() and "seen" in request.args):
        raise NotFound.because(N_("There is no such task."))
    rendering.toast(gettext("There is no such task."), "warning")
    return rendering.go(f"{request.script_root}/tasks")


def _runs(task: Task, now: Standing) -> dict[str, Any]:
    """The chart, the last failure and a page of the table."""
    actor, places = access.current_actor(), run_filters.place(request.args)
    wanted = Wanted(task_id=task.id)
    newest = history.page(actor, wanted, run_chart.SLOTS)
    shown = history.page(actor, wanted, PAGE, **places) if places else _first(newest)
    recent = [entry.run for entry in newest.entries]
    chart: Chart = run_chart.drawn(recent, now.average)
    return {
        "entries": shown.entries,
        "places": places,
        "chart": chart,
        "p95": run_chart.percentile(recent),
        "failure": _last_failure(task),
        "newer_url": _turn(task, "after", shown.newer),
        "older_url": _turn(task, "before", shown.older),
    }


def _first(newest: Page) -> Page:
    """The first page, out of the runs already read for the chart."""
    entries: list[Entry] = newest.entries[:PAGE]
    more = len(newest.entries) > PAGE
    return Page(entries, None, entries[-1].run.id if more else None)


def _turn(task: Task, side: str, at: int | None) -> str:
    where: dict[str, Any] = {side: at}
    return "" if at is None else url_for("task_page.show", reference=task.id, **where)


def _last_failure(task: Task) -> Failure | None:
    run = history.last_failure(task, FAILED) if task.failure_count else None
    if run is None:
        return None
    attempts = history.attempts(run)
    result = (attempts[-1].result or {}) if attempts else {}
    return Failure(run, result.get("last_error_line") or run_words.error(run.error) or run.last_line or "")


def _configuration(task: Task, _now: Standing) -> dict[str, Any]:
    return {"sections": task_settings.sections(task, access.current_actor())}


def _notify(task: Task, _now: Standing) -> dict[str, Any]:
    actor = access.current_actor()
    known = [(one, one.terms) for one in rule_verbs.listed(actor, task) if one.terms is not None]

    def may_edit(one: rule_verbs.Known) -> bool:
        return rule_verbs.may_edit(actor, one)

    return {"carried": rule_verbs.carried(task), "rules": known, "words": notification_words, "may_edit": may_edit}


def _audit(task: Task, _now: Standing) -> dict[str, Any]:
    wanted = audit.Wanted(object_type="task", object_id=str(task.id))
    before = request.args.get("before", type=int)
    entries = audit.entries(access.current_actor(), wanted, before=before, most=MOST_ENTRIES + 1)
    more = len(entries) > MOST_ENTRIES
    older = url_for("task_page.show", reference=task.id, tab="audit", before=entries[MOST_ENTRIES - 1].id) if more else ""
    return {"audit_entries": entries[:MOST_ENTRIES], "older_url": older, "newer_url": "", "audit": audit_words}


_TAB_CONTENTS: dict[str, Callable[[Task, Any], dict[str, Any]]] = {
    "runs": _runs,
    "notify": _notify,
    "config": _configuration,
    "versions": task_versions.contents,
    "audit": _audit,
}
