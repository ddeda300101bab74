"""Doing one thing in several threads at once, as several requests and loops do."""

import threading
from collections.abc import Callable

from flask import Flask


def in_threads(app: Flask, count: int, work: Callable[[], None]) -> list[Exception]:
    """Do `work` in that many threads at once, each with a context of its own; what went wrong."""
    failures: list[Exception] = []
    barrier = threading.Barrier(count)

    def run() -> None:
        barrier.wait()
        try:
            with app.app_context():
                work()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return failures
