"""The log on a run's page: its lines in windows, new ones while it runs, search, download; files are read by runs.logs."""

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from scheduler.accounts.permissions import require
from scheduler.config import settings
from scheduler.errors import N_, NotFound
from scheduler.runs import history, whereabouts
from scheduler.runs.folders import attempt_folder
from scheduler.runs.logs import Log, open_log
from scheduler.tasks import queries
from scheduler.tasks.models import Task
from scheduler.web import access, log_lines, log_window, rendering, run_head, run_timeline, task_page, viewer
from scheduler.web.log_window import Window, Wish
from scheduler.web.run_head import Head

LONGEST_QUERY = 200

pages = Blueprint("run_log", __name__)


@dataclass(frozen=True)
class Body:
    """What stands in the log: a window, what was wished, and from where a live view goes on."""

    head: Head
    wish: Wish
    window: Window
    lines: list[log_lines.Shown]
    size: int
    count: int
    kept: bool  # the files are there
    dropped: int
    after: int
    open: int
    behind: bool = False  # a live view has not reached the end yet

    @property
    def live(self) -> bool:
        """Whether more may come to where this ends."""
        return (self.head.live or self.behind) and not self.window.later

    def address(self, endpoint: str, **changes: Any) -> str:
        """This log with the same wishes, but for `changes`; the attempt is named when it was asked for by its number."""
        kept = {"attempt": self.head.number if self.head.pinned else None, "stream": self.wish.stream, "q": self.wish.text}
        values = {**kept, "warn": int(self.wish.warn), **changes}
        return url_for(endpoint, public_id=self.head.run.public_id, **{name: value for name, value in values.items() if value})

    def part(self, **place: Any) -> str:
        """Where lines of just this attempt are fetched from."""
        return self.address("run_log.lines", attempt=self.head.number, q="", **place)

    @property
    def sentinel(self) -> str:
        """Where what is new is fetched from."""
        place = {"after": str(self.after), "open": self.open, "shown": str(self.head.number), "head": self.head.seen}
        return self.address("run_log.lines", q="", **place)


@pages.get("/runs/<public_id>/log")
@access.allowed("log.read")
def lines(public_id: str) -> ResponseReturnValue:
    """Lines for the page that shows the log: earlier or later ones, new ones, or the window a search opens."""
    head = _head(public_id)
    if not rendering.partial():
        return redirect(f"{url_for('run_page.show', public_id=public_id)}?{request.query_string.decode('ascii', 'replace')}")
    if "after" in request.args:
        return _new_lines(head)
    found = body(head, request.args)
    response = Response(render_template("runs/_log_answer.html", body=found, part=_part()))
    if "q" in request.args:
        match = found.wish.match if found.wish.match > 1 else None
        response.headers["HX-Replace-Url"] = found.address("run_page.show", match=match)
    return response


@pages.get("/runs/<public_id>/download")
@access.allowed("log.read")
def download(public_id: str) -> Response:
    """Exactly what the attempt printed, as a file."""
    head = _head(public_id)
    log = open_log(whereabouts.here(head.run.id, head.number))
    response = Response(_raw(log), mimetype="text/plain")
    response.headers["Content-Disposition"] = _attachment(head)
    return response


@pages.get("/tasks/<reference>/logs/download")
@access.allowed("log.read")
def download_latest(reference: str) -> ResponseReturnValue:
    """The log of the task's latest run."""
    task: Task = queries.find(access.current_actor(), reference)
    require(access.current_actor(), "log.read", task)
    run = task_page.latest_run(task)
    if run is None:
        raise NotFound.because(N_("There is no such run."))
    return rendering.go(url_for("run_log.download", public_id=run.public_id))


def body(head: Head, args: MultiDict[str, str]) -> Body:
    """The part of the log that `args` ask for."""
    wish = _wish(args)
    with closing(open_log(_folder(head))) as log:
        window = _window(log, wish, args)
        return _body(head, wish, window, log)


