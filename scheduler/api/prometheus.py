"""The installation's numbers as Prometheus reads them; all from the database, so that every web process says the same."""

from collections.abc import Iterator, Mapping

from flask import Blueprint, Response

from scheduler import clock, gate, nodes
from scheduler.api import described
from scheduler.api.failures import headed
from scheduler.api.language import say
from scheduler.errors import N_
from scheduler.runs import measures, tally, upkeep
from scheduler.runs.status import ENDED
from scheduler.tasks import pausing

FORMAT = "text/plain; version=0.0.4; charset=utf-8"
LATENESS = "scheduler_start_lateness_seconds"

calls = Blueprint("metrics", __name__)


@calls.get("/metrics")
@described.call(form="text")
@gate.allowed_from("metrics.see", "metrics_from")
def read() -> Response:
    """All of it; for whoever may see metrics, and from the networks of `security.metrics_from` for anybody."""
    return Response("\n".join([*_lines(), ""]), content_type=FORMAT)


def refused(error: Exception) -> Response:
    """What is wrong, in a line; a scraper reads no JSON."""
    status = gate.status_of(error)
    text = say(N_("Send a token, or ask from a network of “security.metrics_from”.")) if status in (401, 403) else str(error)
    return headed(Response(f"{text}\n", status, content_type="text/plain; charset=utf-8"), error, status)


def _lines() -> Iterator[str]:
    found, work = tally.totals(), measures.work(clock.now())
    ends = {f'{{status="{status}"}}': found.get(f"{tally.RUNS}{status}", 0) for status in sorted(ENDED)}
    yield from _metric("scheduler_runs_total", "counter", "Runs that are over, by how they ended.", ends)
    yield from _lateness(found)
    yield from _gauge("scheduler_queue_depth", "Runs that wait to be started.", work.pending)
    yield from _gauge("scheduler_running", "Runs under way.", work.running)
    yield from _metric("scheduler_tasks", "gauge", "Tasks, by whether they run by themselves.",
                       {'{state="enabled"}': work.enabled_tasks, '{state="disabled"}': work.disabled_tasks})  # fmt: skip
    yield from _gauge("scheduler_lag_seconds", "How long the oldest due instant has been waiting for its row.", work.lag)
    age = nodes.tick_age()
    if age is not None:
        yield from _gauge("scheduler_last_tick_age_seconds", "Seconds since the daemon's last pass.", age)
    yield from _gauge("scheduler_up", "Whether a daemon is at work.", nodes.ticking())
    yield from _gauge("scheduler_paused", "Whether everything is paused.", pausing.current() is not None)
    cleaned = upkeep.last_success()
    if cleaned is not None:
        about = "When the clean-up was last done to the end."
        yield from _gauge("scheduler_upkeep_last_success_timestamp_seconds", about, cleaned.timestamp())


def _lateness(found: Mapping[str, float]) -> Iterator[str]:
    """How many starts were that late or less, for each edge."""
    total, edges = 0.0, {}
    for edge in tally.BUCKETS:
        total += found.get(f"{tally.LATE}{edge:g}", 0)
        edges[f'_bucket{{le="{edge:g}"}}'] = total
    count = found.get(tally.LATE_COUNT, 0)
    edges |= {'_bucket{le="+Inf"}': count, "_sum": found.get(tally.LATE_SUM, 0), "_count": count}
    yield from _metric(LATENESS, "histogram", "From the due instant to the start of scheduled runs.", edges)


def _gauge(name: str, about: str, value: float) -> Iterator[str]:
    yield from _metric(name, "gauge", about, {"": value})


def _metric(name: str, kind: str, about: str, values: Mapping[str, float]) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"
    for label, value in values.items():
        yield f"{name}{label} {float(value):.15g}"
