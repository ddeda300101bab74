"""Tells the daemon of this machine what a command has changed: a command is over before it could look by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, current_app

from scheduler import signals
from scheduler.daemon.bell import Bell


@contextmanager
def heard() -> Iterator[None]:
    """Ring for what is changed meanwhile; runs of tasks that are deleted are stopped."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    bell = Bell(app)
    with (
        signals.task_changed.connected_to(bell.task_changed),
        signals.task_removed.connected_to(bell.task_removed),
        signals.run_queued.connected_to(bell.run_waits),
    ):
        yield
