"""Writers who come at once share a transaction, and with it one flush to the disk; what they write is their own business."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from scheduler import database, trouble
from scheduler.errors import SchedulerError, Unavailable

T = TypeVar("T")

MOST = 32  # in one transaction: who came first shall not wait for ever


class _Wish:
    """What one thread wants written, and what came of it."""

    def __init__(self, work: Callable[[Session], Any]) -> None:
        self._work = work
        self._result: Any = None
        self._error: Exception | None = None
        self.over = False

    def try_in(self, session: Session) -> None:
        try:
            self._result = self._work(session)
        except Unavailable:
            raise
        except SchedulerError as error:  # it has written nothing yet
            self._error = error

    def alone(self) -> None:
        """In a transaction of its own."""
        try:
            with database.transaction() as session:
                self._result = self._work(session)
        except Exception as error:
            self._error = error
        self.over = True

    def end(self, error: Exception | None = None) -> None:
        self._error = error or self._error
        self.over = True

    def outcome(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._result


_wishes: deque[_Wish] = deque()
_door = threading.Lock()
_lead = threading.Lock()


def write(work: Callable[[Session], T]) -> T:
    """Do `work` in a writing transaction, perhaps shared with others who come meanwhile; its result, once that is committed.

    It is done by any of their threads, and may be done twice: after an error that is not a `SchedulerError` nothing of what
    was shared is kept and each is done again by itself. A `SchedulerError` it raises before it has written anything.
    """
    database.refuse_hopeless()
    wish = _Wish(work)
    with _door:
        _wishes.append(wish)
    if not _lead.acquire(timeout=trouble.PATIENCE):
        if _withdrawn(wish):
            raise trouble.busy()
        _lead.acquire()  # somebody is at it
    try:
        while not wish.over:
            _serve()
    finally:
        _lead.release()
    result: T = wish.outcome()
    return result


def _serve() -> None:
    """Do what was wished for up to now, and what comes while that is being done."""
    batch: list[_Wish] = []
    try:
        with database.transaction() as session:
            while len(batch) < MOST and (wish := _next()):
                batch.append(wish)
                wish.try_in(session)
    except Unavailable as error:
        for wish in batch or _all():
            wish.end(error)
    except Exception:  # whose it was cannot be told from a commit that failed
        for wish in batch:
            wish.alone()
    else:
        for wish in batch:
            wish.end()


def _next() -> _Wish | None:
    with _door:
        return _wishes.popleft() if _wishes else None


def _all() -> list[_Wish]:
    with _door:
        found = list(_wishes)
        _wishes.clear()
        return found


def _withdrawn(wish: _Wish) -> bool:
    with _door:
        if wish not in _wishes:
            return False
        _wishes.remove(wish)
        return True
