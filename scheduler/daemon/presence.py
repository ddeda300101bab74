"""The nodes among themselves: says that this one is alive, gives up the attempts of those that are silent for too long."""

import logging
import os
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

from sqlalchemy import select

from scheduler import clock, nodes
from scheduler.config import settings
from scheduler.daemon import recovery
from scheduler.daemon.recovery import Strange
from scheduler.database import db
from scheduler.errors import N_
from scheduler.execution import protocol
from scheduler.execution.engines import Engine
from scheduler.nodes import Node
from scheduler.runs import late
from scheduler.runs.lifecycle import Report
from scheduler.runs.policy import Outcome

GIVEN_UP = 300.0  # seconds without a sign of life after which the attempts of a node are lost
UNHEARD = N_("Its machine was not heard of for five minutes.")

_log = logging.getLogger("TaskExecutor")


class Presence:
    """What one daemon knows of the nodes; counted on its own steady clock, so that no clock that was set loses an attempt."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._shown = -nodes.BEAT
        self._heard: dict[str, tuple[datetime | None, float]] = {}

    def show(self) -> None:
        """Say now and then that this node is alive; and take in what ended here after its run had been given up."""
        if clock.monotonic() - self._shown < nodes.BEAT:
            return
        if nodes.shared() or self._shown < 0:  # on SQLite there is nobody else who would look, and each writing wakes all loops
            nodes.seen(mark(settings().instance))
        self._shown = clock.monotonic()
        for run_id, number in late.awaited(nodes.own()):
            outcome = self._engine.outcome(run_id, number)
            if outcome is not None and late.keep(run_id, number, outcome):
                _log.warning(
                    "event=late_result run=%s attempt=%s reason=%s exit=%s", run_id, number, outcome.reason, outcome.exit_code
                )

    def give_up(self, strange: Sequence[Strange]) -> None:
        """Those of `strange` whose node gave no sign of life for `GIVEN_UP` seconds, while we watched, are lost."""
        if not strange:
            self._heard.clear()
            return
        silent = self._silent({one.node for one in strange})
        lost = [Report(one.run_id, one.number, Outcome("lost", error=UNHEARD)) for one in strange if one.node in silent]
        if lost:
            _log.error("event=node_silent nodes=%s attempts=%s", ",".join(sorted(silent)), len(lost))
            recovery.write(lost)

    def _silent(self, names: set[str]) -> set[str]:
        found = {row.id: row.seen_at for row in db.session.execute(select(Node.id, Node.seen_at).where(Node.id.in_(names)))}
        db.session.rollback()
        now = clock.monotonic()
        for name in names:
            if name not in self._heard or self._heard[name][0] != found.get(name):
                self._heard[name] = found.get(name), now
        return {name for name in names if now - self._heard[name][1] >= GIVEN_UP}


@cache
def mark(instance: Path) -> str:
    """Which start of which machine, and which folder there: a copied instance folder has another one than its original."""
    folder = os.stat(instance)
    return f"{protocol.boot_id()}:{folder.st_dev}:{folder.st_ino}"
