"""The product's exceptions: one root, a small tree by fact, texts the edges translate; no status codes and no HTML."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as made
from typing import Any, Self

from scheduler.sentences import N_ as N_


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one field: a catalogue sentence with `%(name)s` places, and what fills them."""

    field: str
    text: str
    params: Mapping[str, Any] = made(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.field}: {self.text % self.params}" if self.field else self.text % self.params


class SchedulerError(Exception):
    """The root: `problems` say what is wrong, in words a user can act on."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("; ".join(map(str, self.problems)))

    @classmethod
    def because(cls, text: str, field: str = "", **params: Any) -> Self:
        """The error with one problem: `NotFound.because(N_("There is no task %(key)s."), key=key)`."""
        return cls(Problem(field, text, params))


class Invalid(SchedulerError):
    """What was given cannot be accepted; each problem names its field."""


class NotFound(SchedulerError):
    """There is no such thing, or not for this actor: the two are told apart nowhere."""


class Forbidden(SchedulerError):
    """The actor may not do this."""


class Unauthenticated(SchedulerError):
    """Nobody, or nobody we know, is asking."""


class Throttled(SchedulerError):
    """Too many tries; `retry_after` is in seconds."""

    retry_after: int = 60


class Conflict(SchedulerError):
    """The state of things forbids it: a name taken, an old version, a run already over."""


class Unavailable(SchedulerError):
    """What everything is kept in cannot be used now; nothing was saved. Ask again in `retry_after` seconds."""

    retry_after: int = 5


class StorageFull(Unavailable):
    """There is no room left on the disk."""

    retry_after = 60


class StorageReadOnly(Unavailable):
    """What is stored can be read but not changed."""

    retry_after = 60


class StorageBusy(Unavailable):
    """Another writer holds the database for too long."""


class StorageGone(Unavailable):
    """The database does not answer."""


class ConfigError(SchedulerError):
    """The configuration cannot be used; the problem's field is the setting's path."""
