"""What a way to reach people is: the configuration it takes, whom that names, and sending one letter; keeps nothing."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from scheduler.config import settings
from scheduler.errors import N_, Invalid, Problem
from scheduler.kinds.base import Field
from scheduler.notify import texts
from scheduler.notify.templates import filled, one_line
from scheduler.registry import Registry
from scheduler.validation import problems
from scheduler.vault import MASK, vault

OWNER = "owner"  # among receivers: whoever owns the task
SECONDS = 10.0  # that any one step of sending may take

Values = dict[str, Any]


class Config(BaseModel):
    """What a channel of one type is told; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


C = TypeVar("C", bound=Config)


@dataclass(frozen=True)
class Letter:
    """What is to be said to one receiver: `key` is the same however often it is tried."""

    address: str
    values: Mapping[str, Any]
    key: str
    at: datetime
    folded: tuple[str, ...] = ()  # lines of those that this one sums up

    def subject(self, template: str = "") -> str:
        """One line, whatever the values hold."""
        if self.folded:
            return texts.say(settings().server.language, "folded_subject") % (len(self.folded) + 1)
        return one_line(filled(template or texts.say(settings().server.language, "subject"), self._worded(template)))

    def body(self, template: str = "") -> str:
        """The text, with what it sums up below."""
        text = filled(template or texts.say(settings().server.language, "body"), self._worded(template))
        return "\n".join([text, "", *self.folded]) if self.folded else text

    def _worded(self, template: str) -> Mapping[str, Any]:
        """Templates of one's own get the words programs use, ours say them for people."""
        return self.values if template else texts.worded(settings().server.language, self.values)


@dataclass(frozen=True)
class Answer:
    """What the other side said: `code` is SMTP's or HTTP's; `again` tells whether trying again may help."""

    ok: bool
    text: str
    code: int | None = None
    again: bool = True
    milliseconds: int = field(default=0, compare=False)


class Way(ABC, Generic[C]):
    """A type of channel."""

    name: str
    label: str
    icon: str
    model: type[C]

    def read(self, values: Mapping[str, Any]) -> C:
        """The configuration that `values` amount to; `Invalid` naming each wrong field."""
        try:
            return self.model.model_validate(dict(values))
        except ValidationError as error:
            raise Invalid(problems(error)) from error

    @abstractmethod
    def addresses(self, config: C) -> tuple[str, ...]:
        """Whom it reaches; `OWNER` stands for the owner of the task."""

    @abstractmethod
    def send(self, config: C, letter: Letter) -> Answer:
        """Say it; never raises for what the other side does. Nothing of ours is locked meanwhile."""

    @abstractmethod
    def fields(self) -> list[Field]:
        """The controls of the form, in order."""

    def secrets(self, values: Values) -> Iterator[tuple[str, ...]]:
        """Where in the configuration secrets stand."""
        return iter(())

    def owners_address(self, username: str, email: str) -> str:
        """How the owner of a task is reached this way; empty: not at all."""
        return username

    def sealed(self, values: Values) -> Values:
        """The configuration as the database keeps it."""
        return self._mapped(values, vault().seal)

    def opened(self, values: Values) -> Values:
        """What was sealed, in clear: to send with, and for nothing else."""
        return self._mapped(values, vault().open)

    def resealed(self, values: Values) -> Values:
        """What was sealed, sealed with the newest key."""
        return self._mapped(values, vault().again)

    def masked(self, values: Values) -> Values:
        """What people may see of it."""
        return self._mapped(values, lambda _value: MASK)

    def unmasked(self, values: Values, stored: Values) -> Values:
        """`values` where a secret sent back as its mask means the one that is stored."""
        clear = self.opened(stored)
        new = dict(values)
        for path in self.secrets(values):
            if _at(values, path) == MASK and (kept := _at(clear, path)):
                new = _put(new, path, kept)
        return new

    def _mapped(self, values: Values, change: Callable[[str], str]) -> Values:
        new = dict(values)
        for path in self.secrets(values):
            if text := _at(values, path):
                new = _put(new, path, change(text))
        return new


class Ways(Registry[Way[Any]]):
    """The family of ways."""

    def open_to_rules(self, name: str, values: Mapping[str, Any]) -> None:
        """`Invalid` unless a rule may say this itself: it is seen by whoever sees the task, so it holds no secret."""
        way = self.get(name)
        way.read(values)
        if secret := next((path for path in way.secrets(dict(values)) if _at(dict(values), path)), None):
            text = N_("A rule is no place for a secret: an administrator makes a channel of it, which the rule then names.")
            raise Invalid(Problem(".".join(secret), text))


def _at(values: Mapping[str, Any], path: tuple[str, ...]) -> str:
    inner: Any = values
    for name in path:
        inner = inner.get(name) if isinstance(inner, Mapping) else None
    return inner if isinstance(inner, str) else ""


def _put(values: Values, path: tuple[str, ...], text: str) -> Values:
    name, rest = path[0], path[1:]
    return {**values, name: _put(values[name], rest, text) if rest else text}
