"""What one click would mend in the schedule of a form: a value outside its range, a crowded minute; judges no schedule."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC

from scheduler.accounts.permissions import Actor
from scheduler.errors import Problem
from scheduler.schedules.preview import Preview
from scheduler.tasks import queries
from scheduler.web import task_controls
from scheduler.web.controls import Typed

FIX = "fix"
MINUTE = "schedule_config.minute"
TIMES = ("schedule_config.times", "schedule_config.time")
# Where few tasks of other people are: not on the fives.
MINUTES = (17, 23, 37, 43, 7, 13, 47, 53, 3, 27, 33, 57)


@dataclass(frozen=True)
class Fix:
    """What the field `name` should say instead; `value` is that, `label` the part of it worth showing."""

    name: str
    value: str
    label: str

    @property
    def sent(self) -> str:
        """The fix as the form sends it."""
        return f"{self.name}={self.value}"


def apply(form: Typed) -> None:
    """Write the fix that was clicked into its field; one for a field the schedule does not have changes nothing."""
    name, _, value = form.pop(FIX, "").partition("=")
    if name in {control.name for control in task_controls.of_schedule(form.get("schedule_type", ""))}:
        form.setlist(name, [value])


def for_problems(problems: Iterable[Problem], form: Typed) -> dict[str, Fix]:
    """By field, what would put a number outside its range right: the nearest in it, or the first when it went over the end."""
    found: dict[str, Fix] = {}
    for problem in problems:
        wrong, low, high = (problem.params.get(name) for name in ("value", "low", "high"))
        written = form.get(problem.field, "")
        if isinstance(low, int) and isinstance(high, int) and re.fullmatch(r"\d{1,4}", str(wrong)):
            right = low if int(str(wrong)) == high + 1 else high
            value = re.sub(rf"(?<!\d){wrong}(?!\d)", str(right), written)
            if value != written:
                found[problem.field] = Fix(problem.field, value, value)
    return found


def for_crowd(actor: Actor, form: Typed, found: Preview) -> Fix | None:
    """A minute of the same hour at which nothing else is due, for a schedule that names one minute."""
    name = next((name for name in (MINUTE, *TIMES) if len(form.getlist(name)) == 1), None)
    if name is None or (name == MINUTE and not form[MINUTE].isdecimal()):
        return None
    local = found.runs[0].local
    busy = queries.due_within(actor, *((local.replace(minute=minute, second=0).astimezone(UTC)) for minute in (0, 59)))
    free = next((at for at in (local.replace(minute=m) for m in MINUTES) if at.astimezone(UTC) not in busy), None)
    if free is None:
        return None
    return Fix(name, str(free.minute) if name == MINUTE else f"{free:%H:%M}", f"{free:%H:%M}")