def first_error(head: Head) -> int | None:
    """The line that a reader looking for what went wrong wants first."""
    with closing(open_log(_folder(head))) as log:
        return log_window.first_error(log)


def _new_lines(head: Head) -> ResponseReturnValue:
    """What was printed since; with the head when it has changed, and without a sentinel once all is over."""
    args = request.args
    changed = args.get("head") != head.seen
    if args.get("shown", head.number, type=int) != head.number:
        return _next_attempt(head)
    after, held = args.get("after", 0, type=int), args.get("open", 0, type=int)
    with closing(open_log(_folder(head))) as log:
        window = log_window.fresh(log, after)
        found = _body(head, _wish(args), window, log, held)
        behind = bool(window.lines) and window.lines[-1].number < log.lines
    found = replace(found, after=max(found.after, after), open=found.open or held * (not window.lines), behind=behind)
    return Response(render_template("runs/_log_fresh.html", body=found, changed=changed, **_around(head)))


def _next_attempt(head: Head) -> Response:
    """The log of the attempt that has begun meanwhile, in place of the one before."""
    response = Response(render_template("runs/_log_next.html", body=body(head, MultiDict()), **_around(head)))
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#log-lines", "innerHTML"
    return response


def _body(head: Head, wish: Wish, window: Window, log: Log, held: int = 0) -> Body:
    chosen = [line for line in window.lines if not wish.narrowed or wish.admits(line)]
    last = log.tail(1) if wish.narrowed else window.lines[-1:]
    unfinished = last[-1].number if last and last[-1].unfinished else 0
    after = (last[-1].number - bool(unfinished)) if last else 0
    shown = log_lines.shown(chosen, viewer.timezone(), wish.text, window.current, held)
    open_number = unfinished if any(line.number == unfinished for line in chosen) else 0
    kept = _folder(head).is_dir()
    return Body(head, wish, window, shown, log.size, log.lines, kept, log.dropped.bytes, after, open_number)


def _window(log: Log, wish: Wish, args: MultiDict[str, str]) -> Window:
    for name, read in (("before", log_window.before), ("behind", log_window.behind), ("around", log_window.around)):
        number = args.get(name, type=int)
        if number is not None and 0 <= number < 2**62:
            found = read(log, number)
            return replace(found, current=number) if name == "around" else found
    if wish.narrowed:
        return log_window.narrowed(log, wish)
    return log_window.matching(log, wish) if wish.text else log_window.end(log)


def _around(head: Head) -> dict[str, Any]:
    """What the parts of the page around the log need, which its answers bring along."""
    return {**run_head.context(head), "timeline": run_timeline.events(head)}


def _wish(args: MultiDict[str, str]) -> Wish:
    stream = args.get("stream", "")
    return Wish(
        stream=stream if stream in ("stdout", "stderr") else "",
        warn=args.get("warn", "") not in ("", "0"),
        text=args.get("q", "")[:LONGEST_QUERY],
        match=args.get("match", 1, type=int),
    )


def _part() -> str:
    return next((name for name in ("before", "behind") if name in request.args), "all")


def _head(public_id: str) -> Head:
    actor = access.current_actor()
    entry = history.find(actor, public_id)
    require(actor, "log.read", entry.task, N_("There is no such run."))
    return run_head.of(entry, request.args.get("attempt", type=int))


def _folder(head: Head) -> Path:
    return attempt_folder(settings().instance, head.run.id, head.number)


def _raw(log: Log) -> Iterator[bytes]:
    with closing(log):
        yield from log.raw()


def _attachment(head: Head) -> str:
    """A name every system takes, and the task's own for those that can."""
    plain = re.sub(r"[^a-z0-9_-]", "-", head.task.key)
    tail = f"-{head.run.id}-{head.number}.log"
    return f"attachment; filename=\"{plain}{tail}\"; filename*=UTF-8''{quote(head.task.name + tail, safe='')}"
