"""The loops that tell people: one chooses whom, one sends; they read what was written and nothing waits for them."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial

from flask import Flask

from scheduler import clock, database
from scheduler.daemon.leader import Deposed, Term
from scheduler.daemon.loop import Loop
from scheduler.database import db
from scheduler.notify import choose, deliver, outbox
from scheduler.notify.channels import Answer
from scheduler.notify.deliver import Job

GATHER = 0.25  # seconds in which more runs may end before it is chosen whom to tell of them: they have the database first
SOON = 1.0  # seconds at least between two rounds of which the first sent nothing
TIDY = 3600.0  # seconds between two times what is old is removed, where anything happens at all
LONGEST = 45.0  # seconds one round of sending may take; what is not back by then counts as unanswered

_log = logging.getLogger("Notify")


class Notifier:
    """Both loops of the daemon that leads."""

    def __init__(self, app: Flask, term: Term) -> None:
        self._app = app
        self._term = term
        self._pool = ThreadPoolExecutor(deliver.PART, thread_name_prefix="sending")
        self._tidied = clock.monotonic()
        looks = {"choosing": (self._choose, GATHER), "sending": (self._send, 0.0)}
        self._loops = [Loop(app, _log, name, partial(self._leading, look), breath) for name, (look, breath) in looks.items()]

    def start(self) -> None:
        """Begin both."""
        for loop in self._loops:
            loop.start()

    def wake(self) -> None:
        """Somebody has written: runs may have ended, deliveries may wait."""
        for loop in self._loops:
            loop.wake()

    def stop(self) -> None:
        """End both; what is being sent is tried again by whoever leads next, if nothing came of it."""
        for loop in self._loops:
            loop.stop(5)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _leading(self, look: Callable[[], float | None]) -> float | None:
        """One look, as far as we may; while our leadership is in doubt there is nothing to see."""
        try:
            with database.guarded(self._term.check):
                self._term.trust()
                return look()
        except Deposed as error:
            _log.debug("event=notifying_forbidden reason=%r", str(error))
            return None

    def _choose(self) -> float | None:
        if clock.monotonic() - self._tidied > TIDY and not outbox.forget():
            self._tidied = clock.monotonic()
        return 0.0 if choose.choose() else None

    def _send(self) -> float | None:
        """One round; in how many seconds the next one is due, as far as is known."""
        jobs = deliver.claim()
        db.session.rollback()
        futures = {self._pool.submit(self._perform, job): job for job in jobs}
        done, late = wait(futures, timeout=LONGEST)
        for future in late:
            future.cancel()
        results = [(futures[future].id, future.result()) for future in done]
        deliver.record([*results, *((futures[future].id, Answer(False, "no answer in time")) for future in late)])
        due = deliver.next_due()
        return None if due is None else max((due - clock.now()).total_seconds(), 0.0 if jobs else SOON)

    def _perform(self, job: Job) -> Answer:
        with self._app.app_context():
            try:
                return deliver.perform(job)
            except Exception as error:
                _log.exception("event=sending_failed id=%s", job.id)
                return Answer(False, f"{type(error).__name__}: {error}")
