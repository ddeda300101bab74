"""A task's body in one document's names made into a draft's values, and what is wrong with those said in its names again."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from scheduler.api.v1.task_bodies import EMPTY
from scheduler.errors import N_, Conflict, Invalid, Problem
from scheduler.tasks.drafts import CONTENT_FIELDS, Particulars
from scheduler.tasks.policy import Policy
from scheduler.validation import shorten

OURS = frozenset(Particulars.model_fields) | frozenset(Policy.model_fields) | CONTENT_FIELDS


class Strange(Invalid):
    """What was sent has names that cannot be: said in those names already."""


def renamed(given: Mapping[str, Any], names: Mapping[str, str], known: frozenset[str]) -> dict[str, Any]:
    """`given` under our names; what is neither among `names` nor `known` is refused, and one thing said under two names."""
    strange = [name for name in given if name not in names and name not in known]
    if strange:
        raise Strange(Problem(shorten(name), N_("There is no such field.")) for name in strange)
    values: dict[str, Any] = {}
    for name, value in given.items():
        ours = names.get(name, name)
        if ours in values:
            first = next(other for other in given if names.get(other, other) == ours)
            raise Strange.because(N_("Give “%(first)s” or “%(second)s”, not both."), field=name, first=first, second=name)
        values[ours] = EMPTY.get(ours) if value is None else value
    return values


def demand(given: Mapping[str, Any], *names: str) -> None:
    """`Invalid` for each of `names` that a body leaves out or empty."""
    absent = [name for name in names if given.get(name) in (None, "")]
    if absent:
        raise Strange(Problem(name, N_("This is required.")) for name in absent)


@contextmanager
def errors_in(theirs: Mapping[str, str]) -> Iterator[None]:
    """Let errors name the fields as their sender wrote them: `theirs` has the sender's name for each of ours."""
    try:
        yield
    except Strange:
        raise
    except (Invalid, Conflict) as error:
        raise type(error)(_respelled(error.problems, theirs)) from error


def _respelled(problems: Sequence[Problem], theirs: Mapping[str, str]) -> Iterator[Problem]:
    for problem in problems:
        root, _, part = problem.field.partition(".")
        whole = root in ("schedule_config", "schedule_type") and root in theirs  # of such a schedule the whole is the field
        name = theirs.get(root, root)
        yield Problem(name if whole or not part else f"{name}.{part}", problem.text, problem.params)
