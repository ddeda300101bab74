"""`run`: a task now, from the command line, waited for and followed; a running daemon starts it."""

import sys
import time
from typing import Any

import click
from flask.cli import with_appcontext

from scheduler import clock
from scheduler.accounts.permissions import SYSTEM
from scheduler.cli.ringing import heard
from scheduler.cli.telling import as_json, say, told
from scheduler.config import settings
from scheduler.database import db
from scheduler.runs import history, ledger
from scheduler.runs.folders import attempt_folder
from scheduler.runs.logs import open_log
from scheduler.runs.models import Run
from scheduler.runs.status import ENDED, Cause, Status
from scheduler.tasks import queries

STILL = 16
CODES = {
    Status.SUCCESS: 0,
    Status.BUSINESS_FAILURE: 10,
    Status.TECHNICAL_FAILURE: 11,
    Status.TIMEOUT: 12,
    Status.CANCELLED: 13,
    Status.LOST: 14,
    Status.SKIPPED: 15,
    Status.MISSED: 15,
}
PAUSE = 0.2  # seconds between looks
LINES = 1000


@click.command("run")
@click.argument("key")
@click.option("--wait", is_flag=True, help="Wait for the end; the exit code tells how it went.")
@click.option("--follow", is_flag=True, help="Print the log while it grows; waits too.")
@click.option("--timeout", type=click.FloatRange(min=0), help="Seconds to wait at most.")
@as_json
@with_appcontext
def run_command(key: str, wait: bool, follow: bool, timeout: float | None, as_json: bool) -> None:
    """Run the task KEY now; a daemon has to be running somewhere.

    \b
    Exit codes with --wait or --follow:
      0 success             10 business failure   11 technical failure
      12 timed out          13 cancelled          14 lost
      15 skipped            16 still going after --timeout
      1 it could not be asked for                 2 wrong usage
    """
    with heard():
        run = told(lambda: ledger.request(SYSTEM, queries.find(SYSTEM, key), Cause.MANUAL))
    public_id = run.public_id
    if wait or follow:
        run = _waited(run.id, timeout, follow and not as_json)
    exit_code = run.exit_code if run.status in ENDED else None
    found: dict[str, Any] = {"execution_id": public_id, "task": key, "status": str(run.status), "exit_code": exit_code}
    say(found, as_json, *([] if follow else [f"{public_id} {run.status}"]))
    if wait or follow:
        raise click.exceptions.Exit(CODES.get(Status(run.status), STILL))


def _waited(run_id: int, timeout: float | None, follow: bool) -> Run:
    began, shown = clock.monotonic(), (0, 0)
    while True:
        db.session.rollback()
        run = db.session.get_one(Run, run_id)
        over = run.status in ENDED
        if follow:
            shown = _printed(run, shown)
        if over or (timeout is not None and clock.monotonic() - began > timeout):
            return run
        db.session.rollback()
        time.sleep(PAUSE)


def _printed(run: Run, shown: tuple[int, int]) -> tuple[int, int]:
    """Print the lines that are new; answers the attempt and line that was last."""
    for attempt in history.attempts(run):
        number, line = attempt.number, shown[1] if attempt.number == shown[0] else 0
        if number < shown[0]:
            continue
        with open_log(attempt_folder(settings().instance, run.id, number)) as log:
            while lines := [one for one in log.after(line, LINES) if not one.unfinished or run.status in ENDED]:
                for one in lines:
                    click.echo(one.text, file=sys.stderr if one.stream == "stderr" else sys.stdout)
                line = lines[-1].number
                if lines[-1].unfinished:
                    break
        shown = (number, line)
    return shown


COMMANDS = (run_command,)
