"""The product's five signals, each carrying ids only; who listens is decided in `create_app`, on one screen."""

import logging
from typing import Any

from blinker import ANY, Signal

task_changed = Signal("task_id: a task was created, edited, enabled or disabled")
task_removed = Signal("task_id: a task went to the trash")
run_queued = Signal("run_ids: runs wait to be started")
run_finished = Signal("run_ids: runs reached an end state")
cancel_requested = Signal("run_ids: somebody asked these runs to stop")

_log = logging.getLogger("Signals")


def emit(signal: Signal, **ids: Any) -> None:
    """Tell every listener; one that fails is logged and keeps nobody else from hearing.

    Send after the commit only (`database.transaction` does), so that a listener never sees what may still be undone.
    """
    for listener in signal.receivers_for(ANY):
        try:
            listener(**ids)
        except Exception:
            _log.exception("event=listener_failed signal=%r listener=%r", signal.__doc__, listener)
