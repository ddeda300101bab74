"""The loops that tell people: one chooses whom, one sends; they read what was written and nothing waits for them."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

from flask import Flask

from scheduler import clock, database
from scheduler.daemon.leader import Deposed, Term
from scheduler.daemon.quiet import Quiet
from scheduler.daemon.rest import Rest
from scheduler.database import db
from scheduler.notify import choose, deliver, outbox
from scheduler.notify.channels import Answer
from scheduler.notify.deliver import Job

IDLE = 1.0  # seconds between looks
TIDY = 3600.0  # seconds between two times what is old is removed, where anything happens at all
LONGEST = 45.0  # seconds one round of sending may take; what is not back by then counts as unanswered

_log = logging.getLogger("Notify")


class Loop:
    """A thread that looks, and rests while nobody has written anything since there was nothing to do."""

    def __init__(self, app: Flask, term: Term, name: str, look: Callable[[], bool]) -> None:
        self._app = app
        self._term = term
        self._name = name
        self._look = look
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._quiet = Quiet(_log, f"{name}_failed")
        with app.app_context():
            self._unwritten = Rest()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Somebody has written."""
        self._woken.set()

    def stop(self) -> None:
        """End; what is being sent is tried again by whoever leads next, if nothing came of it."""
        self._stopping.set()
        self._woken.set()
        if self._thread.ident is not None:
            self._thread.join(5)
        if not self._thread.is_alive():
            self._unwritten.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.wait(self._unwritten.sleep(IDLE))
            self._woken.clear()
            if self._stopping.is_set() or self._unwritten.holds():
                continue
            try:
                with self._app.app_context(), database.guarded(self._term.check):
                    self._term.trust()
                    while self._look() and not self._stopping.is_set():
                        pass
                    db.session.rollback()
                self._unwritten.begin()
                self._quiet.worked(self._name)
            except Deposed:
                return
            except Exception as error:
                self._quiet.failed(self._name, error)
                self._stopping.wait(IDLE)


class Notifier:
    """Both loops of the daemon that leads."""

    def __init__(self, app: Flask, term: Term) -> None:
        self._app = app
        self._pool = ThreadPoolExecutor(deliver.PART, thread_name_prefix="sending")
        self._tidied = clock.monotonic()
        self._loops = [Loop(app, term, "choosing", self._choose), Loop(app, term, "sending", self._send)]

    def start(self) -> None:
        """Begin both."""
        for loop in self._loops:
            loop.start()

    def wake(self) -> None:
        """Somebody has written: runs may have ended, deliveries may wait."""
        for loop in self._loops:
            loop.wake()

    def stop(self) -> None:
        """End both."""
        for loop in self._loops:
            loop.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _choose(self) -> bool:
        if clock.monotonic() - self._tidied > TIDY and not outbox.forget():
            self._tidied = clock.monotonic()
        return choose.choose() > 0

    def _send(self) -> bool:
        """One round; whether there may be more."""
        jobs = deliver.claim()
        db.session.rollback()
        futures = {self._pool.submit(self._perform, job): job for job in jobs}
        done, late = wait(futures, timeout=LONGEST)
        for future in late:
            future.cancel()
        results = [(futures[future].id, future.result()) for future in done]
        deliver.record([*results, *((futures[future].id, Answer(False, "no answer in time")) for future in late)])
        return bool(jobs)

    def _perform(self, job: Job) -> Answer:
        with self._app.app_context():
            try:
                return deliver.perform(job)
            except Exception as error:
                _log.exception("event=sending_failed id=%s", job.id)
                return Answer(False, f"{type(error).__name__}: {error}")
