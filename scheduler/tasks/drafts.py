"""A task as somebody wrote it: one flat set of values, checked whole, whichever door it came through; saves nothing."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scheduler import clock
from scheduler.config import settings
from scheduler.errors import N_, Invalid, Problem
from scheduler.kinds import Content, Kind, kinds, references
from scheduler.kinds import read as read_content
from scheduler.schedules import parse, preview, spellings
from scheduler.schedules.base import Schedule, zone
from scheduler.schedules.once import YEARS
from scheduler.schedules.plan import Plan
from scheduler.schedules.wall import localized
from scheduler.tasks import contents, wording
from scheduler.tasks.policy import Policy
from scheduler.validation import problems

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
CONTENT_ROOM = 64 * 1024

DependsMode = Literal["all", "any", "finished"]


class Particulars(BaseModel):
    """What a task has besides its content, its schedule and its policy."""

    model_config = ConfigDict(extra="forbid")

    name: str
    key: str = ""
    description: str = Field("", max_length=2000)
    group: int | str | None = None
    tags: Annotated[list[str], Field(max_length=20)] = []
    private: bool = False
    type: str | None = None
    params: Annotated[dict[str, str], Field(max_length=100)] = {}
    env: Annotated[dict[str, str], Field(max_length=100)] = {}
    working_directory: str = Field("", max_length=4096)
    schedule_type: str = "manual"
    schedule_config: Any = None
    timezone: str = ""  # empty: the installation's
    start_at: datetime | None = None
    end_at: datetime | None = None
    max_runs: int | None = Field(None, ge=1, le=1_000_000_000)
    is_active: bool = True
    depends_on: Annotated[list[int | str], Field(max_length=100)] = []
    depends_mode: DependsMode = "all"
    metadata: Annotated[dict[str, Any], Field(max_length=100)] = {}


@dataclass(frozen=True)
class Draft:
    """A task that could be saved: every value checked, the schedule made."""

    particulars: Particulars
    kind: Kind[Any] | None
    content: Content | None
    policy: Policy
    schedule: Schedule
    plan: Plan
    secrets: Mapping[str, frozenset[str]] = made(default_factory=dict)  # the names of those it names, by place


CONTENT_FIELDS = frozenset(field for kind in kinds for field in kind.model.model_fields)


def read(values: Mapping[str, Any], seed: str = "") -> Draft:
    """Check `values` whole and make the draft; `Invalid` carries every problem found, each with its field.

    `seed` (the task's key) settles the hashed `H` fields of a cron expression.
    """
    found: list[Problem] = []
    rest = dict(values)
    content_values = {name: rest.pop(name) for name in CONTENT_FIELDS & rest.keys()}
    policy_values = {name: rest.pop(name) for name in Policy.model_fields.keys() & rest.keys()}
    particulars = _model(Particulars, rest, found)
    policy = _model(Policy, policy_values, found)
    kind, content = _content(values.get("type"), content_values, found)
    plan = None
    if particulars is not None:
        particulars = _checked(particulars, found)
        plan = _plan(particulars, seed or particulars.key or wording.key_from(particulars.name), found)
    if found or particulars is None or policy is None or plan is None:
        raise Invalid(found)
    named = {"env": particulars.env, "params": particulars.params, **_referring(kind, content)}
    return Draft(particulars, kind, content, policy, plan.schedule, plan, secrets_in(named))


def content_alone(values: Mapping[str, Any]) -> tuple[Kind[Any], Content]:
    """What a group's tasks run that say nothing themselves: a `type` and its fields, checked as those of a task are."""
    found: list[Problem] = []
    given = dict(values)
    kind, content = _content(given.pop("type", None), given, found)
    if kind is None or content is None:
        raise Invalid(found or [Problem("type", N_("This is required."))])
    return kind, content


def secrets_in(values: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """The names of the secrets that `values` name, by the dotted place of the text that does."""
    found = ((place, references.names(text)) for name in values for place, text in references.texts(values[name], name))
    return {place: names for place, names in found if names}


def refuse_never(draft: Draft) -> None:
    """`Invalid` when the schedule has no due instant left, or some closer together than the configuration allows.

    One that rests may have none left: a clone of a single date that has passed is edited before it is enabled.
    """
    if draft.particulars.is_active:
        preview.refuse_never(draft.plan, clock.now())
    refuse_too_often(draft.plan)


def refuse_too_often(plan: Plan) -> None:
    """`Invalid` when some due instants lie closer together than the configuration allows."""
    least, floor = settings().engine.min_interval_seconds, plan.schedule.floor()
    if floor is not None and floor.total_seconds() >= least:
        return
    gap = plan.shortest_gap(clock.now())
    if gap is not None and gap < least:
        text = N_("It would run every %(gap)s seconds; the least allowed here is %(least)s.")
        raise Invalid.because(text, field="schedule_config", gap=int(gap), least=least)


def _model(model: type[Any], values: Mapping[str, Any], found: list[Problem]) -> Any:
    for name, value in values.items():
        # Python, and so pydantic, counts true as 1.
        if isinstance(value, bool) and name in model.model_fields and model.model_fields[name].annotation not in (bool, Any):
            found.append(Problem(name, N_("This must not be true or false.")))
            return None
    try:
        return model(**values)
    except ValidationError as error:
        found.extend(problems(error))
        return None


def _content(type_: Any, values: dict[str, Any], found: list[Problem]) -> tuple[Kind[Any] | None, Content | None]:
    """The kind and its content; a task that names no kind runs its group's content, and may not bring any of its own."""
    if type_ in (None, "") and "command" in values:
        type_ = "shell"
    if type_ in (None, ""):
        found.extend(Problem(name, N_("It belongs to a type of task, and “type” names none.")) for name in sorted(values))
        return None, None
    try:
        kind = kinds.get(str(type_).lower())
        allowed = settings().security.allowed_kinds
        if allowed and kind.name not in allowed:
            raise Invalid.because(N_("Tasks of this type are not allowed here."), field="type")
        content = read_content(kind, values)
        found.extend(kind.check(content, contents.context()))
        found.extend(_misnaming(kind, content))
        found.extend(_denied(content))
        return kind, content
    except Invalid as error:
        found.extend(error.problems)
        return None, None


def _referring(kind: Kind[Any] | None, content: Content | None) -> dict[str, Any]:
    """The part of a content in which secrets may be named."""
    values = content.model_dump() if content is not None else {}
    return {name: values[name] for name in kind.referring} if kind is not None else {}


def _misnaming(kind: Kind[Any], content: Content) -> list[Problem]:
    """Secrets that are named by no name, or where none may be."""
    values = content.model_dump()
    here = [found for name in kind.referring for found in references.texts(values[name], name)]
    elsewhere = [found for name in values if name not in kind.referring for found in references.texts(values[name], name)]
    return [*references.misnamed(here), *references.misplaced(elsewhere)]


def _denied(content: Content) -> list[Problem]:
    """Texts the installation's `security.command_deny` patterns forbid."""
    text = N_("The pattern “%(pattern)s” is not allowed here.")
    return [
        Problem(name, text, {"pattern": pattern})
        for name, value in content.model_dump().items()
        for pattern in settings().security.command_deny
        if isinstance(value, str) and re.search(pattern, value)
    ]


def _checked(particulars: Particulars, found: list[Problem]) -> Particulars:
    """`particulars` with names tidied, collecting what is wrong with them."""
    tidy: dict[str, Any] = {"timezone": particulars.timezone or settings().engine.timezone}
    try:
        tidy["name"] = wording.name(particulars.name)
    except Invalid as error:
        found.extend(error.problems)
    if particulars.key:
        try:
            wording.key(particulars.key)
        except Invalid as error:
            found.extend(error.problems)
    try:
        tidy["tags"] = sorted({wording.name(tag, "tags", 50) for tag in particulars.tags})
    except Invalid as error:
        found.extend(error.problems)
    found.extend(wording.plain(particulars.description, "description"))
    found.extend(wording.plain(particulars.working_directory, "working_directory"))
    if particulars.working_directory and not particulars.working_directory.startswith("/"):
        found.append(Problem("working_directory", N_("It must be an absolute path.")))
    for field, values in (("env", particulars.env), ("params", particulars.params)):
        found.extend(_variables(field, values))
    found.extend(references.misplaced([("working_directory", particulars.working_directory)]))
    found.extend(_storable(particulars.metadata))
    return particulars.model_copy(update=tidy)


def _storable(notes: Mapping[str, Any]) -> list[Problem]:
    """The problem with free values that JSON or a database cannot hold."""
    try:
        text = json.dumps(notes, allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except (ValueError, TypeError, RecursionError):
        return [Problem("metadata", N_("This is not valid JSON."))]
    if size > CONTENT_ROOM:
        sizes = {"size": -(-size // 1024), "limit": CONTENT_ROOM // 1024}
        return [Problem("metadata", N_("This is too long: %(size)s KB, at most %(limit)s."), sizes)]
    has_nul = r"\u0000" in text.replace(r"\\", "")
    return [Problem("metadata", N_("This must not contain NUL characters."))] if has_nul else []


def _variables(field: str, values: Mapping[str, str]) -> list[Problem]:
    found = []
    for name, value in values.items():
        if not VARIABLE.fullmatch(name):
            text = N_("“%(name)s” is not a variable's name: letters, digits and “_”, not starting with a digit.")
            found.append(Problem(field, text, {"name": name[:60]}))
        elif len(value) > CONTENT_ROOM or "\0" in value:
            found.append(Problem(f"{field}.{name}", N_("A value may hold at most 64 KB and no NUL.")))
        found += references.misnamed([(f"{field}.{name}", value)])
    return found


def _plan(particulars: Particulars, seed: str, found: list[Problem]) -> Plan | None:
    try:
        kind, config = spellings.read(particulars.schedule_type, particulars.schedule_config)
        schedule = parse(kind, config, particulars.timezone, seed)
        local = zone(particulars.timezone)
    except Invalid as error:
        found.extend(error.problems)
        return None
    for field, moment in (("start_at", particulars.start_at), ("end_at", particulars.end_at)):
        if moment is not None and not YEARS[0] <= moment.year <= YEARS[1]:
            text = N_("Year %(value)s is outside %(low)s–%(high)s.")
            found.append(Problem(field, text, {"value": moment.year, "low": YEARS[0], "high": YEARS[1]}))
            return None
    start, end = (
        localized(moment, local) if moment is not None and moment.tzinfo is None else moment
        for moment in (particulars.start_at, particulars.end_at)
    )
    if start and end and end <= start:
        found.append(Problem("end_at", N_("It must be later than the start.")))
    return Plan(schedule, start, end)
