"""Name to member, in order of registration: the mechanism behind every family (schedules, kinds, engines …)."""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from scheduler.errors import N_, Invalid
from scheduler.validation import shorten


class Member(Protocol):
    """A member of a family: the name data carries, and the English label people read."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str: ...


M = TypeVar("M", bound=Member)


class Registry(Generic[M]):
    """The members of one family; a name is taken once."""

    def __init__(self, field: str) -> None:
        self._field = field
        self._members: dict[str, M] = {}

    def register(self, member: M) -> M:
        """Add `member` to the family; a second one of the same name is a programming error."""
        if member.name in self._members:
            raise ValueError(f"{self._field} {member.name!r} is registered twice")
        self._members[member.name] = member
        return member

    def get(self, name: str) -> M:
        """The member called `name`; `Invalid` naming the field and the choices when there is none."""
        member = self._members.get(name)
        if member is None:
            text = N_("“%(value)s” is not one of: %(choices)s.")
            raise Invalid.because(text, field=self._field, value=shorten(name), choices=", ".join(self._members))
        return member

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def __iter__(self) -> Iterator[M]:
        return iter(self._members.values())

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._members)
