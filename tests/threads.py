"""Doing one thing in several threads at once, as several requests and loops do."""

import os
import threading
from collections.abc import Callable
from typing import Any

from flask import Flask

from scheduler import database, gathered


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


def while_another_writes(app: Flask, *asks: Callable[[], Any]) -> list[Any]:
    """What comes of these, each in its thread, all asked for while somebody else has the database: its result, or its error."""
    found: list[Any] = [None] * len(asks)

    def ask(place: int) -> None:
        with app.app_context():
            try:
                found[place] = asks[place]()
            except Exception as error:
                found[place] = error

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(len(asks))]
    with database.transaction():
        for thread in threads:
            thread.start()
        while len(gathered._wishes) < len(asks):
            os.sched_yield()
    for thread in threads:
        thread.join(60)
    return found
