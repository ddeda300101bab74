"""Which part of a list the service and the engine face are asked for: `page` and `limit`, or 004's `limit` and `offset`."""

from dataclasses import dataclass

from scheduler.api import asking
from scheduler.api.asking import LAST_PAGE, Paging

LONGEST_PAGE = 100
LONGEST_SLICE = 1000


@dataclass(frozen=True)
class Slice:
    """How many of a list at most, and how many are passed over."""

    limit: int
    offset: int


def page() -> Paging:
    """`page` from 1, `limit` 20 unless told, at most 100."""
    return Paging(asking.number("page", 1, (1, LAST_PAGE)), asking.number("limit", 20, (1, LONGEST_PAGE)))


def part(usual: int) -> Slice:
    """`limit`, `usual` unless told, at most 1000; `offset` from 0."""
    return Slice(asking.number("limit", usual, (1, LONGEST_SLICE)), asking.number("offset", 0, (0, LAST_PAGE)))
