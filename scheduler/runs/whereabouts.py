"""Where the log of an attempt lies, which another machine may have performed; reading one is `runs.logs`'s."""

from pathlib import Path

from scheduler import nodes
from scheduler.config import settings
from scheduler.database import db
from scheduler.errors import N_, Conflict
from scheduler.runs.folders import attempt_folder
from scheduler.runs.models import Attempt

ELSEWHERE = N_("This attempt's log is on the machine that performed it: %(host)s.")


def performer(attempt: Attempt | None) -> str:
    """The machine of another node that has performed `attempt`: its name, or its node's; nothing for one of ours."""
    if attempt is None or attempt.node in ("", nodes.own()):
        return ""
    return nodes.host_of(attempt.node) or attempt.host or attempt.node


def holder(run_id: int, number: int) -> str:
    """The machine that has the log of an attempt which is not in our folder; nothing for one that is, or never was."""
    return "" if _folder(run_id, number).exists() else performer(db.session.get(Attempt, (run_id, number)))


def here(run_id: int, number: int) -> Path:
    """The folder of an attempt's log; `Conflict` naming the machine that has it, where that is another."""
    if host := holder(run_id, number):
        raise Conflict.because(ELSEWHERE, host=host)
    return _folder(run_id, number)


def _folder(run_id: int, number: int) -> Path:
    return attempt_folder(settings().instance, run_id, number)
